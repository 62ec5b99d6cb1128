"""Builds FTS5 queries from free text."""

import re

_WORD = re.compile(r"\w+")
# Frequent words rank nothing; a full-text query with them costs seven times as much.
_STOP_WORDS = """
a about above after again against all am an and any are as at be because been before being below
between both but by can could did do does doing down during each few for from further had has have
having he her here hers him his how i if in into is it its itself just me more most my no nor not
now of off on once only or other our out over own same she should so some such than that the their
them then there these they this those through to too under until up very was we were what when
where which while who whom why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())


def full_text_query(query: str) -> str:
    """Return the FTS5 query that matches any of the words; empty when there is none.

    Words are quoted, so that no query can be read as FTS5 syntax.
    """
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(query)))
    telling = [word for word in words if word not in _STOP] or words
    return " OR ".join(f'"{word}"' for word in telling)
