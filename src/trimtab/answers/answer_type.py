# ruff: noqa: RUF001 - question words of several languages.
"""Expected answer type of a question, and evidence for it in a sentence."""

import re
from enum import StrEnum

from trimtab.text.words import stem


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
            r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century"
            r"|decade|time)\b|\bsince when\b"
            r"|\bwann\b|\bcuándo\b|\bquand\b|\bquando\b|\bwanneer\b|\bkiedy\b|\bкогда\b|什么时候|哪年"
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
            r"|\bwie ?(?:viele?|lange|oft|hoch)\b|\bcuánt[oa]s?\b|\bcombien\b"
            r"|\bquant[oiae]s?\b|\bhoeveel\b|\bсколько\b"
            r"|多少|几个"
        ),
    ),
    (
        AnswerType.PERSON,
        (
            r"\bwho(?:m|se)?\b|\bwer\b|\bwem\b|\bwen\b|\bquién(?:es)?\b"
            r"|\bqui\b|\bchi\b|\bquem\b|\bкто\b|谁"
        ),
    ),
    (
        AnswerType.PLACE,
        (
            r"\bwhere\b|\b(?:what|which) (?:city|country|state|town|place"
            r"|location|continent|region)\b"
            r"|\bwo\b|\bdónde\b|\boù\b|\bdove\b|\bonde\b|\bwaar\b|\bгде\b|哪里"
        ),
    ),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _QUESTIONS)

_UNSPACED = re.compile(
    "什么时候|什么|哪一?[年里个]|多少|几个|如何|怎么样?|为什么|是否|请问|吗|呢|いつ|どこ|だれ|何"
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
_NAME = re.compile(r"(?<![.!?:\"“] )(?<!^)\b[A-ZÀ-ÖØ-ÞА-Я][\w’'-]+|[\u4e00-\u9fff]{2,}")


def classify_question(question: str) -> AnswerType:
    """Return the type of answer that the question asks for."""
    for kind, pattern in _COMPILED:
        if pattern.search(question):
            return kind
    return AnswerType.ANYTHING


def strip_question_words(question: str) -> str:
    """Return the question without the question words of scripts that put no space between words.

    Elsewhere they are stop words; here they would make false word pairs with their neighbours.
    """
    return _UNSPACED.sub(" ", question)


def type_evidence(kind: AnswerType, sentence: str, asked: frozenset[str]) -> float:
    """Return 1 when the sentence holds an answer of that type, -1 when not, 0 without a type.

    Args:
        kind: The expected type.
        sentence: A candidate, as it stands in the document.
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
