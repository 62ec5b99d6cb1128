"""Commands that run fault drills."""
