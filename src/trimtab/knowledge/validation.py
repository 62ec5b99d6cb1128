"""Names and queries: checked, normalised for the cache, and turned into a full-text query."""

import re

from trimtab.knowledge.errors import ProjectNameInvalid, QueryInvalid

MAX_QUERY_CHARACTERS = 1000
PROJECT_NAME = re.compile(r"[a-zA-Z0-9_-]+")
MAX_PROJECT_NAME = 100
_WORD = re.compile(r"\w+")
# Words so frequent that they only add work; with them in, a full-text query costs seven times as much.
_STOP_WORDS = """
a about above after again against all am an and any are as at be because been before being below
between both but by can could did do does doing down during each few for from further had has have
having he her here hers him his how i if in into is it its itself just me more most my no nor not
now of off on once only or other our out over own same she should so some such than that the their
them then there these they this those through to too under until up very was we were what when
where which while who whom why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())


def checked_project(name: str) -> str:
    """Return the name, or raise `ProjectNameInvalid`."""
    if not PROJECT_NAME.fullmatch(name) or len(name) > MAX_PROJECT_NAME:
        raise ProjectNameInvalid(f"{name[:MAX_PROJECT_NAME]!r} is no project name.")
    return name


def checked_query(query: str) -> str:
    """Return the query stripped, or raise `QueryInvalid` when it is blank or over 1,000 characters."""
    stripped = query.strip()
    if not stripped:
        raise QueryInvalid("Query cannot be empty")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise QueryInvalid(
            f"The query has {len(query)} characters; the most is {MAX_QUERY_CHARACTERS}."
        )
    return stripped


def normalised(query: str) -> str:
    """Return the query as the cache knows it: lower case, single spaces, terms sorted.

    Two orders of the same words share an entry, as the operators' runbook asks.
    """
    return " ".join(sorted(query.lower().split()))


def full_text_query(query: str) -> str:
    """Return the FTS5 query that finds any of the words, or nothing when there is no word at all.

    Words are quoted, so that no query can be read as FTS5 syntax.
    """
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(query)))
    telling = [word for word in words if word not in _STOP] or words
    return " OR ".join(f'"{word}"' for word in telling)


_COUNTED = re.compile(r"^\s*\d+\s+(?=\S)")
_COUNTED_EMPTY = re.compile(r"^\s+\d+\s*$")
"""How often an empty line came: only `uniq -c` begins a line with blanks and a number that nothing follows."""


def counted_lines(text: str) -> list[str]:
    """Return the queries of a file: one a line, with or without the count that ``uniq -c`` puts before it."""
    counted = (line for line in text.splitlines() if not _COUNTED_EMPTY.match(line))
    lines = (_COUNTED.sub("", line).strip() for line in counted)
    return [line for line in lines if line and line != "null"]
