# ruff: noqa: RUF001 - dashes, spaces and fractions as people type them.
"""Reads numbers, measures, dates and times in canonical notation.

One number is written in many ways: grouped, with a scale word, spelled out, in another unit. A
notation with two readings ("1.234", "03/04/2024") has both, and agrees with either.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import itemgetter

from trimtab.guardrails.units import CURRENCIES, UNIT, units_of
from trimtab.text.number_words import TENS, UNITS

_SCALES = {
    "hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "k": 3, "M": 6, "m": 6, "mn": 6, "mln": 6, "B": 9, "b": 9,
    "bn": 9, "tn": 12, "mio": 6, "mrd": 9, "tausend": 3, "millionen": 6, "milliarde": 9, "milliarden": 9, "mille": 3, "millions": 6,
    "milliard": 9, "milliards": 9, "mil": 3, "millón": 6, "millones": 6, "milione": 6, "milioni": 6, "miliardo": 9, "miliardi": 9,
    "milhão": 6, "milhões": 6, "bilhão": 9, "bilhões": 9, "duizend": 3, "miljoen": 6, "miljard": 9, "万": 4, "亿": 8, "億": 8,
}  # fmt: skip
"""Powers of ten. German "Billion" is left out: it is a thousand times the English one."""
_GLUED = ("k", "K", "M", "B", "bn", "mn", "mln", "tn")
_WORDS = "|".join(sorted((name for name in _SCALES if len(name) > 2), key=len, reverse=True))
_SCALE = (
    rf"(?:[ -]?(?i:{_WORDS}|mio\.?|mrd\.?|bn|mn|dozen)(?!\w)|(?:{'|'.join(_GLUED)})(?!\w)|[万亿億])"
)
_VALUES = {
    **{name: value for value, name in enumerate(("zero", *UNITS))},
    **{name: 10 * value for value, name in enumerate(TENS, 2)},
}
_SPELLED = rf"\b(?:{'|'.join(_VALUES)}|(?<=\ba )hundred|(?<=\ba )dozen)\b(?:(?:[ -]|(?<=hundred) and )(?:{'|'.join(_VALUES)}|hundred)\b)*"
_SPACES = "\u00a0\u2007\u2009\u202f"
_NUMBER = (
    r"\d+(?:\.\d+)?[eE][+-]?\d{1,2}(?!\w)|\d{1,6}\^\d{1,2}(?!\w)"
    rf"|\d{{1,3}}(?P<sep>[,.'’ {_SPACES}])\d{{3}}(?:(?P=sep)\d{{3}})*(?:[.,]\d+)?(?![\d])(?!\.\d)"
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d{1,6}/\d{1,6}(?![\d/])|\d+(?:[.,]\d+)*"
)
_QUANTITY = re.compile(
    rf"(?P<currency>{CURRENCIES})?(?(currency)|(?<![\w.]))(?P<sign>(?<![\w.)\]])[-+])?"
    rf"(?:(?P<number>{_NUMBER})|(?P<spelled>(?i:{_SPELLED})))"
    rf"(?P<scale>(?(currency)[mb](?!\w)|(?!))|{_SCALE}{{0,2}})(?:[ -]?(?P<unit>{UNIT}))?"
)
_SIGNS = str.maketrans({"\u2212": "-", "\ufe63": "-", "\uff0d": "-", "\u2011": "-"})
_FRACTIONS = str.maketrans(
    {"½": ".5", "¼": ".25", "¾": ".75", "⅓": ".333", "⅔": ".667", "⅛": ".125"}
)
_FRACTION = re.compile("(?<!\\d)(?=[½¼¾⅓⅔⅛])")
_POWER = re.compile("(?<=10)[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with the readings of its notation."""

    values: frozenset[Decimal | str]
    """Values as written, with scale; a number with several points stays text."""
    measures: frozenset[tuple[str, Decimal]]
    """Dimension and value in its base unit, for each reading of the unit; empty without unit."""
    parts: frozenset[Decimal]
    """The numbers next to each other that the notation may be instead: "1 234", "3/4"."""


def quantities(text: str) -> Iterator[Quantity]:
    """Yield the numbers of the text, spelled-out numbers included."""
    text = _FRACTION.sub("0", text.translate(_SIGNS)).translate(_FRACTIONS)
    text = _POWER.sub(lambda power: "^" + power[0].translate(_RAISED), text)
    yield from map(_quantity, _QUANTITY.finditer(text))


