# ruff: noqa: RUF001 - attacks in several languages.
"""Patterns of phrases that are attacks in any context.

Each pattern is deliberately narrow: text that only mentions instructions is left to the classifier.
A pattern needs a verb of overriding or revealing and, as its object, the instructions of the
assistant.
"""

import re
from dataclasses import dataclass

from trimtab.text.words import folded


@dataclass(frozen=True, slots=True)
class Pattern:
    """Named pattern of an attack, with the substrings of its prefilter."""

    name: str
    signs: tuple[str, ...]
    regex: re.Pattern[str]


def _pattern(name: str, signs: tuple[str, ...], regex: str) -> Pattern:
    return Pattern(name, signs, re.compile(regex, re.IGNORECASE))


PATTERNS = (
    _pattern(
        "override",
        ("ignore", "disregard", "forget", "override", "bypass", "follow", "discard", "neglect"),
        r"\b(?:ignore|disregard|forget|override|bypass|do not follow|don't follow|stop following|discard|neglect)\b"
        r"(?: (?:all|any|the|your|my|of|these|those|every|everything|about|to))* ?"
        r"(?:(?:previous|prior|above|earlier|preceding|foregoing|initial|original|existing|past|system|safety)\W+)+"
        r"(?:(?:and|or|system|safety|set of|user) )*"
        r"(?:instructions?|directions?|directives?|prompts?|rules?|guidelines?|commands?|orders?|messages?|programming"
        r"|training|restrictions?|constraints?|policies|assignments?|tasks?)\b",
    ),
    _pattern(
        "override_told",
        ("ignore", "disregard", "forget"),
        r"\b(?:ignore|disregard|forget)\b[^.?!\n]{0,20}\b(?:everything|all|anything|what)\b[^.?!\n]{0,20}"
        r"\b(?:you were|you have been|i|you've been|we)\b ?(?:told|given|instructed|taught|said|wrote)\b",
    ),
    _pattern(
        "reveal",
        ("prompt", "message", "instruction"),
        r"\b(?:reveal|show|print|output|repeat|display|leak|dump|expose|disclose|tell me|give me|recite|what (?:is|are|was|were))\b"
        r"[^.?!\n]{0,25}\byour\b[^.?!\n]{0,15}"
        r"(?:system (?:prompt|message|instructions?)|hidden (?:prompt|instructions?)|(?:initial|original|secret|internal) (?:prompt|instructions?))\b",
    ),
    _pattern(
        "persona",
        (
            "you are now",
            "you are going to be",
            "you are from now on",
            "do anything now",
            "dan mode",
        ),
        r"\byou are (?:now|going to be|from now on)\b[^.?!\n]{0,40}\b(?:dan|jailbroken|unrestricted|unfiltered|uncensored"
        r"|evil|without (?:any )?(?:restrictions?|rules|limits|filters?|ethics))\b|\bdo anything now\b|\bDAN mode\b",
    ),
    _pattern(
        "developer_mode",
        (" mode",),
        r"\b(?:enable|enter|activate|switch to|you are (?:now )?in)\b[^.?!\n]{0,15}\b(?:developer|debug|god|sudo|jailbreak|unrestricted) mode\b"
        r"[^.?!\n]{0,60}\b(?:you|your|ai|assistant|chatgpt|filter|policy|restrictions?)\b",
    ),
    _pattern(
        "chat_markup",
        ("<|", "inst]", "<<sys>>", "###", "system", "assistant"),
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|\[/?INST\]|<<SYS>>|###\s*(?:system|new) (?:prompt|instructions?)\b"
        r"|^\s*(?:system|assistant)\s*:\s*(?:you|ignore|override)\b",
    ),
    _pattern(
        "several_languages",
        (
            *(
                "ignor",
                "vergiss",
                "vergessen sie",
                "missacht",
                "oubli",
                "olvid",
                "haz caso omiso",
                "dimentica",
            ),
            *(
                "esqueça",
                "desconsidere",
                "игнорируй",
                "забудь",
                "忽",
                "忘",
                "无视",
                "無視",
                "무시",
                "잊",
            ),
        ),
        r"\b(?:ignorier\w*|vergiss|vergessen sie|missacht\w*)\b[^.?!\n]{0,25}\b(?:vorherig|bisherig|obig|vorangegangen|früher|system)\w* ?"
        r"(?:anweisung|instruktion|regel|befehl|richtlinie|prompt|vorgabe)"
        r"|\b(?:ignorier\w*|vergiss|vergessen sie)\b[^.?!\n]{0,5}\balles\b[^.?!\n]{0,25}\b(?:davor|zuvor|vorher|bisher)"
        r"|\b(?:ignore[rz]?|oublie[rz]?)\b[^.?!\n]{0,25}\b(?:instructions?|consignes?|règles|directives?)\b[^.?!\n]{0,15}\b(?:précédent|antérieur|ci-dessus|système)\w*"
        r"|\b(?:ignor[ae]|olvid[ae]|haz caso omiso)\b[^.?!\n]{0,25}\b(?:instrucciones|indicaciones|reglas|órdenes)\b[^.?!\n]{0,15}\b(?:anterior|previa|de arriba|del sistema)\w*"
        r"|\b(?:ignor[ae]|dimentica)\b[^.?!\n]{0,25}\b(?:istruzioni|indicazioni|regole|ordini)\b[^.?!\n]{0,15}\b(?:precedent|sopra|di sistema)\w*"
        r"|\b(?:ignore|esqueça|desconsidere)\b[^.?!\n]{0,25}\b(?:instruções|orientações|regras|ordens)\b[^.?!\n]{0,15}\b(?:anterior|acima|do sistema)\w*"
        r"|(?:игнорируй|забудь|игнорируйте|забудьте)[^.?!\n]{0,25}(?:предыдущ|прежн|указан\w+ выше|системн)\w* ?"
        r"(?:инструкц|указани|правил|команд|директив|сообщени)"
        r"|(?:忽略|忘记|忘掉|无视|忽視|忽视)[^。？！\n]{0,10}(?:之前|以上|上面|先前|前面|系统)[^。？！\n]{0,10}(?:指令|指示|提示|规则|内容|命令)"
        r"|(?:これまで|上記|以前|前)の?[^。？！\n]{0,8}(?:指示|命令|ルール|プロンプト)[^。？！\n]{0,8}(?:無視|忘れ)"
        r"|(?:이전|위의|앞의|기존)[^.?!\n]{0,12}(?:지시|명령|규칙|지침)[^.?!\n]{0,8}(?:무시|잊)",
    ),
)


def matches(text: str) -> tuple[str, ...]:
    """Return the names of the patterns that match the normalised text."""
    plain = folded(text)
    return tuple(
        pattern.name
        for pattern in PATTERNS
        if any(sign in plain for sign in pattern.signs) and pattern.regex.search(text)
    )
