"""Finds amounts in text: currency, number, scale and unit, with character offsets.

Every pattern is a flat alternation with bounded repeats, so the time grows linearly with the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from trimtab.text.number_words import TENS, UNITS

MONEY, PERCENT, POINTS, BASIS_POINTS = "money", "percent", "percentage_points", "basis_points"
MULTIPLE, COUNT, QUANTITY, BARE = "multiple", "count", "quantity", "bare"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of the text with its unit."""

    start: int
    end: int
    value: float
    """In base units: 4.0 is four per cent, 4000000 four million."""
    kind: str
    """One of the constants of this module; `BARE` has no unit yet."""
    unit: str = ""
    """Currency code or quantity; empty when the text names none."""
    scaled: bool = False
    """Whether a scale word ("million") follows the number."""
    bound: str = ""
    """``low`` or ``high`` for the ends of a range."""


_WORD_VALUES = {word: float(i + 1) for i, word in enumerate(UNITS)} | {
    word: float(10 * (i + 2)) for i, word in enumerate(TENS)
}
_FRACTIONS = {"half": 0.5, "quarter": 0.25, "three quarters": 0.75, "third": 1 / 3}
_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mm": 1e6, "mn": 1e6, "mln": 1e6,
    "m": 1e6, "billion": 1e9, "billions": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12,
}  # fmt: skip
_LONG_SCALES = [word for word in _SCALES if len(word) > 2]
_CURRENCIES = {
    "us$": "usd", "u.s.$": "usd", "usd": "usd", "us dollar": "usd", "us dollars": "usd", "$": "usd",
    "u.s. dollars": "usd", "u.s. dollar": "usd", "dollars": "usd", "dollar": "usd", "bucks": "usd",
    "€": "eur", "eur": "eur", "euro": "eur", "euros": "eur",
    "chf": "chf", "swiss francs": "chf", "swiss franc": "chf", "francs": "chf",
    "rmb": "cny", "r&b": "cny", "cny": "cny", "yuan": "cny", "renminbi": "cny",
    "mxn": "mxn", "mexican pesos": "mxn", "pesos": "mxn", "cop": "cop", "colombian pesos": "cop",
    "£": "gbp", "gbp": "gbp", "pounds": "gbp", "pounds sterling": "gbp", "sterling": "gbp",
    "¥": "jpy", "jpy": "jpy", "yen": "jpy", "cad": "cad", "c$": "cad", "ca$": "cad",
    "canadian dollars": "cad", "aud": "aud", "a$": "aud", "australian dollars": "aud",
    "hk$": "hkd", "hkd": "hkd", "inr": "inr", "₹": "inr", "rupees": "inr", "brl": "brl",
    "r$": "brl", "reais": "brl", "sek": "sek", "nok": "nok", "dkk": "dkk", "krw": "krw",
}  # fmt: skip
_QUANTITIES = {
    "cubic meters": "cubic_meters", "cubic metres": "cubic_meters", "tons": "tons",
    "tonnes": "tons", "metric tons": "tons", "ton": "tons", "square feet": "square_feet",
    "square foot": "square_feet", "sq ft": "square_feet", "megawatts": "megawatts",
    "megawatt": "megawatts", "mw": "megawatts", "bcf per day": "bcf_per_day",
    "bcf a day": "bcf_per_day", "bcf/d": "bcf_per_day", "bcfd": "bcf_per_day",
}  # fmt: skip
_RATIOS = {
    "%": PERCENT, "percent": PERCENT, "per cent": PERCENT, "pct": PERCENT,
    "percentage points": POINTS, "percentage point": POINTS, "points": POINTS, "point": POINTS,
    "basis points": BASIS_POINTS, "bases points": BASIS_POINTS, "basis point": BASIS_POINTS, "bps": BASIS_POINTS,
    "bips": BASIS_POINTS, "bp": BASIS_POINTS, "times": MULTIPLE, "x": MULTIPLE, "turns": MULTIPLE,
    "cents": "cents", "cent": "cents",
}  # fmt: skip


def _choice(words: object) -> str:
    ordered = sorted((str(word) for word in words), key=len, reverse=True)  # type: ignore[attr-defined]
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in ordered)


