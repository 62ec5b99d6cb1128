"""Shows cell values as a spreadsheet does: by their number format."""

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

_SECTION = re.compile(r'(?:"[^"]*"|\\.|[^;"\\])+|(?<=;)(?=;|$)')
_BRACKETS = re.compile(r"\[\$([^\[\]-]*)(?:-[^\[\]]*)?\]|\[[^\[\]]*\]")
_TOKEN = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|([#0?][#0?,./]*(?:E[+-][#0?]+)?)|(%)|(.)', re.DOTALL)
_DATE_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|_.|\*.|(\[h+\]|\[m+\]|\[s+\]|y+|m+|d+|h+|s+|\.0+|AM/PM|A/P)|(.)',
    re.IGNORECASE | re.DOTALL,
)
_DEPENDS_ON_PLACE = frozenset({"mm-dd-yy", "m/d/yy", "m/d/yyyy"})
"""Formats that each country shows in its own way; the date is written in the order of ISO 8601."""
_MAX_DECIMALS = 15


def shown(value: object, number_format: str) -> str:
    """Return the value as its sheet shows it, as far as that does not depend on the country."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime | date | time | timedelta):
        return _moment(value, number_format)
    if isinstance(value, int | float):
        return _number(value, number_format)
    return str(value)


def _number(value: float, number_format: str) -> str:
    sections = [found[0] for found in _SECTION.finditer(number_format)] or ["General"]
    section, negative = sections[0], value < 0
    if value < 0 and len(sections) > 1:
        section, negative = sections[1], False
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    section = _BRACKETS.sub(lambda found: f'"{found[1]}"' if found[1] else "", section)
    if section.strip().lower() in ("general", "@", "") or "/" in section:
        return _general(value)
    shown_value = _filled(section, abs(value))
    return f"-{shown_value}" if negative and re.search(r"[1-9]", shown_value) else shown_value


def _general(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.10g}"


def _filled(section: str, value: float) -> str:
    """Return the section with the digits of the value in the place of its pattern."""
    tokens = [found for found in _TOKEN.finditer(section) if found[0][0] not in "_*"]
    percent = sum(bool(found[4]) for found in tokens)
    written, used = "", False
    for found in tokens:
        if found[3] and not used:
            written, used = written + _digits(found[3], value * 100**percent), True
        elif not found[3]:
            written += found[1] or found[2] or found[4] or found[5] or ""
    return " ".join(written.split())


def _digits(pattern: str, value: float) -> str:
    mantissa, e, _ = pattern.partition("E")
    whole, _, decimals = mantissa.partition(".")
    precision = min(sum(sign in "0#?" for sign in decimals), _MAX_DECIMALS)
    if e:
        return f"{value:.{precision}E}"
    scaled = mantissa.rstrip(",")
    value /= 1000 ** (len(mantissa) - len(scaled))
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-precision), ROUND_HALF_UP)
    grouped = "," in whole.rstrip(",")
    written = f"{rounded:,f}" if grouped else f"{rounded:f}"
    digits, dot, fraction = written.partition(".")
    optional = len(decimals) - len(decimals.rstrip("#?"))
    while optional and fraction.endswith("0"):
        fraction, optional = fraction[:-1], optional - 1
    digits = digits.zfill(whole.count("0")) if not grouped else digits
    return digits + (dot + fraction if fraction else "")


def _moment(value: datetime | date | time | timedelta, number_format: str) -> str:
    section = re.sub(r"\[\$[^\[\]]*\]", "", number_format.split(";", maxsplit=1)[0])
    codes = section.lower()
    if isinstance(value, timedelta):
        return _duration(value, codes)
    if isinstance(value, time):
        value = datetime.combine(date(1900, 1, 1), value)
        codes = codes if "h" in codes else "hh:mm"
    elif not isinstance(value, datetime):
        value = datetime.combine(value, time())
    plain = re.sub(r'"[^"]*"|\\.', "", codes).strip()
    if plain in _DEPENDS_ON_PLACE:
        return value.strftime("%Y-%m-%d")
    if plain in {"m/d/yy h:mm", "general"}:
        return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M")
    return _dated(value, section)


def _dated(value: datetime, section: str) -> str:
    half = "am/pm" in section.lower() or "a/p" in section.lower()
    tokens = list(_DATE_TOKEN.finditer(section))
    codes = [(found[3] or "").lower() for found in tokens]
    written = ""
    for at, found in enumerate(tokens):
        if found[0][0] in "_*" and not found[4]:
            continue
        code = codes[at]
        if not code:
            written += found[1] or found[2] or found[4] or ""
            continue
        before = next((known for known in reversed(codes[:at]) if known), "")
        after = next((known for known in codes[at + 1 :] if known), "")
        minute = code.startswith("m") and len(code) < 3 and (before[:1] == "h" or after[:1] == "s")
        written += _part(value, f"n{len(code)}" if minute else code, half=half)
    return " ".join(written.split())


def _part(value: datetime, code: str, *, half: bool) -> str:
    hour = (value.hour % 12 or 12) if half else value.hour
    parts = {
        "y": f"{value:%y}" if len(code) < 3 else f"{value:%Y}",
        "d": (str(value.day), f"{value:%d}", f"{value:%a}", f"{value:%A}")[min(len(code), 4) - 1],
        "m": (str(value.month), f"{value:%m}", f"{value:%b}", f"{value:%B}")[min(len(code), 4) - 1],
        "n": f"{value.minute:02d}" if code == "n2" else str(value.minute),
        "h": f"{hour:02d}" if len(code) > 1 else str(hour),
        "s": f"{value.second:02d}" if len(code) > 1 else str(value.second),
        ".": "." + f"{value.microsecond:06d}"[: len(code) - 1],
        "a": f"{value:%p}",
    }
    return parts.get(code[0], "")


def _duration(value: timedelta, codes: str) -> str:
    total = round(value.total_seconds())
    sign = "-" if total < 0 else ""
    minutes, seconds = divmod(abs(total), 60)
    if "h" not in codes:
        return f"{sign}{minutes}:{seconds:02d}"
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02d}" + (f":{seconds:02d}" if "s" in codes else "")
