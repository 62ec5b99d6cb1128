"""Detects threats, incitement, instructions for serious harm, and abuse in answers."""

import re
from dataclasses import dataclass

from trimtab.guardrails.guard import Subject
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.verdicts import SEVERITIES, Decision, Judgement
from trimtab.text.normalise import normalise
from trimtab.text.words import folded


@dataclass(frozen=True, slots=True)
class _Concern:
    name: str
    decision: Decision
    signs: tuple[str, ...]
    regex: re.Pattern[str]


def _concern(name: str, decision: Decision, signs: str, regex: str) -> _Concern:
    return _Concern(name, decision, tuple(signs.split("|")), re.compile(regex, re.IGNORECASE))


_PEOPLE = r"(?:women|men|jews|muslims|christians|immigrants|foreigners|refugees|gays|blacks|whites|asians|arabs|disabled people|they|them)"
_CONCERNS = (
    _concern(
        "threat",
        Decision.BLOCK,
        "kill|murder|hurt|beat|stab|shoot|rape|die|suffer|be shot",
        r"\bi(?:'ll| will| am going to|'m going to) (?:kill|murder|hurt|beat|stab|shoot|rape|find and hurt) (?:you|him|her|them|your)\b"
        r"|\byou (?:will|are going to|deserve to) (?:die|suffer|be killed|be shot)\b|\bkill yourself\b|\bgo die\b",
    ),
    _concern(
        "incitement",
        Decision.BLOCK,
        "kill all|exterminate|eradicate all|lynch all|gas all|deport all|vermin|subhuman|animals|parasites|eliminated|i hate",
        rf"\b(?:kill|exterminate|eradicate|lynch|gas|deport) all (?:the )?{_PEOPLE}\b"
        rf"|\b{_PEOPLE} (?:are|should be) (?:vermin|subhuman|animals|parasites|exterminated|eliminated)\b|\bi hate {_PEOPLE}\b",
    ),
    _concern(
        "serious_harm",
        Decision.BLOCK,
        "bomb|explosive device|nerve agent|sarin|ricin|anthrax weapon|methamphetamine|crystal meth",
        r"\b(?:here is how|here's how|steps? to|instructions? (?:for|to)|how to|first,? mix|to (?:build|make|synthesi[sz]e))\b[^.\n]{0,60}"
        r"\b(?:pipe ?bombs?|car bombs?|explosive devices?|nerve agents?|sarin|ricin|anthrax weapon\w*|dirty bombs?|methamphetamine|crystal meth)\b",
    ),
    _concern(
        "self_harm",
        Decision.BLOCK,
        "yourself|oneself|myself",
        r"\b(?:best|easiest|painless|effective) (?:way|method)s? to (?:kill|hang|harm|cut|poison) (?:yourself|oneself|myself)\b"
        r"|\byou should (?:kill|harm|cut|hurt) yourself\b",
    ),
    _concern(
        "abuse",
        Decision.WARN,
        "idiot|moron|imbecile|loser|retard|bitch|bastard|asshole|whore|shut up|fuck|go to hell|piece of shit",
        r"\byou(?:'re| are)? (?:such )?an? (?:complete |total |fucking |stupid |damn )*(?:idiot|moron|imbecile|loser|retard|bitch|bastard|asshole|whore)\b"
        r"|\b(?:shut up|fuck you|fuck off|go to hell|piece of shit)\b",
    ),
)  # fmt: skip


class EthicsGuard:
    """Blocks serious concerns and warns of abuse; disabled by ``ethics_check_enabled``."""

    name = "ethics"

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        """Judge by phrases that are matched by pattern."""
        if not rules.ethics_check_enabled:
            return Judgement(Decision.ALLOW, None, "switched off")
        found = _find_concerns(normalise(subject.text).text)
        if not found:
            return Judgement(Decision.ALLOW, 0.0)
        worst = max((concern.decision for concern in found), key=SEVERITIES.index)
        names = tuple(concern.name for concern in found)
        score = 1.0 if worst is Decision.BLOCK else 0.5
        return Judgement(worst, score, f"shows {', '.join(names)}", names)


def _find_concerns(text: str) -> list[_Concern]:
    plain = folded(text)
    return [
        concern
        for concern in _CONCERNS
        if any(sign in plain for sign in concern.signs) and concern.regex.search(text)
    ]
