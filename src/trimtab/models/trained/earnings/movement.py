"""Tells a change from a level, and its direction, by the words around an amount."""

import re
from dataclasses import dataclass

_UP = (
    r"increas\w*|grew|grow\w*|growth|up|upside|rose|ris(?:e|es|ing|en)|higher|improv\w*|expan[ds]\w*"
    r"|gain\w*|accelerat\w*|climb\w*|jump\w*|surg\w*|doubl\w*|tripl\w*|strengthen\w*|better|above"
    r"|additional|incremental|benefit\w*|tailwind\w*|boost\w*|lift\w*|rais\w+|favorabl\w*|add(?:ed|ing|s)?"
    r"|narrow\w*|outperform\w*|ahead|accreti\w*|greater|more"
)
_DOWN = (
    r"decreas\w*|declin\w*|down|downside|fell|fall\w*|drop\w*|lower\w*|reduc\w*|contract(?:ed|ion|ing)"
    r"|shrink\w*|shrank|compress\w*|deteriorat\w*|less|below|worse\w*|headwind\w*|decelerat\w*"
    r"|weaken\w*|widen\w*|slipp\w*|cut|cuts|cutting|erosion|eroded|unfavorabl\w*|lost|losing|negative"
    r"|hurt\w*|impacted|paid down|pay down|take away|took away|softe\w*|dilut(?:ive|ion)|drag|detract\w*"
)
_FLAT = r"flat|unchanged|stable"
_LIGHT = (
    r"by|of|an?|the|about|approximately|roughly|around|nearly|over|almost|just|some|slightly|only"
    r"|another|additional|more|than|well|up|was|is|were|are|to be|in|for|at|low|high|year[- ]over[- ]year"
    r"|year[- ]on[- ]year|sequentially|significantly|strongly|uh,?|um,?|between|organically|impressive"
    r"|strong|modestly|quarter|this|our|respectively|anywhere|from|reported|q[1-4]|first|second|third"
    r"|fourth|approx|close|very|as|much|you know,?|like|total|robust|solid|a full|roughly|net|both"
    r"|revenues?|sales|margins?|costs?|expenses?|debt|business|volumes?|even|impressively|essentially"
)
_BEFORE = re.compile(
    rf"\b(?:(?P<up>{_UP})|(?P<down>{_DOWN}))(?P<gap>(?:,?\s+(?:{_LIGHT})){{0,8}})\s*$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rf"^\s*(?:[a-z][\w'&-]*\s+){{0,4}}?(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\b", re.IGNORECASE
)
_AFTER_STOP = re.compile(
    r"\b(?:to|from|and|or|in|for|at|was|were|is|are|which|that|compared|versus|of|on|with|by|as|per"
    r"|during|due|driven|will|would|we|our|because|including|but|if)\b|[,;.]",
    re.IGNORECASE,
)
_TO = re.compile(
    r"\b(?:to|at)\s+(?:(?:about|approximately|roughly|around|nearly|over|almost|just|a|an|the|record|some"
    r"|more|less|than|under|be|negative|between|only|uh,?|um,?|level|of|above|below|total|range|in)\s+){0,5}$",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:compare[ds]?(?:\s+\w+)?\s+(?:to|with|against)|versus|vs\.?|against|from|than|relative to"
    r"|up from|down from|comparing to)\s+(?:(?![.;])[\w'<>,-]+\s+){0,9}$",
    re.IGNORECASE,
)
_FROM_ONLY = re.compile(
    r"\b(?:more|less|greater|better|higher|lower|fewer|rather|other)\s+than\s+(?:\w+\s+){0,3}$",
    re.IGNORECASE,
)
_ADDS = re.compile(
    r"\badd(?:s|ed|ing)?\s+(?:(?:about|approximately|roughly|an?|another|over|up to)\s+){0,3}$",
    re.IGNORECASE,
)
_CLAUSE_WORD = re.compile(
    rf"\b(?:(?P<up>{_UP})|(?P<down>{_DOWN})|(?P<flat>{_FLAT}))\b", re.IGNORECASE
)
_TRAILING = re.compile(
    r"^\s*+(?:per (?:\w+ )?share)?,?\s*+(?:or\s+)?(?:which\s+)?(?:(?:is|was|were|are|representing|reflecting|up|down|marking)\s+)?"
    r"(?:an?\s+)?(?:year[- ]over[- ]year\s+)?(?:[\d.$,]+\s?(?:%|percent|million|billion|basis points|bps)?\s+)?"
    r"(?:(?P<up>increase|growth|improvement|higher|gain|rise)|(?P<down>decrease|decline|drop|reduction|lower))\b"
    r"|^\s*+,?\s*+(?:(?:which\s+)?(?:is|was|were|are)\s+)?(?:(?P<up2>up)|(?P<down2>down))\s",
    re.IGNORECASE,
)
_REACH = 110


@dataclass(frozen=True, slots=True)
class Movement:
    """Change or level, and its direction."""

    change: bool
    direction: str
    comparator: bool = False
    """Whether the amount is what another one is compared with."""


def movement(text: str, start: int, end: int) -> Movement:
    """Return the movement that governs the amount ``text[start:end]``."""
    before = text[max(0, start - _REACH) : start]
    after = text[end : end + _REACH]
    following = _following(after)
    if following:
        return Movement(change=True, direction=following)
    if _ADDS.search(before) and re.match(r"\s+(?:[a-z]+\s+){0,4}to\s", after):
        return Movement(change=True, direction="up")
    if _compared(before):
        return Movement(change=False, direction="none", comparator=True)
    to = _TO.search(before)
    if to:
        return Movement(change=False, direction=_last_direction(before[: to.start()]))
    found = _BEFORE.search(before)
    if (
        found
        and not re.search(r"\b(?:from|is|was|were|are)\b", found["gap"])
        and not _level_word(found)
    ):
        return Movement(change=True, direction="up" if found["up"] else "down")
    return Movement(change=False, direction=_trailing(after))


def clause_direction(text: str, start: int, end: int) -> str:
    """Return the direction word nearest to the amount, ``none`` without any."""
    best, distance = "none", _REACH
    for match in _CLAUSE_WORD.finditer(text):
        gap = start - match.end() if match.end() <= start else match.start() - end
        if 0 <= gap < distance:
            best = "up" if match["up"] else "down" if match["down"] else "flat"
            distance = gap
    return best


def _level_word(found: re.Match[str]) -> bool:
    word = (found["up"] or found["down"]).lower()
    by = re.search(r"\bby\b", found["gap"]) is not None
    return word in _LEVELS and not by


_LEVELS = frozenset(
    [
        "above",
        "below",
        "more",
        "less",
        "greater",
        "add",
        "added",
        "adds",
        "adding",
        "better",
        "ahead",
        "additional",
        "incremental",
        "benefit",
        "benefits",
        "benefited",
        "impacted",
        "negative",
        "lost",
        "losing",
        "tailwind",
        "headwind",
        "raised",
        "raising",
        "raise",
    ]
)


def _following(after: str) -> str:
    match = _AFTER.match(after)
    if not match or _AFTER_STOP.search(
        after[: match.start("up") if match["up"] else match.start("down")]
    ):
        return ""
    word = (match["up"] or match["down"]).lower()
    if word in _LEVELS or word in {"up", "down"}:
        return ""
    return "up" if match["up"] else "down"


def _compared(before: str) -> bool:
    found = _COMPARED.search(before)
    if not found or _FROM_ONLY.search(before):
        return False
    return not re.search(
        r"\b(?:increas\w+|decreas\w+|grew|declin\w+|up|down|or|and|to|by|was|were)\b",
        found[0][8:],
        re.IGNORECASE,
    )


def _last_direction(before: str) -> str:
    words = list(_CLAUSE_WORD.finditer(before))
    if not words:
        return "none"
    last = words[-1]
    return "up" if last["up"] else "down" if last["down"] else "flat"


def _trailing(after: str) -> str:
    match = _TRAILING.match(after)
    if not match:
        return "none"
    return "up" if match["up"] or match["up2"] else "down"