def _quantity(match: re.Match[str]) -> Quantity:
    values, parts = (
        (set[Decimal | str]((_spelled(match["spelled"]),)), frozenset[Decimal]())
        if match["spelled"]
        else _readings(match["number"], match["sep"])
    )
    factor = _factor(match["scale"])
    sign = -1 if match["sign"] == "-" else 1
    scaled = {v if isinstance(v, str) else _plain(v * factor * sign) for v in values}
    units = units_of(match["unit"] or "") or units_of((match["currency"] or "").strip())
    numbers = [value for value in scaled if isinstance(value, Decimal)]
    measures = {(name, _plain(v * base)) for v in numbers for name, base in units}
    return Quantity(frozenset(scaled), frozenset(measures), parts)


def in_notation_of(given: str, claim: str) -> str:
    """Return the claim with the numbers, dates and times that are given as they are written there.

    So that a comparison of words does not take another notation for a new fact.
    """
    known = {key: given[start:end] for start, end, keys in _notations(given) for key in keys}
    for start, end, keys in sorted(_notations(claim), key=itemgetter(0), reverse=True):
        written = next((known[key] for key in keys if key in known), None)
        if written is not None:
            claim = f"{claim[:start]}{written}{claim[end:]}"
    return claim


def _notations(text: str) -> Iterator[tuple[int, int, frozenset[object]]]:
    """Yield start, end and readings of each date, time of day and number."""
    for match in _DATE.finditer(text):
        yield match.start(), match.end(), frozenset[object]().union(*dates(match[0]))
    text = _DATE.sub(lambda match: " " * len(match[0]), text)
    for match in _CLOCK.finditer(text):
        times = frozenset[object](("clock", minutes) for minutes in clocks(match[0]))
        yield match.start(), match.end(), times
    text = _CLOCK.sub(lambda match: " " * len(match[0]), text)
    for match in _QUANTITY.finditer(text.translate(_SIGNS)):
        quantity = _quantity(match)
        readings = frozenset[object](quantity.measures or quantity.values)
        yield match.start(), match.end(), readings


def unsupported_quantities(claim: str, given: str) -> bool:
    """Return whether the claim has a number, or a number with another unit, that is not given."""
    found = tuple(quantities(given))
    values = {v for q in found if not _is_percent(q) for v in (*q.values, *q.parts)}
    bare = {value for q in found if not q.measures for value in (*q.values, *q.parts)}
    measures = {measure for q in found for measure in q.measures}
    shares = {value for name, value in measures if name == "%"}
    for quantity in quantities(claim):
        if _is_percent(quantity):
            known = bool(quantity.measures & measures or {v for _, v in quantity.measures} & bare)
        elif quantity.measures:
            known = bool(quantity.measures & measures or quantity.values & bare)
        else:
            known = bool(quantity.values & (values | shares))
        if not known and not (quantity.parts and quantity.parts <= values):
            return True
    return False


def _is_percent(quantity: Quantity) -> bool:
    return any(name == "%" for name, _ in quantity.measures)


def _readings(token: str, separator: str | None) -> tuple[set[Decimal | str], frozenset[Decimal]]:
    """Return the values that the notation can have, and its parts if these are numbers too."""
    nothing = frozenset[Decimal]()
    if separator:
        head, _, tail = token.replace(separator, "\0").partition("," if separator != "," else ".")
        whole = head.replace("\0", "") + (f".{tail}" if tail else "")
        values: set[Decimal | str] = {_plain(Decimal(whole))}
        if separator in ".," and not tail and token.count(separator) == 1:
            values.add(_plain(Decimal(token.replace(separator, "."))))
        groups = (
            frozenset(map(Decimal, token.split())) if separator == " " and not tail else nothing
        )
        return values, groups
    if "/" in token:
        top, bottom = map(Decimal, token.split("/"))
        share: set[Decimal | str] = {_plain(round(top / bottom, 3))} if bottom else {token}
        return share, frozenset((top, bottom))
    if "^" in token:
        base, power = map(int, token.split("^"))
        return {_plain(Decimal(base) ** power)}, nothing
    return _with_points(token)


def _with_points(token: str) -> tuple[set[Decimal | str], frozenset[Decimal]]:
    """Return the readings of digits with any number of points or commas."""
    nothing = frozenset[Decimal]()
    if re.fullmatch(r"\d{1,2}(?:,\d{2})+,\d{3}", token):
        return {_plain(Decimal(token.replace(",", "")))}, nothing
    if len(re.findall("[.,]", token)) > 1:
        return {token}, frozenset(map(Decimal, token.split(","))) if "." not in token else nothing
    return {_plain(Decimal(token.replace(",", ".")))}, nothing


