"""What counts as a question."""

import re
from dataclasses import replace

from trimtab.answers.errors import BadProjectName, BadTopK, EmptyQuery, QueryTooLong
from trimtab.answers.records import Question

MAX_CHARACTERS = 1_000
MAX_TOP_K = 100
_PROJECT = re.compile(r"[a-zA-Z0-9_-]{1,100}")


def checked(question: Question) -> Question:
    """Return the question with its text stripped.

    Raises:
        BadProjectName: The project has characters that are not allowed.
        EmptyQuery: Nothing is asked.
        QueryTooLong: More than 1,000 characters remain after stripping.
        BadTopK: ``top_k`` is not in 1 to 100.
    """
    text = question.text.strip()
    if not _PROJECT.fullmatch(question.project):
        raise BadProjectName("The project's name is not valid.")
    if not text:
        raise EmptyQuery("Query cannot be empty")
    if len(text) > MAX_CHARACTERS:
        raise QueryTooLong(f"The query has {len(text):,} characters.")
    if not 1 <= question.top_k <= MAX_TOP_K:
        raise BadTopK(f"top_k is {question.top_k}.")
    return replace(question, text=text)
