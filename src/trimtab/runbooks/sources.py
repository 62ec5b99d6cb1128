"""Checks the ``source`` of a page: scenarios and features of the operations documents."""

import re

from trimtab.runbooks.claims import Claim

OWN = "trimtab"
"""Source of a page without a scenario or feature."""
FEATURES = 754
"""The features are numbered F001 to this."""
_SCENARIOS = {"MISO": 17, "HYB": 17, "AOPS": 20, "ENT": 25, "KB": 18}
_REFERENCES = {"MISO": 8, "HYB": 4, "AOPS": 5, "ENT": 7, "KB": 8}
_FRONT = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
_SOURCE = re.compile(r"^source:[ ]*(.*)$", re.MULTILINE)
_NAME = re.compile(r"\b(MISO|HYB|AOPS|ENT|KB)-(REF)?(\w+)|\bF(\d+)\b")


def check_source(text: str) -> list[Claim]:
    """Return the unknown scenarios and features in a page's ``source``.

    A page names at least one of them, or ``trimtab``. A page without ``source`` has no findings.
    """
    front = _FRONT.match(text.replace("\r\n", "\n"))
    source = _SOURCE.search(front[1]) if front else None
    if front is None or source is None:
        return []
    line = text.count("\n", 0, front.start(1) + source.start()) + 1
    named = list(_NAME.finditer(source[1]))
    if not named and OWN not in source[1]:
        return [
            Claim(line, source[1], "names no scenario or feature; write `trimtab` for our own.")
        ]
    return [
        Claim(line, match[0], "the documents have no such scenario or feature.")
        for match in named
        if not _exists(match)
    ]


def _exists(match: re.Match[str]) -> bool:
    system, reference, number, feature = match.groups()
    if feature:
        return 1 <= int(feature) <= FEATURES
    counts = _REFERENCES if reference else _SCENARIOS
    return bool(re.fullmatch("[0-9]{2}", number)) and 1 <= int(number) <= counts[system]
