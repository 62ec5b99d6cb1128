"""Grounding: checks that sentences are supported by the text they cite."""
