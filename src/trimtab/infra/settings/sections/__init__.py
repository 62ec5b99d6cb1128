"""One module for each domain's settings."""