def _plain(value: Decimal) -> Decimal:
    return value.normalize() if value.is_finite() else value


def _factor(scale: str) -> Decimal:
    """Return the product of the scale words: "thousand million" is two of them."""
    factor = Decimal(1)
    for name in re.findall(r"[^\W\d_]+", scale):
        power = _SCALES.get(name) or _SCALES.get(name.lower(), 0)
        factor *= 12 if name.lower() == "dozen" else Decimal(10) ** power
    return factor


def _spelled(run: str) -> Decimal:
    """Return the value of number words up to hundreds: "two hundred and fifty" is 250."""
    total = 0
    for word in re.findall(r"[a-z]+", run.lower()):
        if word == "hundred":
            total = max(1, total) * 100
        elif word == "dozen":
            total = max(1, total) * 12
        else:
            total += _VALUES.get(word, 0)
    return Decimal(total)


_MONTH_NAMES = (
    "january jan januar janvier enero gennaio janeiro januari | february feb februar"
    " février febrero febbraio fevereiro februari | march mar märz mars marzo março maart |"
    " april apr avril abril aprile | may mai mayo maggio maio mei | june jun juni juin junio"
    " giugno junho | july jul juli juillet julio luglio julho | august aug août agosto"
    " augustus | september sep sept septembre septiembre settembre setembro | october oct"
    " oktober octobre octubre ottobre outubro | november nov novembre noviembre novembro |"
    " december dec dezember décembre diciembre dicembre dezembro"
)
_MONTHS = {
    name: number
    for number, names in enumerate(_MONTH_NAMES.split("|"), 1)
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    r"(?<![\d.])(?:(?P<y1>\d{4})[-/.年](?P<m1>\d{1,2})[-/.月](?P<d1>\d{1,2})日?"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th|\.|er|º)? (?:of |de |di )?(?P<m2>{_MONTH})\.?,?(?: de)? (?P<y2>\d{{4}})"
    rf"|(?<!\w)(?P<m3>{_MONTH})\.? (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y3>\d{{4}})"
    r"|(?P<d4>\d{1,2})\.(?P<m4>\d{1,2})\.(?P<y4>\d{4})"
    r"|(?P<d5>\d{1,2})[/-](?P<m5>\d{1,2})[/-](?P<y5>\d{4}))(?!\d)",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?<![\d:.,])(?P<h1>\d{1,2})(?:[:.](?P<m1>[0-5]\d))? ?(?P<half>[ap])\.?m\b\.?"
    r"|(?<![\d:.,])(?P<h2>[01]?\d|2[0-4]):(?P<m2>[0-5]\d)(?![\d:])"
    r"|(?<![\d:.,])(?P<h3>\d{1,2})(?:[:.](?P<m3>[0-5]\d))? Uhr\b",
    re.IGNORECASE,
)


def dates(text: str) -> list[frozenset[date | str]]:
    """Return the readings of each date: both for a slashed one, which may begin with the month.

    A date that does not exist is kept as it is written.
    """
    found = list[frozenset[date | str]]()
    for match in _DATE.finditer(text):
        parts = {name[0]: value for name, value in match.groupdict().items() if value}
        year, month, day = parts["y"], parts["m"].lower(), int(parts["d"])
        number = _MONTHS.get(month) or int(month)
        readings = {(number, day), (day, number)} if match["d5"] else {(number, day)}
        found.append(frozenset(_valid_dates(int(year), readings)) or frozenset((match[0],)))
    return found


def clocks(text: str) -> list[int]:
    """Return the times of day, in minutes after midnight."""
    found = []
    for match in _CLOCK.finditer(text):
        hour = int(match["h1"] or match["h2"] or match["h3"])
        minute = int(match["m1"] or match["m2"] or match["m3"] or 0)
        if match["half"]:
            hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
        found.append(hour * 60 + minute)
    return found


def without_dates_and_clocks(text: str) -> str:
    """Return the text with its dates and times of day left out."""
    return _CLOCK.sub(" ", _DATE.sub(" ", text))


def _valid_dates(year: int, readings: Iterable[tuple[int, int]]) -> Iterator[date]:
    for month, day in readings:
        try:
            yield date(year, month, day)
        except ValueError:
            continue
