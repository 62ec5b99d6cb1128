"""Patterns of personal data that operators add, each proven by its own examples.

They run on RE2, in linear time: a pattern of an operator cannot make the guard hang on a text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from trimtab.guardrails.errors import BadRule

MAX_PATTERNS = 50
MAX_LENGTH = 500
"""Characters of one pattern or example."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_KEYS = frozenset(("name", "regex", "must_match", "must_not_match"))
_KEEPS = "The former rules stay in force."


@dataclass(frozen=True, slots=True)
class PiiPattern:
    """A kind of personal data that an operator describes.

    Attributes:
        name: The kind, as in ``pii_block_types`` and in redacted texts: ``EMPLOYEE_ID``.
        regex: Pattern in the syntax of RE2.
    """

    name: str
    regex: str
    must_match: tuple[str, ...] = field(compare=False)
    must_not_match: tuple[str, ...] = field(compare=False)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of each match that is not empty."""
        for match in _compile(self.regex).finditer(text):
            if match.end() > match.start():
                yield match.span()

    def validate(self) -> "PiiPattern":
        """Return the pattern, or raise `BadRule` when it is invalid or an example does not hold."""
        if not _NAME.fullmatch(self.name):
            raise _refused(self.name, "its name needs 2 to 40 capitals, digits and underscores")
        if not self.must_match or not self.must_not_match:
            raise _refused(self.name, "it needs examples under must_match and must_not_match")
        texts = (self.regex, *self.must_match, *self.must_not_match)
        if not all(0 < len(text) <= MAX_LENGTH for text in texts):
            raise _refused(self.name, f"pattern and examples have 1 to {MAX_LENGTH} characters")
        try:
            _compile(self.regex)
        except ValueError as error:
            raise _refused(self.name, f"its regex is not valid in RE2: {error}") from error
        self._check_examples()
        return self

    def _check_examples(self) -> None:
        for number, text in enumerate(self.must_match, 1):
            if not any(True for _ in self.spans(text)):
                raise _refused(self.name, f"it does not match must_match example {number}")
        for number, text in enumerate(self.must_not_match, 1):
            if any(True for _ in self.spans(text)):
                raise _refused(self.name, f"it matches must_not_match example {number}")


def parse_patterns(given: object) -> tuple[PiiPattern, ...]:
    """Return the valid patterns of a rules file, in order; None gives none.

    Raises:
        BadRule: The list or one of its patterns is not valid; the message names the pattern.
    """
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise BadRule(f"pii_patterns is not a list of patterns. {_KEEPS}", hint=_hint())
    if len(given) > MAX_PATTERNS:
        raise BadRule(f"pii_patterns has {len(given)} patterns, more than {MAX_PATTERNS}. {_KEEPS}")
    found = tuple(_pattern(item).validate() for item in given)
    names = [pattern.name for pattern in found]
    for name in names:
        if names.count(name) > 1:
            raise _refused(name, "another pattern has the same name")
    return found


def _pattern(item: dict[Any, Any]) -> PiiPattern:
    name = str(item.get("name", ""))
    unknown = sorted(str(key) for key in item if key not in _KEYS)
    if unknown:
        raise _refused(name, f"{unknown[0]!r} is not one of its keys")
    examples = (item.get("must_match"), item.get("must_not_match"))
    if not all(found is None or isinstance(found, list) for found in examples):
        raise _refused(name, "must_match and must_not_match are lists of texts")
    matching, other = (tuple(map(str, found or ())) for found in examples)
    return PiiPattern(name, str(item.get("regex", "")), matching, other)


def _refused(name: str, problem: str) -> BadRule:
    return BadRule(f"The PII pattern {name or 'without name'}: {problem}. {_KEEPS}", hint=_hint())


def _hint() -> str:
    return (
        "Each pattern has name, regex, must_match and must_not_match; see docs/guardrails/pii.md."
    )


@lru_cache(maxsize=2 * MAX_PATTERNS)
def _compile(regex: str) -> "re.Pattern[str]":
    """Compile with RE2, or raise `ValueError`."""
    import re2  # Imported late: most installations have no pattern of their own.

    options = re2.Options()
    options.log_errors = False
    try:
        compiled: re.Pattern[str] = re2.compile(regex, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error
    return compiled
