"""Regular expressions of PromQL, run in linear time by RE2 as in Prometheus."""

import re
from typing import cast

import re2

from trimtab.monitoring.errors import ExpressionRefused

MAX_PATTERN_LENGTH = 1000
"""Characters. Matching takes time in proportion to the pattern's length times the text's."""
_NOT_IN_GO = re.compile(r"(?<!\\)(?:\\\\)*(?:\\C|\(\?<(?!\\))")
"""What RE2 in C++ accepts and Prometheus' port of it (Go's `regexp`) does not: `\\C`, and
`(?<name>` before Go 1.22.
"""


def compile_anchored(expression: str, pattern: str) -> re.Pattern[str]:
    """Compile a pattern for ``fullmatch``: Prometheus' patterns match whole values.

    Args:
        expression: The PromQL that holds it, for the message.
        pattern: The pattern as written there.

    Raises:
        ExpressionRefused: It does not compile, is too long, or Prometheus would not accept it.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        reason = (
            f"the pattern {pattern[:40] + '...'!r} is longer than {MAX_PATTERN_LENGTH} characters"
        )
        raise ExpressionRefused(expression, reason, unsupported=True)
    if _NOT_IN_GO.search(pattern):
        raise ExpressionRefused(
            expression, f"the pattern {pattern!r} has a form that Prometheus does not accept"
        )
    try:
        # RE2's patterns and matches have the methods of Python's.
        return cast("re.Pattern[str]", re2.compile(pattern, _options()))
    except (re2.error, UnicodeEncodeError) as error:
        detail = error.args[0]
        text = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise ExpressionRefused(expression, f"the pattern {pattern!r}: {text}") from error


def _options() -> "re2.Options":
    options = re2.Options()
    options.log_errors = False
    options.max_mem = (
        1 << 20
    )  # Bytes for one compiled pattern; the default of 8 MB is for trusted ones.
    return options
