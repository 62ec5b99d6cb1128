"""Reads the period of a statement and what a change is measured against."""

import re

_ORDINALS = {
    "first": "1",
    "second": "2",
    "third": "3",
    "fourth": "4",
    "1st": "1",
    "2nd": "2",
    "3rd": "3",
    "4th": "4",
}
_MONTHS = {
    name: (index, name[:3].title())
    for index, name in enumerate(
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
        1,
    )
}
_YEAR = r"(?:(?:of|in|,)?\s*(?:the\s+)?(?:fiscal(?:\s+year)?\s*|calendar\s+(?:year\s+)?|fy\s?)?(?P<{0}>(?:20\d\d|'\d\d|(?<=fy)\d\d))\b)?"
_QUARTER = re.compile(
    r"\b(?:(?P<ordinal>first|second|third|fourth|1st|2nd|3rd|4th)[\s-]+(?:fiscal\s+)?quarter|q(?P<q>[1-4])\b|(?P<q2>[1-4])q)"
    r"(?:\s*(?:of|in|,)?\s*(?:the\s+)?(?:fiscal\s+(?:year\s+)?|calendar\s+)?(?P<year>20\d\d)\b|(?:\s+of)?\s+(?P<prior>last year|(?:the )?prior year|a year ago))?",
    re.IGNORECASE,
)
_LAST_QUARTER = re.compile(
    r"\b(?:last|prior) year(?:'s|s)?\s+(?:(?P<ordinal>first|second|third|fourth) quarter|q(?P<q>[1-4]))",
    re.IGNORECASE,
)
_HALF = re.compile(
    r"\b(?:first half|h1|half[- ]year)(?:\s+(?:of\s+)?(?:fiscal\s+(?:year\s+)?)?(?P<year>20\d\d))?",
    re.IGNORECASE,
)
_SECOND_HALF = re.compile(
    r"\b(?:second half|h2|back half)(?:\s+(?:of\s+)?(?:the year|(?:fiscal\s+)?(?P<year>20\d\d)))?",
    re.IGNORECASE,
)
_NINE = re.compile(
    r"\b(?:first )?(?:nine|9)[- ]months?(?:\s+(?:of\s+)?(?:fiscal\s+(?:year\s+)?)?(?P<year>20\d\d))?",
    re.IGNORECASE,
)
_DATE = re.compile(
    rf"\b(?P<month>{'|'.join(_MONTHS)})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?(?:\s+(?:of\s+)?(?P<year>20\d\d))?\b",
    re.IGNORECASE,
)
_FULL_YEAR = re.compile(
    r"\b(?:(?:fiscal|calendar|full|financial)(?:[- ]year)?|fy|for|in|during|since|our|of|year|for the year|by)\s*(?:the\s+)?(?:full[- ]year\s+|fiscal\s+(?:year\s+)?)?(?P<year>20\d\d)\b",
    re.IGNORECASE,
)
_PRIOR = (
    (re.compile(r"\b(?:same|comparable|corresponding|equivalent|prior[- ]year) (?:comparable )?(?:period|time|quarter)?\s*(?:of |in |from )?(?:the )?(?:last|prior|previous|a)? ?(?:year)?(?: ago)?(?: period)?\b", re.IGNORECASE), "prior_year_period"),
    (re.compile(r"\byear[- ]ago (?:period|quarter)|\ba year ago|\bprior[- ]year(?:'s)? period|\byear[- ]earlier", re.IGNORECASE), "prior_year_period"),
    (re.compile(r"\bprior[- ]year(?:'s)? (?:comparable )?quarter|\bsame quarter", re.IGNORECASE), "prior_year_quarter"),
    (re.compile(r"\b(?:prior|previous|last|preceding) quarter", re.IGNORECASE), "prior_quarter"),
    (re.compile(r"\b(?:prior|previous|last) (?:fiscal )?year", re.IGNORECASE), "prior_year"),
)  # fmt: skip
_SPECIAL = (
    (re.compile(r"\byear[- ]to[- ]da(?:te|y)|\bytd\b", re.IGNORECASE), "ytd"),
    (re.compile(r"\b(?:trailing|last) (?:12|twelve)[- ]months?|\bltm\b|\bttm\b", re.IGNORECASE), "ltm"),
    (re.compile(r"\bnext (?:fiscal )?year\b", re.IGNORECASE), "next_year"),
    (re.compile(r"\b(?:year[- ]end|end of (?:the|this) year)\b", re.IGNORECASE), "year_end"),
    (re.compile(r"\b(?:quarter|quarterly)\b", re.IGNORECASE), "quarter"),
    (re.compile(r"(?<!last )(?<!prior )(?<!previous )\b(?:this year|the year|full[- ]year|fiscal year|annual(?:ized|ly)?|per year|a year|per annum)\b(?! ago)", re.IGNORECASE), "year"),
)  # fmt: skip
_YEAR_OVER_YEAR = re.compile(
    r"\byear[- ]over[- ]year|\byear[- ]on[- ]year|\byoy\b|\by/y\b"
    r"|\b(?:from|over|versus|vs\.?|than|against|compared?(?: \w+)? (?:to|with)|relative to|as compared (?:to|with)|with regard to)"
    r" (?:the |a |to |with )?(?:[a-z]+ ){0,4}?(?:(?:prior|last|previous)[- ]year|year ago|year-ago|same (?:period|quarter)|20\d\d)",
    re.IGNORECASE,
)
_SEQUENTIAL = re.compile(
    r"\bsequential(?:ly)?\b|\bquarter[- ]over[- ]quarter|\bqoq\b|\b(?:from|over|versus|than|compared (?:to|with)) (?:the )?"
    r"(?:prior|previous|preceding|last|(?:first|second|third|fourth)) quarter(?! of (?:last|20))(?! last)",
    re.IGNORECASE,
)


