"""Finds personal data that has a form of its own.

A form alone is rarely enough: what has a checksum must pass it, and what has none (a driver's licence, a nine-digit
number) needs its word before it. Names and places need a name detector, see `finder`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trimtab.guardrails.pii import checksums
from trimtab.guardrails.pii.kinds import PersonalData, PiiType
from trimtab.guardrails.pii.phones import phones


def find(text: str) -> tuple[PersonalData, ...]:
    """Return the personal data in order of place; findings never overlap, the surer kind wins."""
    taken: list[PersonalData] = []
    for found in _all(text):
        if not any(found.start < other.end and other.start < found.end for other in taken):
            taken.append(found)
    return tuple(sorted(taken, key=lambda data: data.start))


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """A form, what must hold of the matched text, and what must stand before it. Group 1 is the data, if there is one."""

    type: PiiType
    regex: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    before: re.Pattern[str] | None = None
    not_before: re.Pattern[str] | None = None

    def find(self, text: str) -> Iterator[PersonalData]:
        for match in self.regex.finditer(text):
            group = 1 if self.regex.groups else 0
            start, end = match.span(group)
            lead = text[max(0, start - 48) : start]
            if self.before and not self.before.search(lead):
                continue
            if self.not_before and self.not_before.search(lead):
                continue
            if self.check is None or self.check(match[group]):
                yield PersonalData(self.type, start, end)


def _re(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.IGNORECASE)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _card(text: str) -> bool:
    return checksums.luhn(_digits(text))


def _iban(text: str) -> bool:
    return checksums.iban(text.replace(" ", ""))


_CARD_WORD = _re(r"\b(?:card|cards|cc|visa|mastercard|amex|maestro|debit|credit)\b[^\n]{0,40}$")
_SEPARATED = r"(?:[ -]?\d)"

_RECOGNISERS = (
    _Recogniser(
        PiiType.EMAIL_ADDRESS,
        _re(r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]*[\w+-]@(?:[\w-]+\.)+[^\W\d_]{2,24}(?![\w-])"),
    ),
    _Recogniser(
        PiiType.DOMAIN_NAME,
        _re(r"(?:https?|ftp)://[^\s<>\"'\])},]+[^\s<>\"'\])},.;:!?]|(?<![\w@.-])www\.(?:[\w-]+\.)+[a-z]{2,24}(?:/[^\s<>\"']*)?"),
    ),
    _Recogniser(
        PiiType.IBAN_CODE,
        # A word of the sentence is no group of the account: after a space there is a digit, or capitals only.
        _re(
            r"(?<!\w)[a-z]{2}\d{2} ?[a-z0-9]{4}(?:[a-z0-9]{4}| (?:(?=[a-z]*\d)[a-z0-9]{4}|(?-i:[A-Z]{4}))){1,6}"
            r"(?: ?(?=[a-z]*\d)[a-z0-9]{1,3})?(?!\w)"
        ),
        _iban,
    ),
    _Recogniser(
        PiiType.CREDIT_CARD,
        _re(rf"(?<![\w.+-])[2-6]\d{{3}}{_SEPARATED}{{9,15}}(?![\w-]|\.\d)"),
        _card,
    ),
    _Recogniser(
        PiiType.CREDIT_CARD,
        _re(r"(?<![\w.+-])([1-6]\d{11,18})(?![\w-]|\.\d)"),
        _card,
        _CARD_WORD,
    ),
    _Recogniser(
        PiiType.US_DRIVER_LICENSE,
        _re(r"(?<!\w)([a-z]{0,2}\d[\d-]{4,15})(?!\w)"),
        before=_re(r"driver'?s? licen[cs]e(?: number| no\.?| #)?(?: is)?\W{0,3}$"),
    ),
    _Recogniser(
        PiiType.PASSPORT,
        _re(r"(?<!\w)([a-z]{0,2}\d{6,9}[a-z]?)(?!\w)"),
        before=_re(r"\bpass(?:port|aporte|eport)|\breisepass\w*(?: number| no\.?| #| is|\W)*$"),
    ),
    _Recogniser(
        PiiType.US_SSN,
        _re(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"),
    ),
    _Recogniser(
        PiiType.US_SSN,
        _re(r"(?<![\w-])((?!000|666|9\d\d)\d{3} ?(?!00)\d{2} ?(?!0000)\d{4})(?![\w-])"),
        before=_re(r"\b(?:ssn|social security)\b[^\n]{0,25}$"),
    ),
    _Recogniser(
        PiiType.NATIONAL_ID,
        _re(r"(?<!\w)(?:\d{8}|[xyz]\d{7})-?[a-z](?!\w)"),
        lambda text: checksums.spanish_id(text.replace("-", "")),
    ),
    _Recogniser(
        PiiType.NATIONAL_ID, _re(r"(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"), checksums.brazilian_cpf
    ),
    _Recogniser(
        PiiType.NATIONAL_ID,
        re.compile(r"(?<!\w)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"),
    ),
    _Recogniser(
        PiiType.MAC_ADDRESS, _re(r"(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])")
    ),
    _Recogniser(
        PiiType.IP_ADDRESS,
        _re(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)"),
        checksums.ip_address,
        not_before=_re(r"\b(?:version|release|v|section|chapter)\.? ?$"),
    ),
    _Recogniser(
        PiiType.IP_ADDRESS,
        _re(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])"),
        lambda text: text.count(":") >= 2 and len(text) > 4 and checksums.ip_address(text),
    ),
    _Recogniser(
        PiiType.CRYPTO_WALLET,
        re.compile(r"(?<!\w)(?:bc1[a-z0-9]{25,59}|[13][a-km-zA-HJ-NP-Z1-9]{25,34}|0x[0-9a-fA-F]{40})(?!\w)"),
    ),
    _Recogniser(
        PiiType.BIRTH_DATE,
        _re(r"(?<![\w/])(\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4})(?![\w/])"),
        before=_re(r"\b(?:born|birth|dob|birthday|birthdate|geboren|naci\w+|nacimiento|née?|nato|nata)\b[^\n\d]{0,25}$"),
    ),
    _Recogniser(
        PiiType.ZIP_CODE,
        _re(r"(?<!\w)(\d{3,6}(?:[ -]\d{2,4}| [a-z]{2})?)(?![\w-])"),
        before=_re(r"\b(?:zip|postal|post|postcode|plz)(?: ?code)?(?: is)?\W{0,3}$"),
    ),
)  # fmt: skip


def _all(text: str) -> Iterator[PersonalData]:
    """Yield what each recogniser finds, the surer ones first."""
    if not any(char.isdigit() or char in "@:" for char in text) and "www." not in text.lower():
        return
    for recogniser in _RECOGNISERS:
        yield from recogniser.find(text)
    for start, end in phones(text):
        yield PersonalData(PiiType.PHONE_NUMBER, start, end)
