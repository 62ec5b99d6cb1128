"""Files to text, in a process that can be killed."""

from trimtab.knowledge.parsing.parser import Parser

__all__ = ["Parser"]