_PREFIX_WORDS = [
    word for word in _CURRENCIES
    if word not in {"dollars", "dollar", "euros", "pounds", "pesos", "yen", "francs", "bucks"}
]  # fmt: skip
_SUFFIX_WORDS = [word for word in _CURRENCIES if word[-1].isalpha() and word != "r&b"]
_WORD_NUMBER = (
    rf"(?:{'|'.join(TENS)})(?:[-\s](?:{'|'.join(UNITS[:9])}))?|{'|'.join(reversed(UNITS))}"
)
_AMOUNT = re.compile(
    rf"""
    (?:(?<![\w$])(?P<currency>{_choice(_PREFIX_WORDS)})\s?|(?<![\w.,]))
    (?P<open>\(\s?)?
    (?P<sign>[-\u2212](?=[\d.$]))?
    (?:(?P<inner>\$)\s?)?
    (?:(?P<digits>\d{{1,3}}(?:,\d{{3}}){{1,4}}(?:\.\d{{1,6}})?|\d{{1,15}}(?:\.\d{{1,6}})?
        |\.\d{{1,6}})
      |\b(?P<words>(?:{_WORD_NUMBER})(?:\s+point\s+(?:{"|".join(UNITS[:9])}))?(?:\s+hundred)?
        |half\s+an?(?=\s+(?:m|b)illion)|an?(?=\s+(?:million|billion)\b))\b)
    (?:\s+and\s+(?:an?\s+)?(?P<fraction>half|quarter|three\s+quarters|third)\b)?
    (?P<close>\s?\))?
    (?:(?:\s|-)?(?P<scale>{_choice(_LONG_SCALES)})(?![A-Za-z])
      |\s?(?P<letter>[kKmMbB]|bn|mm|mn|tn)(?![\w-]))?
    (?:\s+and\s+(?:an?\s+)?(?P<later>half)\b(?=\s+(?:dollars|percent|euros)))?
    (?:(?:,?\s+u[hm]+\b,?)?[\s-]?
        (?P<unit>(?:{_choice([*_RATIOS, *_QUANTITIES])})|(?:{_choice(_SUFFIX_WORDS)})(?!\s?\d))
        (?![A-Za-z]))?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MINUS = re.compile(
    r"(?:\bminus|\bnegative)\s+(?:about\s+|roughly\s+|approximately\s+)?$", re.IGNORECASE
)
_MINUS_REACH = 24


def find_amounts(text: str) -> list[Amount]:
    """Return the numbers in reading order; those without a unit are `BARE`.

    The ends of a range take its unit and are marked low and high.
    """
    found = [_read(text, match) for match in _AMOUNT.finditer(text)]
    return _ranges(text, _compounds(text, found))


def main_currency(text: str) -> str:
    """Return the currency that most amounts of the text carry, US dollars without any."""
    counts: dict[str, int] = {}
    for match in _AMOUNT.finditer(text):
        for part in ("currency", "inner", "unit"):
            code = _CURRENCIES.get(_key(match[part]))
            if code:
                counts[code] = counts.get(code, 0) + 1
    return max(counts, key=lambda code: counts[code]) if counts else "usd"


def _key(text: str | None) -> str:
    return " ".join(text.lower().split()) if text else ""


def _read(text: str, match: re.Match[str]) -> Amount:
    number = _number(match)
    scale = _SCALES.get(_key(match["scale"] or match["letter"]), 1.0)
    unit = _key(match["unit"])
    currency = _CURRENCIES.get(_key(match["currency"])) or _CURRENCIES.get(_key(match["inner"]), "")
    currency = _CURRENCIES.get(unit, currency)
    kind, name = _kind(currency, unit, scaled=scale > 1)
    value = number * scale
    if kind == "cents":
        kind, name = MONEY, currency or "usd"
        value = value if match["currency"] else value / 100
    before = text[max(0, match.start() - _MINUS_REACH) : match.start()]
    if match["sign"] or (match["open"] and match["close"]) or _MINUS.search(before):
        value = -value
    start, end = _span(match)
    return Amount(start, end, value, kind, name, scaled=scale > 1)


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Return the offsets of the amount without a bracket that only opens."""
    start, end = match.span()
    if match["open"] and not match["currency"]:
        start = match.end("open")
    if match["close"] and not match["open"]:
        end = min(end, match.start("close"))
    if match["close"] and not match["currency"] and end == match.end("close"):
        end = match.start("close")
    return start, end


def _number(match: re.Match[str]) -> float:
    if match["digits"]:
        value = float(match["digits"].replace(",", ""))
    else:
        value = _words(_key(match["words"]))
    for part in ("fraction", "later"):
        if match[part]:
            value += _FRACTIONS[_key(match[part])]
    return value


def _words(text: str) -> float:
    if text.startswith("half"):
        return 0.5
    if text in {"a", "an"}:
        return 1.0
    whole, _, decimals = text.partition(" point ")
    factor = 100.0 if text.endswith("hundred") else 1.0
    parts = whole.replace("-", " ").removesuffix(" hundred").split()
    value = sum(_WORD_VALUES[part] for part in parts)
    decimals = decimals.removesuffix(" hundred")
    return factor * (value + (_WORD_VALUES[decimals] / 10 if decimals else 0.0))


def _kind(currency: str, unit: str, *, scaled: bool) -> tuple[str, str]:
    if unit in _RATIOS:
        return _RATIOS[unit], "" if _RATIOS[unit] != "cents" else currency
    if unit in _QUANTITIES:
        return QUANTITY, _QUANTITIES[unit]
    if currency:
        return MONEY, currency
    return (MONEY, "") if scaled else (BARE, "")


def _compounds(text: str, amounts: list[Amount]) -> Iterator[Amount]:
    """Join "$1 billion $275 million" into one amount."""
    last: Amount | None = None
    for amount in amounts:
        if last and _continues(text, last, amount):
            last = replace(last, end=amount.end, value=last.value + amount.value)
            continue
        if last:
            yield last
        last = amount
    if last:
        yield last


def _continues(text: str, first: Amount, second: Amount) -> bool:
    """Return whether a smaller amount follows with no more than a space between."""
    gap = text[first.end : second.start]
    money = first.kind == second.kind == MONEY and first.scaled and second.scaled
    next_scale = 1e9 if first.value >= 1e9 else 1e6
    return money and not gap.strip() and len(gap) <= 2 and 0 < second.value < next_scale


_JOINS = re.compile(
    r"\s*(?:(?:up\s+)?to|through|[-\u2013\u2014]|and|or)\s*(?:(?:about|approximately|a)\s+)?",
    re.IGNORECASE,
)
_PLAIN_JOINS = re.compile(r"\s*(?:to|through|[-\u2013\u2014])\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween\s+(?:[a-z]+\s+){0,2}$", re.IGNORECASE)
_TWO_MOVES = re.compile(r"\s+(?:in|de)crease\s+and\s+an?\s+", re.IGNORECASE)
_MOVED = re.compile(r"\bfrom\s+(?:[a-z]+\s+){0,2}$", re.IGNORECASE)
_OPENING = 30


def _ranges(text: str, amounts: Iterator[Amount]) -> list[Amount]:
    found = list(amounts)
    for i in range(len(found) - 1):
        low, high = found[i], found[i + 1]
        if low.bound or not _is_range(text, low, high):
            continue
        found[i], found[i + 1] = _bounds(low, high)
    return found


def _is_range(text: str, low: Amount, high: Amount) -> bool:
    gap = text[low.end : high.start]
    before = text[max(0, low.start - _OPENING) : low.start]
    if high.kind == BARE or low.kind not in {BARE, MONEY, high.kind}:
        return False
    if low.kind == MONEY and high.kind != MONEY:
        return False
    between = _BETWEEN.search(before) is not None
    if between and low.kind == high.kind and _TWO_MOVES.fullmatch(gap):
        return True
    joined = _JOINS.fullmatch(gap) if between else _PLAIN_JOINS.fullmatch(gap)
    if not joined or (low.kind != BARE and _MOVED.search(before)):
        return False
    return abs(low.value) <= abs(high.value) or low.kind != BARE or between


def _bounds(low: Amount, high: Amount) -> tuple[Amount, Amount]:
    value, scaled = low.value, low.scaled
    if high.scaled and not low.scaled:
        value, scaled = value * _scale_of(high), True
    unit = low.unit or high.unit
    first = replace(low, value=value, kind=high.kind, unit=unit, scaled=scaled, bound="low")
    return first, replace(high, unit=high.unit or unit, bound="high")


def _scale_of(amount: Amount) -> float:
    size = abs(amount.value)
    for scale in (1e12, 1e9, 1e6, 1e3):
        if size >= scale:
            return scale
    return 1.0
