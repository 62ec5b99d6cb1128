"""Commands that ask questions and show traces."""
