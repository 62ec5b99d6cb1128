"""Validates names and queries, and normalizes queries for the cache."""

import re

from trimtab.knowledge.errors import DocumentNameInvalid, ProjectNameInvalid, QueryInvalid

MAX_QUERY_CHARACTERS = 1000
MAX_PROJECT_NAME = 100
MAX_DOCUMENT_NAME = 500
PROJECT_NAME = re.compile(r"[a-zA-Z0-9_-]+")


def validate_project_name(name: str) -> str:
    """Return the name, or raise `ProjectNameInvalid`."""
    if not PROJECT_NAME.fullmatch(name) or len(name) > MAX_PROJECT_NAME:
        raise ProjectNameInvalid(f"Invalid project name {name[:MAX_PROJECT_NAME]!r}.")
    return name


def validate_document_name(name: str) -> str:
    """Return the name without surrounding blanks, or raise `DocumentNameInvalid`."""
    stripped = name.strip()
    if not 1 <= len(stripped) <= MAX_DOCUMENT_NAME or not stripped.isprintable():
        raise DocumentNameInvalid("The document's name is empty, too long or not printable.")
    return stripped


def validate_query(query: str) -> str:
    """Return the query without surrounding blanks, or raise `QueryInvalid`."""
    stripped = query.strip()
    if not stripped:
        raise QueryInvalid("Query cannot be empty")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise QueryInvalid(
            f"The query has {len(query)} characters; the limit is {MAX_QUERY_CHARACTERS}."
        )
    return stripped


def normalize_query(query: str) -> str:
    """Return the cache key of the query: lower case, single spaces, terms sorted.

    Two orders of the same words share an entry, as the operators' runbook asks.
    """
    return " ".join(sorted(query.lower().split()))


_COUNTED = re.compile(r"^\s*\d+\s+(?=\S)")
_COUNTED_EMPTY = re.compile(r"^\s+\d+\s*$")
"""The count of empty lines: only `uniq -c` begins a line with blanks and a number alone."""


def parse_query_list(text: str) -> list[str]:
    """Return the queries of a file, one a line, with or without counts of ``uniq -c``."""
    counted = (line for line in text.splitlines() if not _COUNTED_EMPTY.match(line))
    lines = (_COUNTED.sub("", line).strip() for line in counted)
    return [line for line in lines if line and line != "null"]
