"""The sentiment analyzer of short financial texts."""
