"""Marks the sentences of an earnings call that an analyst or the operator speaks."""

import re
from collections.abc import Iterator, Sequence

_OPERATOR = re.compile(
    r"\bquestions? (?:today |will |now |is |comes? |coming |will come |that comes )*(?:from|go(?:es)? to)\b"
    r"|\bfrom the line of\b|\b(?:your|the) line (?:is|of .{0,40} is)\b"
    r"|\bline (?:is|of) .{0,40}\bopen\b|^\W*please (?:go ahead|proceed)\W*$|^\W*go ahead\W*$"
    r"|\bpress star\b|\bstar,? (?:then )?(?:one|1|two|2)\b|\bnext (?:question|caller)\b",
    re.IGNORECASE,
)
_QUESTIONS_BEGIN = re.compile(
    r"\bfirst question\b|\bquestions? (?:\w+ ){0,3}from\b|\bfrom the line of\b"
    r"|\bbegin (?:the|our) (?:question|q&a)|\bopen (?:the|up the|it up)?.{0,20}\bquestions\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:can|could|would|do|did|are|will|have) you\b"
    r"|\byou(?:'ve|'re)?(?: guys| all| just| also| have| had| kind of| really){0,2} (?:mention|said|say"
    r"|show|gave|give|talk|think|guid|highlight|expect|seeing|done|provided|indicat|comment|seem"
    r"|referenc)\w*"
    r"|\bjust (?:wondering|curious|trying|to (?:follow|clarify|make sure|confirm))"
    r"|\bi(?:'m| was| am)? (?:wonder|curious)\w*|\bfollow[- ]?up\b"
    r"|\bmy (?:first|second|next|last|other|question)"
    r"|\b(?:quick|first|second|last|another|next|final) (?:one|question)\b"
    r"|\bhow (?:should|do|would|much|many) (?:we|i|you)\b|\bif i (?:heard|look|think|take)\b"
    r"|\bcongrat\w*|\bthanks for (?:taking|the)\b|\bcolor (?:on|around)\b",
    re.IGNORECASE,
)
_YOURS = re.compile(r"\b(?:your|you guys|y'all)\b", re.IGNORECASE)
_OURS = re.compile(r"\b(?:our|ours|we|we're|we've|we'll|us)\b", re.IGNORECASE)
_THANKS = re.compile(
    r"^\W*(?:okay|ok|great|thanks|thank you|perfect|got it|understood|alright|all right|hi|hey|hello"
    r"|good (?:morning|afternoon))\b",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"\bthank you for|\byour (?:question|interest|time|patience|attention|continued|participation"
    r"|telephone|keypad|questions|host|conference)",
    re.IGNORECASE,
)
_SAYS_YOU = re.compile(
    r"\byou (?:said|mentioned|showed|gave|guided|heard)|\bif i heard|\byou've done|\bdo you\b|\bdid you\b",
    re.IGNORECASE,
)
_LONGEST_OPERATOR = 260
_LONGEST_TURN = 10
"""Sentences after which an analyst's turn is over: transcripts lose question marks."""


def outsider_sentences(sentences: Sequence[str]) -> tuple[bool, ...]:
    """Return for each sentence whether somebody outside the management says it.

    Transcripts without speakers are followed as turns: the operator opens an analyst's turn, a
    question ends it, and words of thanks or of asking open another one.
    """
    return tuple(_turns(sentences))


def _turns(sentences: Sequence[str]) -> Iterator[bool]:
    begun = asked = False
    turn = 0  # Sentences of the analyst's turn so far; 0 while the management speaks.
    for sentence in sentences:
        begun = begun or (
            len(sentence) < _LONGEST_OPERATOR and bool(_QUESTIONS_BEGIN.search(sentence))
        )
        if len(sentence) < _LONGEST_OPERATOR and _OPERATOR.search(sentence):
            turn, asked = int(begun), False
            yield True
            continue
        question = sentence.rstrip().endswith("?")
        if turn and _ends_turn(sentence, turn, asked=asked, question=question):
            turn = 0
        elif turn:
            turn += 1
        elif begun and _opens_turn(sentence, question=question):
            turn, asked = 1, False
        asked = asked or question
        yield bool(turn) or _asks(sentence, question=question)


def _ends_turn(sentence: str, turn: int, *, asked: bool, question: bool) -> bool:
    if question or _ASKS.search(sentence) or _YOURS.search(sentence):
        return False
    if asked or turn >= _LONGEST_TURN:
        return True
    return len(sentence) > 60 and _OURS.search(sentence) is not None and turn > 1


def _opens_turn(sentence: str, *, question: bool) -> bool:
    if not _ASKS.search(sentence) or _COURTESY.search(sentence):
        return False
    return question or bool(_THANKS.search(sentence)) or bool(_YOURS.search(sentence))


def _asks(sentence: str, *, question: bool) -> bool:
    """Return whether a sentence alone reads like an analyst's."""
    if question:
        return True
    ours = _OURS.search(sentence) is not None
    if _YOURS.search(sentence) and not _COURTESY.search(sentence):
        return not ours or _ASKS.search(sentence) is not None
    return not ours and _SAYS_YOU.search(sentence) is not None
