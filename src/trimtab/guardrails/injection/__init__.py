"""Prompt injection: text that tries to take the place of our own instructions."""
