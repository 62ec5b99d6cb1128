"""Turns files into text inside the parser's process; imports nothing else of trimtab."""
