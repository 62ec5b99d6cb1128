# ruff: noqa: RUF001 - question words and punctuation of several languages.
"""Analyses a question: its words, the type of answer it asks for, and the codes that it names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from trimtab.answers.labels import NamedLabel
from trimtab.answers.units import PassageUnits, Unit
from trimtab.text.languages import DEFAULT_LANGUAGE, FUNCTION_WORDS, language_of
from trimtab.text.sentences import BlockKind
from trimtab.text.words import STOP_WORDS, stem, stems, words


class AnswerType(StrEnum):
    """The type of answer that the question word asks for."""

    TIME = "time"
    QUANTITY = "quantity"
    PERSON = "person"
    PLACE = "place"
    ANYTHING = "anything"


_QUESTIONS = (
    (
        AnswerType.TIME,
        (
            # In "how do I save when it is locked" the word joins two clauses.
            r"^\W*when\b|\bwhen\W*$|\b(?:since|until|till|by|and|or) when\b"
            r"|\bwhen (?:was|were|is|are|did|do|does|will|would|has|have|had|can|should|must|may)\b"
            r"|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b"
            r"|\b(?:date|year|deadline) (?:of|for)\b"
            r"|\b(?:release|expiry|expiration|publication|due|start|end|birth) date\b"
            r"|\bqué (?:año|fecha|día|mes|siglo|década)\b|\bwelche[mns]? (?:jahr|tag|datum|monat)"
            r"|\bquel(?:le)? (?:année|date|jour|mois|siècle)\b|\b(?:che|quale|qual|que) (?:anno|data|ano)\b"
            r"|\bwann\b|\bcuándo\b|\bquand\b|\bquando\b|\bwanneer\b|\bkiedy\b|\bкогда\b|什么时候|哪年|언제"
        ),
    ),
    (
        AnswerType.QUANTITY,
        (
            r"\bhow (?:many|much|long|old|far|large|big|tall|high|often"
            r"|fast)\b|\bwhat (?:percent\w*|number|size|share)\b"
            r"|\bhow (?:soon|accurate|late|early|deep|wide|heavy|expensive)\b"
            r"|\b(?:which|what) (?:\w+ )?(?:port|version|uid|threshold|limit|rate|score|error)\b"
            r"|\b(?:port|uid|threshold|limit|size|timeout|number|weight|population|percentage"
            r"|version|sla|maximum|max|minimum|min|price|capacity)\b"
            r"|\bqué (?:edad|porcentaje|cantidad|número|tamaño|puerto|versión)\b"
            r"|\bwie ?(?:viele?|lange|oft|hoch)\b|\bcuánt[oa]s?\b|\bcombien\b"
            r"|\bquant[oiae]s?\b|\bhoeveel\b|\bсколько\b"
            r"|多少|几个|\b몇|\b얼마"
        ),
    ),
    (
        AnswerType.PERSON,
        (
            r"\bwho(?:m|se)?\b|\bwer\b|\bwem\b|\bwen\b|\bquién(?:es)?\b"
            r"|\bqui\b|\bchi\b|\bquem\b|\bкто\b|谁|누구|누가"
        ),
    ),
    (
        AnswerType.PLACE,
        (
            r"\bwhere\b|\b(?:what|which) (?:city|country|state|town|place"
            r"|location|continent|region)\b"
            r"|\bqué (?:ciudad|país|lugar|estado|región)\b"
            r"|\bwo\b|\bdónde\b|\boù\b|\bdove\b|\bonde\b|\bwaar\b|\bгде\b|哪里|어디"
        ),
    ),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _QUESTIONS)

_UNSPACED = re.compile(
    "什么时候|什么|哪一?[年里个]|多少|几个|如何|怎么样?|为什么|是否|请问|吗|呢|いつ|どこ|だれ|何"
)
# Korean has spaces, but its question words and copulas carry endings.
_KOREAN = re.compile(
    r"\b(?:(?:언제|어디|어느|어떤|어떻게|누구|누가|무엇|무슨|얼마|며칠)\w{0,3}|왜|몇"
    r"|(?:있|없|하|되|이|합|됩|입|인)(?:습니까|니까|나요|까요|가요|은가요|는가))\b"
)

_TIME = re.compile(
    r"\b(?:1\d{3}|20\d\d)\b|\b\d{1,2}(?:st|nd|rd|th)[ -]centur"
    r"|\b\d+ ?(?:BCE?|AD|CE)\b|\b\d{1,2}:\d\d\b"
    r"|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember|enero"
    r"|febrero|marzo|abril|mayo|junio|julio|agosto"
    r"|janvier|février|mars|avril|juin|juillet|août|octobre|décembre)\b"
    r"|\b(?:daily|weekly|monthly|yearly|every|nightly|mondays?"
    r"|tuesdays?|wednesdays?|thursdays?|fridays?)\b",
)
_QUANTITY = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|hundred|thousand|million|billion|dozen"
    r"|half|third|quarter|once|twice|several|zwei|drei|vier|fünf"
    r"|dos|tres|cuatro|deux|trois|quatre)\b",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?:^|[\s`'\"(])(?:~|\.{0,2})/[\w.-]+|\bhttps?://\S|\b[\w-]+\.[a-z]{2,4}\b")
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞА-Я]\w+")
_IDENTIFIER = re.compile(r"\b(?=\w*[\d_])\w{2,}|\d|\b[A-Z][A-Z\d]+\b|\b\w+(?:[.:/-]\w+)+")
# Names of which documents hold many alike: versions, error codes, settings, tickets.
_CODE = re.compile(
    r"(?<![\w./-])(?:"
    r"v?(?P<version>\d{1,4}(?:\.\d{1,5}){1,3})"  # 2.4, v1.29, 10.0.0.1
    r"|(?P<name>[a-z]{1,12}(?:[-_/]?\d{1,8}){1,3}[a-z]?"  # ENT-02, md0, CVE-2024-1234, http/3
    r"|[a-z][^\W_]{0,40}(?:[_.][a-z][^\W_]{0,40}){1,6})"  # query_cache_size, storage.full
    r"|(?P<kind>version|release|error|code|issue|ticket|port|rfc|status)[ #:]{1,3}"
    r"(?P<number>\d{1,6})"
    r")(?![\w-]|\.\d)",
    re.IGNORECASE,
)
_CODE_PART = re.compile(r"[a-z]+|\d+")
_OTHER_SCRIPT = re.compile("[^\\W\\d_\u0000-\u024f]")
# What has a form of its own: a text without one does not answer.
_FORM_ASKED = re.compile(
    r"\b(?P<phone>(?:phone|telephone|mobile|hotline|fax)(?: \w+)? numbers?)\b"
    r"|\b(?P<mail>e-?mail address(?:es)?)\b"
    r"|\b(?P<link>urls?|(?:web ?site|web address|home ?page) (?:of|for))\b"
    r"|\b(?P<price>prices?|salar(?:y|ies)|how much (?:do|does|is|are) .{1,60} costs?"
    r"|costs? (?:per|an?) (?:hour|day|week|month|year|user))\b",
    re.IGNORECASE,
)
_FORMS = {
    "phone": re.compile(
        r"(?<![\w./-])(?!(?:19|20)\d\d-\d)\+?\(?\d(?:[ ()–-]{0,3}\d){5,14}(?![\w/]|[.-]\w)"
        r"|\b\d\d(?:\.\d\d){3,5}\b|\bext(?:ension)?[. :]{1,2}\d",
        re.IGNORECASE,
    ),
    "mail": re.compile(
        r"[\w.+-]@[\w-]|\b\w+ ?[(\[]?\bat\b[)\]]? ?\w+ ?[(\[]?\bdot\b", re.IGNORECASE
    ),
    "link": re.compile(r"://|\bwww\.|\w\.[a-z]{2}|:\d{2,5}\b|(?:^|[\s`\"'])/\w", re.IGNORECASE),
    "price": re.compile(
        r"[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|dollars?|euros?|cents?|pounds?|francs?|yen)\b"
        r"|\b(?:gratis|no charge|per ?cent)\b|%"
        # Free of charge; not free software, free space or a free hand.
        r"|(?<!\bfeel )\bfree\b(?! (?:softwa|space|memory|disk|block|port|form|text|will|hand|of (?!cha)))"
        r"|\b(?:prices?|costs?|fees?|salary)\b[^\w\n]{1,5}\d",
        re.IGNORECASE,
    ),
}
_HOW_TO = re.compile(
    r"\bhow (?:do|can|to|would|should)\b|\bcommand\b|\bwie kann\b|\bcómo\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"^\W*(?:wh|how\b|is\b|are\b|do\b|does\b|did\b|can\b|may\b|must\b|should\b|will\b|has\b|have\b)"
    r"|[?？]\s*$",
    re.IGNORECASE,
)
_DOCUMENT = r"(?:documents?|runbook|manual|guide|page|paper|article|readme|faq|handbook)"
_TITLE = re.compile(
    rf"\b(?:name|title)s? of (?:\S+ ){{0,3}}{_DOCUMENT}\b|\b(?:which|what) (?:\S+ ){{0,2}}?{_DOCUMENT} (?!is\b"
    r"(?! about)|are\b|do\b|does\b|size|format|type|number)|\btitle of\b",
    re.IGNORECASE,
)
_DOCUMENT_WORD = re.compile(
    rf"{_DOCUMENT}|titles?|(?:explain|describe|cover|discusse|mention|contain|have|treat|read)s?",
    re.IGNORECASE,
)


_TIME_NOUN = re.compile(
    r"\b(?:what|which|qué) (year|date|day|month|century|decade|año|fecha|día|mes|siglo|década)\b",
    re.IGNORECASE,
)


def classify_question(question: str) -> AnswerType:
    """Return the type of answer that the question asks for."""
    for kind, pattern in _COMPILED:
        if pattern.search(question):
            return kind
    return AnswerType.ANYTHING


def strip_question_words(question: str) -> str:
    """Return the question without the question words of Chinese, Japanese and Korean.

    Elsewhere they are stop words; here they would make false word pairs with their neighbours, or
    carry endings that no list of words has.
    """
    return _KOREAN.sub(" ", _UNSPACED.sub(" ", question))


def type_evidence(kind: AnswerType, sentence: str, asked: frozenset[str]) -> float:
    """Return 1 when the sentence holds an answer of that type, -1 when not, 0 without a type.

    Args:
        kind: The expected type.
        sentence: A candidate, as the document has it.
        asked: The stems of the question; a name from the question does not count.
    """
    match kind:
        case AnswerType.ANYTHING:
            return 0.0
        case AnswerType.TIME:
            return 1.0 if _TIME.search(sentence) else -1.0
        case AnswerType.QUANTITY:
            return 1.0 if _QUANTITY.search(sentence) else -1.0
        case AnswerType.PERSON:
            return 1.0 if _has_new_name(sentence, asked) else -1.0
        case AnswerType.PLACE:
            if _PATH.search(sentence):
                return 1.0
            return 0.5 if _has_new_name(sentence, asked) else -0.5


def _has_new_name(sentence: str, asked: frozenset[str]) -> bool:
    return any(stem(name.casefold()) not in asked for name in _NAME.findall(sentence))


@dataclass(frozen=True, slots=True)
class NamedCode:
    """A version, number or name in a question that only a text about the same one answers."""

    itself: re.Pattern[str]
    """Matches it in casefolded text, with any separator."""
    alike: re.Pattern[str] | None
    """Matches it and others of its kind; None when they look like no others."""
    stems: frozenset[str]

    @classmethod
    def all_in(cls, text: str) -> "tuple[NamedCode, ...]":
        """Return those of a question."""
        return tuple(map(cls._of, _CODE.finditer(text.casefold())))

    @classmethod
    def _of(cls, found: re.Match[str]) -> "NamedCode":
        alike = None
        if code := found["version"]:
            itself = rf"(?<![\d.]){re.escape(code)}(?!\d)"
            alike = r"(?<![\w.])v?\d+(?:\.\d+)+"
        elif code := found["number"]:
            # "Version 9" is 9.6 too; an error or a port with a dot is another one.
            longer = "" if found["kind"] in {"version", "release"} else r"|\.\d"
            itself = rf"(?<![\w.])v?{code}(?!\w{longer})"
            alike = rf"\b{found['kind']}s?[ #:]{{1,3}}\d+"
        else:
            code = found["name"]
            parts = _CODE_PART.findall(code)
            itself = rf"(?<![^\W_]){'[-_./ ]?'.join(parts)}(?![^\W_])"
            if parts[-1].isdigit():
                kind = "[-_./ ]?".join([*parts[:-1], ""])
                alike = rf"(?<![^\W_]){kind}\d+(?![^\W_])"
        return cls(re.compile(itself), re.compile(alike) if alike else None, frozenset(stems(code)))

    def is_missing(self, unit: Unit, piece: PassageUnits) -> bool:
        """Return whether a unit of a passage that has it is about another one all the same."""
        shown = unit.shown.casefold()
        if self.stems <= unit.context | unit.asked | piece.place or self.itself.search(shown):
            return False
        is_entry = unit.kind in {BlockKind.ROW, BlockKind.ITEM}
        return is_entry or (self.alike is not None and self.alike.search(shown) is not None)


@dataclass(frozen=True, slots=True)
class AnalysedQuestion:
    """The words of a question."""

    stems: frozenset[str]
    terms: Mapping[str, float]
    """The stems that carry meaning, each with its weight: names and numbers weigh more."""
    pairs: frozenset[tuple[str, str]]
    """Stems side by side."""
    answer_type: AnswerType
    identifiers: frozenset[str] = frozenset()
    """Stems of numbers, codes, versions and abbreviations."""
    procedure: bool = False
    """Whether a command or a procedure is asked for."""
    title: bool = False
    """Whether a document is asked for, or its name."""
    form: re.Pattern[str] | None = None
    """What an answer must match: a telephone number, an e-mail address, a link or a price."""
    named: tuple[NamedCode, ...] = ()
    labels: tuple[NamedLabel, ...] = ()
    text: str = ""
    language: str = DEFAULT_LANGUAGE
    """Empty when the question is in another script."""

    @classmethod
    def of(cls, text: str) -> "AnalysedQuestion":
        """Return the analysis of a question."""
        bare = strip_question_words(text)
        tokens, sequence = words(bare), stems(bare)
        language = language_of(tokens)
        # A function word of one language is a noun in another.
        ignored = STOP_WORDS
        if language != DEFAULT_LANGUAGE:
            ignored = STOP_WORDS | FUNCTION_WORDS[language]
        every = list(zip(tokens, sequence, strict=True))
        content = [
            (word, stem)
            for word, stem in every
            if word not in ignored and (len(stem) > 1 or stem.isdigit())
        ]
        title = _TITLE.search(text) is not None
        if title:
            # What is called a manual need not have the word in it.
            content = [pair for pair in content if not _DOCUMENT_WORD.fullmatch(pair[0])] or content
        if noun := _TIME_NOUN.search(text):
            # "1856" answers "In what year ...?" without the word.
            other = [pair for pair in content if pair[0] != noun[1].casefold()]
            content = other or content
        named = {name for word in _NAME.findall(text[1:]) for name in stems(word)}
        codes = {name for word in _IDENTIFIER.findall(text) for name in stems(word)}
        kind = classify_question(text)
        form = _FORM_ASKED.search(text)
        terms = {
            stem: 1.0 + 0.5 * (stem in named) + 0.3 * stem[0].isdigit()
            for _, stem in content or every
        }
        return cls(
            frozenset(sequence),
            terms,
            frozenset(pairwise(sequence)),
            kind,
            frozenset(codes & terms.keys()),
            _is_procedural(text, kind),
            title,
            _FORMS[form.lastgroup or ""] if form else None,
            NamedCode.all_in(text),
            NamedLabel.all_in(text, asks_for_time=kind is AnswerType.TIME),
            text,
            "" if _OTHER_SCRIPT.search(text) else language,
        )


def _is_procedural(text: str, kind: AnswerType) -> bool:
    """Return whether a procedure is asked for: key words alone mostly do."""
    if _HOW_TO.search(text):
        return True
    return kind is AnswerType.ANYTHING and not _ASKS.search(text) and not _TITLE.search(text)
