"""Separates guidance from results by the verbs and nouns of the clause."""

import re

_GUIDANCE = re.compile(
    r"\b(?:expect(?:s|ing|ation|ations)?|(?:is|are|was|were|been) (?:now )?expected|expected to|anticipat\w+"
    r"|guidance|guid(?:e|ed|ing)(?!\s+book)|outlook|forecast\w*|project(?:s|ing|ed|ion|ions)\b|target(?:s|ed|ing)?|estimat\w+"
    r"|plan(?:s|ning|ned)? (?:to|on|for)|plan for|will|won't|would|should|could|going to|gonna|aim(?:s|ing)?|aspir\w+|intend\w*"
    r"|looking (?:for|at|to)|on track|goal|commit(?:ted|ment) to|next (?:year|quarter|fiscal)|by year[- ]end|going forward"
    r"|remain confident|we see|we'll|that'll|it'll|they'll|likely|might|may|assum\w+|reiterat\w+|over the next|long[- ]term|medium[- ]term"
    r"|through 20[23]\d|potential\w*|budget\w*|need for|initiat\w+ guidance|run[- ]rate of)\b",
    re.IGNORECASE,
)
_NOT_GUIDANCE = re.compile(
    r"\b(?:(?:exceed\w*|above|beat\w*|better than|ahead of|in line with|below|consistent with|than|versus|surpass\w*|against|met|meeting"
    r"|beyond|short of) (?:(?:our|the|my|original|initial|prior|internal|market|own|consensus|high end of|low end of|midpoint of|previous|previously|we|we'd|we had|had|all|even|of) ){0,4}"
    r"(?:expect\w*|guidance|target\w*|outlook|forecast\w*|plan\w*|anticipat\w*|estimates?|goal)"
    r"|as (?:we )?(?:expected|anticipated|planned|projected)|than (?:we )?(?:expected|anticipated)"
    r"|would (?:like to|have been|note|say|remind)|will (?:recall|remember|note|see|hear|discuss|now|also discuss|turn|hand|begin|start)"
    r"|target(?:ed)? (?:range|level|levels|audience|markets?)|(?:well )?above (?:our )?target|at or better than target|at target"
    r"|in estimated|project (?:team|manager)|capital projects?|the projects?|may recall|should note|let me|we see here|you(?:'ll| will| can| may)? (?:see|recall|note|remember))\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:was|were|had|reported|grew|rose|fell|declined|decreased|increased|came in|totaled|totalled|generated|delivered|achieved|ended"
    r"|finished|recorded|reached|repurchased|paid|returned|saw|posted|improved|spent|invested|received|completed|drove|dropped|gained"
    r"|has (?:been|shipped|grown|increased|declined)|have (?:been|seen|grown|reduced|delivered|completed)|added|contributed|announced|became|launched)\b",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"[;:]|,\s+(?:which|while|but|and|with|compared|reflecting|driven|versus|so|as|excluding|including)\b|\b(?:but|while|whereas|compared (?:to|with)|which)\b|\band (?:we|our|the|that|going|now|is|are|in|for)\b",
    re.IGNORECASE,
)


def is_guidance(text: str, start: int, end: int, *, inherited: bool = False) -> bool:
    """Return whether the amount ``text[start:end]`` lies in the future or is a plan.

    Args:
        text: The sentence.
        start: Offset of the amount.
        end: Offset after it.
        inherited: The nature of the sentence before, for a sentence without a verb that tells.
    """
    masked = _NOT_GUIDANCE.sub(lambda match: "_" * len(match[0]), text)
    left, right = _clause(masked, start, end)
    cue = _last(_GUIDANCE, masked, left, start)
    past = _last(_PAST, masked, left, start)
    if cue >= 0 or past >= 0:
        return cue > past or (cue >= 0 and _passive(masked, cue, past))
    if _GUIDANCE.search(masked, end, right):
        return True
    if _PAST.search(masked, end, right):
        return False
    cue, past = _last(_GUIDANCE, masked, 0, left), _last(_PAST, masked, 0, left)
    if cue >= 0 or past >= 0:
        return cue > past
    return inherited and not _GUIDANCE.search(masked, right) and not _PAST.search(masked, right)


def _passive(text: str, cue: int, past: int) -> bool:
    """Return whether the past verb only carries the cue: "we have increased our target to"."""
    return (
        0 <= past - cue <= 40
        and re.search(r"\b(?:guidance|outlook|target|range)\b", text[cue:past]) is not None
    )


def _last(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    position = -1
    for match in pattern.finditer(text, start, end):
        position = match.start()
    return position


def _clause(text: str, start: int, end: int) -> tuple[int, int]:
    left, right = 0, len(text)
    for match in _SPLIT.finditer(text):
        if match.end() <= start:
            left = match.start()
        elif match.start() >= end:
            right = match.start()
            break
    return left, right
