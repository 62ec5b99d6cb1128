"""Matchers of labels in Alertmanager's notation."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from trimtab.incidents.errors import MatcherRefused
from trimtab.incidents.intake.model import Matcher
from trimtab.monitoring.errors import ExpressionRefused
from trimtab.monitoring.promql.patterns import compile_anchored

_NOTATION = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_.]{0,127})\s*(=~|!~|!=|=)\s*"?([^"]{0,1024})"?\s*')
_MAX_MATCHERS = 50


def parse_matcher(text: str) -> Matcher:
    """Parse a matcher such as ``severity="critical"`` or ``job=~web.*``.

    Raises:
        MatcherRefused: It is no matcher.
    """
    found = _NOTATION.fullmatch(text)
    if found is None:
        raise MatcherRefused(f"Invalid matcher {text[:100]!r}.")
    name, operator, value = found.groups()
    return check_matcher(Matcher(name, value, "~" in operator, operator[0] == "="))


def check_matcher(matcher: Matcher) -> Matcher:
    """Return the matcher; raise `MatcherRefused` for a pattern that cannot be used."""
    if matcher.is_regex:
        _pattern(matcher.value)
    return matcher


def check_matchers(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    """Return the matchers of a silence or rule.

    Raises:
        MatcherRefused: There is none, there are too many, one is invalid, or all match the empty
            text, so that every alert would be matched.
    """
    found = tuple(check_matcher(matcher) for matcher in matchers)
    if not found or len(found) > _MAX_MATCHERS:
        raise MatcherRefused(f"Expected 1 to {_MAX_MATCHERS} matchers, not {len(found)}.")
    if all(matches((matcher,), {}) for matcher in found):
        raise MatcherRefused("The matchers would match every alert.")
    return found


def matches(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Return whether the labels fulfil all matchers."""
    return all(_fulfils(matcher, labels.get(matcher.name, "")) for matcher in matchers)


def matcher_text(matcher: Matcher) -> str:
    """Return a matcher in Alertmanager's notation."""
    operator = ("=" if matcher.is_equal else "!") + (
        "~" if matcher.is_regex else ("" if matcher.is_equal else "=")
    )
    return f'{matcher.name}{operator}"{matcher.value}"'


def _fulfils(matcher: Matcher, value: str) -> bool:
    if matcher.is_regex:
        found = _pattern(matcher.value).fullmatch(value) is not None
    else:
        found = value == matcher.value
    return found is matcher.is_equal


@lru_cache(maxsize=1024)
def _pattern(text: str) -> "re.Pattern[str]":
    try:
        return compile_anchored(text, text)
    except ExpressionRefused as error:
        raise MatcherRefused(f"Invalid pattern {text[:100]!r}: {error.message}") from error
