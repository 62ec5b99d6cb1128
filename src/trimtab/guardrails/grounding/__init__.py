"""Grounding: whether a sentence is supported by the text that it cites."""
