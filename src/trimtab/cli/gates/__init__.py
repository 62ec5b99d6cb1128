"""Commands of the release gates."""
