"""Regular expressions that mean the same in Python and in Prometheus (RE2).

Python's engine runs them. What only one of the two has, or what they read differently, is refused, so that a rule file
never changes its meaning when it moves to a Prometheus server.
"""

import re

from trimtab.infra.rules.errors import ExpressionRefused

_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PORTABLE_ESCAPES = set("dDwWsSbBAafnrtv")
_GROUP = re.compile(r"\(\?(?!:|P<|[ims]+[:)])")
_DIFFERS_IN_CLASS = re.compile(r"\[|&&|--|\|\||~~")
_DIFFERS = re.compile(r"[*+?}]\+|\{,")


def anchored(expression: str, pattern: str) -> re.Pattern[str]:
    """Compile a pattern for `re.Pattern.fullmatch`.

    Args:
        expression: The PromQL that holds it, for the message.
        pattern: The pattern as written there.

    Raises:
        ExpressionRefused: It does not compile, or the two engines differ about it.
    """
    found = _difference(pattern)
    if found:
        raise ExpressionRefused(
            expression,
            f"the pattern {pattern!r} has {found}, which Python and RE2 read differently",
            unsupported=True,
        )
    try:
        return re.compile(pattern, re.ASCII)
    except re.error as error:
        raise ExpressionRefused(expression, f"the pattern {pattern!r}: {error}") from error


def _difference(pattern: str) -> str | None:
    for escape in _ESCAPE.finditer(pattern):
        letter = escape[1]
        if letter.isalnum() and letter not in _PORTABLE_ESCAPES:
            return repr(escape[0])
    bare = _ESCAPE.sub("x", pattern)
    for group in _CLASS.finditer(bare):
        inside = _DIFFERS_IN_CLASS.search(group[0], 1)
        if inside:
            return f"{inside[0]!r} in {group[0]!r}"
    bare = _CLASS.sub("x", bare)
    outside = _GROUP.search(bare) or _DIFFERS.search(bare)
    return repr(outside[0]) if outside else None
