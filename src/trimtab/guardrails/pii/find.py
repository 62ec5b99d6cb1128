"""Finds and redacts personal data: by format, and names by an optional detector.

A format alone is rarely sufficient. A number with a checksum must pass it; a number without one (a
driver's licence, nine digits) counts only after a context word. Names and places need a name
detector.
"""

import logging
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from trimtab.guardrails.credentials import without_credentials
from trimtab.guardrails.errors import NamesUnavailable
from trimtab.guardrails.pii import checksums
from trimtab.guardrails.pii.kinds import PersonalData, PiiType
from trimtab.guardrails.pii.names import NameDetector
from trimtab.guardrails.pii.other_numbers import is_other_kind
from trimtab.guardrails.pii.phones import MIN_DIGITS, phones
from trimtab.text.words import folded

if TYPE_CHECKING:  # The rules hold the patterns, and guards that read rules import this module.
    from trimtab.guardrails.custom_patterns import PiiPattern
    from trimtab.guardrails.rules import LiveRules

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
    if not text.isascii():
        text = _with_ascii_digits(text)
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


def _with_ascii_digits(text: str) -> str:
    """Return the text with full-width forms and digits of other scripts as ASCII, offsets kept."""
    return "".join(_ascii(char) for char in text)


@lru_cache(maxsize=2_000)
def _ascii(char: str) -> str:
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    # Superscript digits have a digit value but no decimal one, and stay: they are exponents.
    value = unicodedata.decimal(char, -1)
    return char if value < 0 else str(value)


def _with_patterns(
    found: Sequence[PersonalData], patterns: Iterable["PiiPattern"], text: str
) -> tuple[PersonalData, ...]:
    """Return the findings and those of an operator's patterns, which win over an overlapping one.

    The pattern may block where the built-in kind only warns.
    """
    own = list[PersonalData]()
    for pattern in patterns:
        for start, end in pattern.spans(text):
            if not any(start < other.end and other.start < end for other in own):
                own.append(PersonalData(pattern.name, start, end))
    apart = [
        data for data in found if not any(data.start < o.end and o.start < data.end for o in own)
    ]
    return tuple(sorted((*own, *apart), key=attrgetter("start")))


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
        rules: The rules in force, for the patterns that an operator added; None for none.
    """

    def __init__(self, names: NameDetector | None = None, rules: "LiveRules | None" = None) -> None:
        self._names = names
        self._rules = rules

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
        if self._rules is not None and (patterns := self._rules.current.pii_patterns):
            formatted = _with_patterns(formatted, patterns, text)
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
            text = f"{text[: data.start]}<{data.type}>{text[data.end :]}"
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
    not_before: Callable[[str], bool] | None = None
    """Whether the text before the match says that it is something else."""
    digits: int = 0
    """Minimum number of digits in one run, see `RUN`."""
    signs: tuple[str, ...] = ("",)
    """Substrings of the prefilter: a text with none of them cannot match."""

    def find(self, text: str) -> Iterator[PersonalData]:
        for match in self.regex.finditer(text):
            group = 1 if self.regex.groups else 0
            start, end = match.span(group)
            if self.before and not self.before.search(text[max(0, start - 48) : start]):
                continue
            if self.not_before and self.not_before(text[:start]):
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
    return checksums.iban("".join(char for char in text if char.isalnum()))


_CARD_WORD = _re(r"\b(?:card|cards|cc|visa|mastercard|amex|maestro|debit|credit)\b[^\n]{0,40}$")
_GAP = "[ \\-\u00ad\u2010-\u2015\u2212\u00a0\u2007\u2009\u200b-\u200d\u202f\u2060\ufeff]"
"""One separator of the groups of a number, as people and word processors write them."""
_DOT = rf"(?:{_GAP}|\.)"
_LEFT, _RIGHT = r"(?<![a-z0-9_\u00c0-\u04ff.+-])", r"(?![a-z0-9_\u00c0-\u04ff-]|\.\d)"
"""Edges of a number. Chinese and Japanese letters do not belong to it: no space separates them."""
_VERSION = _re(r"\b(?:version|release|v|section|chapter)\.? ?$")

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
            rf"(?<![a-z0-9_\u00c0-\u04ff])[a-z]{{2}}\d{{2}}{_DOT}?[a-z0-9]{{4}}"
            rf"(?:[a-z0-9]{{4}}|{_DOT}(?:(?=[a-z]*\d)[a-z0-9]{{4}}|(?-i:[A-Z]{{4}}))){{1,6}}"
            rf"(?:{_DOT}?(?=[a-z]*\d)[a-z0-9]{{1,3}})?(?![a-z0-9_\u00c0-\u04ff])"
        ),
        _passes_iban,
        digits=2,
    ),
    _Recogniser(
        PiiType.CREDIT_CARD,
        _re(rf"{_LEFT}[2-6]\d{{3}}(?:(?:{_GAP}?\d){{9,15}}|(?:\.\d{{4}}){{3}}){_RIGHT}"),
        _passes_luhn,
        not_before=is_other_kind,
        digits=13,
    ),
    _Recogniser(
        PiiType.CREDIT_CARD,
        _re(rf"{_LEFT}([1-6]\d{{11,18}}){_RIGHT}"),
        _passes_luhn,
        _CARD_WORD,
        not_before=is_other_kind,
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
        not_before=is_other_kind,
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
        not_before=lambda lead: bool(_VERSION.search(lead[-48:])),
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
