"""Finds and redacts personal data: by format, and names by an optional detector.

A format alone is rarely sufficient. A number with a checksum must pass it; a number without one (a
driver's licence, nine digits) counts only after a context word. Names and places need a name
detector.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from trimtab.guardrails.credentials import without_credentials
from trimtab.guardrails.errors import NamesUnavailable
from trimtab.guardrails.pii import checksums
from trimtab.guardrails.pii.kinds import PersonalData, PiiType
from trimtab.guardrails.pii.names import NameDetector
from trimtab.guardrails.pii.phones import MIN_DIGITS, phones
from trimtab.text.words import folded

_log = logging.getLogger(__name__)
NAMES_UNCHECKED = "NAMES_UNCHECKED"
"""Reported as a finding when the name detector is enabled but cannot answer."""
RUN = re.compile(r"\d(?:\W{0,4}\d)*")
"""Digits with up to four separators between two."""
NOT_A_DIGIT = re.compile(r"\D")


def find(text: str) -> tuple[PersonalData, ...]:
    """Return the personal data in order of position, without overlaps.

    Of overlapping findings the more reliable kind wins. A prefilter skips the recognisers that
    cannot match.
    """
    plain = folded(text)
    digits = max((len(NOT_A_DIGIT.sub("", run)) for run in RUN.findall(text)), default=0)
    formatted = (
        data
        for recogniser in _RECOGNISERS  # The more reliable kinds first.
        if digits >= recogniser.digits and any(sign in plain for sign in recogniser.signs)
        for data in recogniser.find(text)
    )
    spans = phones(text) if digits >= MIN_DIGITS else ()
    taken: list[PersonalData] = []
    for data in chain(formatted, (PersonalData(PiiType.PHONE_NUMBER, *span) for span in spans)):
        if not any(data.start < other.end and other.start < data.end for other in taken):
            taken.append(data)
    return tuple(sorted(taken, key=attrgetter("start")))


@dataclass(frozen=True, slots=True)
class Found:
    """Findings in order of position, without overlaps."""

    data: tuple[PersonalData, ...]
    unchecked: NamesUnavailable | None = None
    """The error of the name detector, when it is enabled but cannot answer."""


class Finder:
    """Finds and redacts personal data.

    Args:
        names: The name detector; None to detect no names.
    """

    def __init__(self, names: NameDetector | None = None) -> None:
        self._names = names

    def find(self, text: str) -> tuple[PersonalData, ...]:
        """Return all findings; data with a format wins over an overlapping name.

        Raises:
            NamesUnavailable: The name detector cannot answer now.
        """
        found = self.look(text)
        if found.unchecked is not None:
            raise found.unchecked
        return found.data

    def look(self, text: str) -> Found:
        """Return the findings, without names when their detector is unavailable."""
        formatted = find(text)
        if self._names is None or not text.strip():
            return Found(formatted)
        try:
            names = self._names.detect(text)
        except NamesUnavailable as error:
            _log.warning("names_unchecked", extra={"reason": error.message})
            return Found(formatted, error)
        apart = [
            name
            for name in names
            if not any(name.start < other.end and other.start < name.end for other in formatted)
        ]
        return Found(tuple(sorted((*formatted, *apart), key=attrgetter("start"))))

    def redact(self, text: str) -> str:
        """Return the text with each secret and finding replaced by its kind, as ``<PERSON>``.

        When names cannot be checked, a marker replaces the whole text.
        """
        text = without_credentials(text)
        found = self.look(text)
        if found.unchecked:
            return f"<{NAMES_UNCHECKED}>"
        for data in reversed(found.data):
            text = f"{text[: data.start]}<{data.type.value}>{text[data.end :]}"
        return text


redact = Finder().redact
"""Redacts secrets and the personal data that has a format, but no names."""


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """Pattern of one kind of data, with its checksum and context words.

    Group 1 of the pattern, if present, is the data.
    """

    type: PiiType
    regex: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    before: re.Pattern[str] | None = None
    not_before: re.Pattern[str] | None = None
    digits: int = 0
    """Minimum number of digits in one run, see `RUN`."""
    signs: tuple[str, ...] = ("",)
    """Substrings of the prefilter: a text with none of them cannot match."""

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


def _passes_luhn(text: str) -> bool:
    return checksums.luhn(_digits(text))


def _passes_iban(text: str) -> bool:
    return checksums.iban(text.replace(" ", ""))


_CARD_WORD = _re(r"\b(?:card|cards|cc|visa|mastercard|amex|maestro|debit|credit)\b[^\n]{0,40}$")
_SEPARATED = r"(?:[ -]?\d)"

_RECOGNISERS = (
    _Recogniser(
        PiiType.EMAIL_ADDRESS,
        _re(r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]*[\w+-]@(?:[\w-]+\.)+[^\W\d_]{2,24}(?![\w-])"),
        signs=("@",),
    ),
    _Recogniser(
        PiiType.DOMAIN_NAME,
        _re(r"(?:https?|ftp)://[^\s<>\"'\])},]+[^\s<>\"'\])},.;:!?]|(?<![\w@.-])www\.(?:[\w-]+\.)+[a-z]{2,24}(?:/[^\s<>\"']*)?"),
        signs=("://", "www."),
    ),
    _Recogniser(
        PiiType.IBAN_CODE,
        # A group after a space must contain a digit or only capitals: it is not a word of the text.
        _re(
            r"(?<!\w)[a-z]{2}\d{2} ?[a-z0-9]{4}(?:[a-z0-9]{4}| (?:(?=[a-z]*\d)[a-z0-9]{4}|(?-i:[A-Z]{4}))){1,6}"
            r"(?: ?(?=[a-z]*\d)[a-z0-9]{1,3})?(?!\w)"
        ),
        _passes_iban,
        digits=2,
    ),
    _Recogniser(
        PiiType.CREDIT_CARD,
        _re(rf"(?<![\w.+-])[2-6]\d{{3}}{_SEPARATED}{{9,15}}(?![\w-]|\.\d)"),
        _passes_luhn,
        digits=13,
    ),
    _Recogniser(
        PiiType.CREDIT_CARD,
        _re(r"(?<![\w.+-])([1-6]\d{11,18})(?![\w-]|\.\d)"),
        _passes_luhn,
        _CARD_WORD,
        digits=12,
    ),
    _Recogniser(
        PiiType.US_DRIVER_LICENSE,
        _re(r"(?<!\w)([a-z]{0,2}\d[\d-]{4,15})(?!\w)"),
        before=_re(r"driver'?s? licen[cs]e(?: number| no\.?| #)?(?: is)?\W{0,3}$"),
        digits=1,
        signs=("licen",),
    ),
    _Recogniser(
        PiiType.PASSPORT,
        _re(r"(?<!\w)([a-z]{0,2}\d{6,9}[a-z]?)(?!\w)"),
        before=_re(r"\bpass(?:port|aporte|eport)|\breisepass\w*(?: number| no\.?| #| is|\W)*$"),
        digits=6,
        signs=("pass",),
    ),
    _Recogniser(
        PiiType.US_SSN,
        _re(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"),
        digits=9,
    ),
    _Recogniser(
        PiiType.US_SSN,
        _re(r"(?<![\w-])((?!000|666|9\d\d)\d{3} ?(?!00)\d{2} ?(?!0000)\d{4})(?![\w-])"),
        before=_re(r"\b(?:ssn|social security)\b[^\n]{0,25}$"),
        digits=9,
        signs=("ssn", "social security"),
    ),
    _Recogniser(
        PiiType.NATIONAL_ID,
        _re(r"(?<!\w)(?:\d{8}|[xyz]\d{7})-?[a-z](?!\w)"),
        lambda text: checksums.spanish_id(text.replace("-", "")),
        digits=7,
    ),
    _Recogniser(
        PiiType.NATIONAL_ID, _re(r"(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"), checksums.brazilian_cpf,
        digits=11,
    ),
    _Recogniser(
        PiiType.NATIONAL_ID,
        re.compile(r"(?<!\w)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"),
        digits=6,
    ),
    _Recogniser(
        PiiType.MAC_ADDRESS, _re(r"(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])"),
        signs=(":", "-"),
    ),
    _Recogniser(
        PiiType.IP_ADDRESS,
        _re(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)"),
        checksums.ip_address,
        not_before=_re(r"\b(?:version|release|v|section|chapter)\.? ?$"),
        digits=4,
    ),
    _Recogniser(
        PiiType.IP_ADDRESS,
        _re(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])"),
        lambda text: text.count(":") >= 2 and len(text) > 4 and checksums.ip_address(text),
        signs=(":",),
    ),
    _Recogniser(
        PiiType.CRYPTO_WALLET,
        re.compile(r"(?<!\w)(?:bc1[a-z0-9]{25,59}|[13][a-km-zA-HJ-NP-Z1-9]{25,34}|0x[0-9a-fA-F]{40})(?!\w)"),
        digits=1,
    ),
    _Recogniser(
        PiiType.BIRTH_DATE,
        _re(r"(?<![\w/])(\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4})(?![\w/])"),
        before=_re(r"\b(?:born|birth|dob|birthday|birthdate|geboren|naci\w+|nacimiento|née?|nato|nata)\b[^\n\d]{0,25}$"),
        digits=4,
        signs=("born", "birth", "dob", "geboren", "naci", "né", "nat"),
    ),
    _Recogniser(
        PiiType.ZIP_CODE,
        _re(r"(?<!\w)(\d{3,6}(?:[ -]\d{2,4}| [a-z]{2})?)(?![\w-])"),
        before=_re(r"\b(?:zip|postal|post|postcode|plz)(?: ?code)?(?: is)?\W{0,3}$"),
        digits=3,
        signs=("zip", "post", "plz"),
    ),
)  # fmt: skip
