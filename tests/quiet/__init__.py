"""Whether a healthy service leaves people alone."""
