"""Prompt injection: detects text that tries to override the instructions."""
