"""Validates project names, and reads lists of queries."""

import re

from trimtab.knowledge.errors import ProjectNameInvalid

MAX_PROJECT_NAME = 100
PROJECT_NAME = re.compile(r"[a-zA-Z0-9_-]+")


def validate_project_name(name: str) -> str:
    """Return the name, or raise `ProjectNameInvalid`."""
    if not PROJECT_NAME.fullmatch(name) or len(name) > MAX_PROJECT_NAME:
        raise ProjectNameInvalid(f"Invalid project name {name[:MAX_PROJECT_NAME]!r}.")
    return name


_COUNTED = re.compile(r"^\s*\d+\s+(?=\S)")
_COUNTED_EMPTY = re.compile(r"^\s+\d+\s*$")
"""The count of empty lines: only `uniq -c` begins a line with blanks and a number alone."""


def parse_query_list(text: str) -> list[str]:
    """Return the queries of a file, one a line, with or without counts of ``uniq -c``."""
    counted = (line for line in text.splitlines() if not _COUNTED_EMPTY.match(line))
    lines = (_COUNTED.sub("", line).strip() for line in counted)
    return [line for line in lines if line and line != "null"]
