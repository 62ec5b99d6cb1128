"""Parses durations such as ``250ms``, ``10m`` or ``1h30m``."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(?<![0-9.])([0-9]++(?:\.[0-9]++)?+)\s*+(ms|s|m|h|d)")
_WHOLE = re.compile(f"(?:{_PART.pattern})+")


def parse_duration(text: str) -> float | None:
    """Return the seconds of a duration; None when the text is not one."""
    text = text.strip()
    if not _WHOLE.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