def basis_of(clause: str) -> str:
    """Return what a change of the clause is measured against."""
    if _SEQUENTIAL.search(clause):
        return "sequential"
    return "year_over_year" if _YEAR_OVER_YEAR.search(clause) else ""


def comparator_period(after: str) -> str:
    """Return the period of an amount that another one is compared with."""
    last = _LAST_QUARTER.search(after)
    if last:
        return f"Q{_quarter(last)} prior_year"
    named = _named(after)
    if named:
        return named
    return next((name for pattern, name in _PRIOR if pattern.search(after)), "")


def period_of(before: str, after: str) -> str:
    """Return the period nearest to an amount: first what follows it, then what precedes it."""
    near = after[:40]
    stripped = _without_comparison(near)
    found = _named(stripped) or _named(_without_comparison(before), last=True)
    if found:
        return found
    clause = f"{before} | {_without_comparison(after)}"
    return _named(_without_comparison(after)) or next(
        (name for pattern, name in _SPECIAL if pattern.search(clause)), ""
    )


_COMPARISON = re.compile(
    r"\b(?:compared?|versus|vs\.?|from|than|over|against|relative to|since|with regard to)\b",
    re.IGNORECASE,
)


def _without_comparison(text: str) -> str:
    match = _COMPARISON.search(text)
    return text[: match.start()] if match else text


def _quarter(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return (
        _ORDINALS.get((groups.get("ordinal") or "").lower(), "")
        or groups.get("q")
        or groups.get("q2")
        or ""
    )


def _named(text: str, *, last: bool = False) -> str:
    found: list[tuple[int, str]] = []
    for match in _QUARTER.finditer(text):
        suffix = f" FY{match['year']}" if match["year"] else " prior_year" if match["prior"] else ""
        found.append((match.start(), f"Q{_quarter(match)}{suffix}"))
    for pattern, name in ((_HALF, "H1"), (_SECOND_HALF, "H2"), (_NINE, "9M")):
        found += [
            (m.start(), name + (f" FY{m['year']}" if m["year"] else ""))
            for m in pattern.finditer(text)
        ]
    found += [(m.start(), _date(m)) for m in _DATE.finditer(text)]
    if not found:
        found = [(m.start(), f"FY{m['year']}") for m in _FULL_YEAR.finditer(text)]
    found = [item for item in found if item[1]]
    if not found:
        return ""
    return (max if last else min)(found)[1]


def _date(match: re.Match[str]) -> str:
    month, short = _MONTHS[match["month"].lower()]
    if not match["year"]:
        return short if int(match["day"]) > 31 else ""
    return f"{match['year']}-{month:02d}-{int(match['day']):02d}"
