# ruff: noqa: RUF001 - dashes as people type them.
"""Finds telephone numbers by international format, national grouping or context words."""

import re

from trimtab.guardrails.pii.other_numbers import is_other_kind

_CANDIDATE = re.compile(
    r"(?<![\w.:/=#$€£@+-])(?<!\d,)(?P<number>(?:\+|00)?\(?\+?\d{1,5}\)?(?:[ \u00a0./-]{0,2}\(?\d{1,5}\)?){1,6})"
    r"(?P<extension> ?(?:x|ext\.?|extension|#) ?\d{1,6})?(?![\w@]|[.,/:-]\d)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:phone|tel|telephone|telefon|teléfono|téléphone|telefono|telefone|mobile?|cell|cellular|handy|fax|desk|office|home|work|direct"
    r"|call|calling|dial|text|ring|sms|whatsapp|reach|contact|answering|message|messages|hotline|number is|numbers?)\b"
    r"[^\n\d]{0,28}\n?[^\n\d]{0,3}$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s?[-–(]?\s?(?:fax|office|mobile|cell|home|work|desk|direct|phone|tel)\b", re.IGNORECASE
)
_NATIONAL = re.compile(
    r"\(?[2-9]\d{2}\)?[ .-]?\d{3}[.-]\d{4}|\(0?\d{1,5}\)[ .-]?\d{2,4}(?:[ .-]\d{2,5}){1,3}"
    r"|0\d{1,4}(?:[ ./-]\d{2,8}){1,4}|\(0?\d{1,4}\) ?\d{3}-?\d{3,4}"
    r"|1[ .-]\d{3}[ .-]\d{3}[ .-]\d{4}"
)
_DATE = re.compile(r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{4}")
_NOT_A_PHONE = re.compile(
    r"(?:card|cc|iban|account|invoice|order|zip|ssn|security|license|licence|version|isbn|id)\W{0,3}(?:no\.?|number|#|is|:)*\W{0,3}$",
    re.IGNORECASE,
)
MIN_DIGITS, MAX_DIGITS = 7, 15


def phones(text: str) -> list[tuple[int, int]]:
    """Return start and end of each telephone number, extension included."""
    found = []
    for match in _CANDIDATE.finditer(text):
        number = match["number"].rstrip(" .-/(\u00a0")
        if number.endswith(")") and _unbalanced(number):
            number = number[:-1]
        start = match.start("number")
        end = match.end() if match["extension"] else start + len(number)
        digits = sum(char.isdigit() for char in number)
        if MIN_DIGITS <= digits <= MAX_DIGITS and _is_phone(text, start, end, number):
            found.append((start, end))
    return found


def _is_phone(text: str, start: int, end: int, number: str) -> bool:
    before = text[max(0, start - 40) : start]
    if _DATE.fullmatch(number) or _NOT_A_PHONE.search(before) or _unbalanced(number):
        return False
    if _AFTER.match(text, end) or _BEFORE.search(before):
        return not is_other_kind(text[:start])
    if number.startswith(("+", "00")):
        return _is_possible(number)
    return bool(_NATIONAL.fullmatch(number))


def _unbalanced(number: str) -> bool:
    return number.count("(") != number.count(")")


def _is_possible(number: str) -> bool:
    import phonenumbers  # Imported late: most texts have no candidate.

    plus = "+" + number[2:] if number.startswith("00") else number
    try:
        parsed = phonenumbers.parse(plus.replace("(0)", ""), None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(parsed))
