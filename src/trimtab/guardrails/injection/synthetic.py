"""Training examples made from our own phrases: attacks and everyday requests in twenty-four languages.

The licensed sets are almost wholly English and hold few requests with the words that attacks use; without these
examples the classifier takes "ignore" for an attack and a German attack for harmless.
"""

import random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.guardrails.injection import grammar

GRAMMAR = 4_000
"""Attacks from the grammar, and as many harmless texts."""
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """A text and whether it is an attack."""

    text: str
    attack: bool


def examples(seed: int = 7, tasks: int = 9_000, attacks_per_language: int = 220) -> list[Example]:
    """Return the examples, the same for the same seed."""
    pick = random.Random(seed)  # noqa: S311 - reproducible examples, not secrets.
    phrases = tomllib.loads((_HERE / "phrases.toml").read_text(encoding="utf-8"))
    everyday = tomllib.loads((_HERE / "tasks.toml").read_text(encoding="utf-8"))
    benign = [task(pick, everyday) for _ in range(tasks)]
    benign += [hard(pick, everyday) for _ in range(tasks // 2)]
    benign += [with_material(pick, everyday) for _ in range(tasks // 3)]
    benign += grammar.harmless(seed, GRAMMAR, benign[:tasks])
    found = [Example(text, attack=False) for text in dict.fromkeys(benign)]
    found += [Example(text, attack=True) for text in grammar.attacks(seed, GRAMMAR, benign[:tasks])]
    for language in phrases.values():
        attacks = [attack(pick, language, benign) for _ in range(attacks_per_language)]
        found += [Example(text, attack=True) for text in dict.fromkeys(attacks)]
        found += [Example(text, attack=False) for text in _harmless(pick, language["benign"])]
    return found


def task(pick: random.Random, everyday: Mapping[str, Any]) -> str:
    """Return an everyday request."""
    first, second = pick.sample(everyday["topics"], 2)
    text = pick.choice(everyday["templates"])
    text = text.replace("{form}", pick.choice(everyday["forms"])).replace("{t}", first)
    return str(text.replace("{u}", second).replace("{n}", str(pick.randint(2, 10))))


def with_material(pick: random.Random, everyday: Mapping[str, Any]) -> str:
    """Return a request followed by what it is about."""
    first = pick.choice(everyday["carriers"]) if pick.random() < 0.7 else task(pick, everyday)
    parts = [first, *pick.sample(everyday["inputs"], pick.choice((1, 1, 2)))]
    return pick.choice(("\n", "\n\n", " ")).join(parts)


def hard(pick: random.Random, everyday: Mapping[str, Any]) -> str:
    """Return a harmless sentence with the words of an attack."""
    text = pick.choice(everyday["hard"]).replace("{w}", pick.choice(everyday["warnings"]))
    return str(text.replace("{c}", pick.choice(everyday["contexts"])))


def attack(pick: random.Random, language: Mapping[str, Any], benign: list[str]) -> str:
    """Return an attack: override, reveal or a whole sentence, alone or after a harmless one."""
    kind = pick.random()
    if kind < 0.35:
        text = pick.choice(language["override"]).replace(
            "{o}", pick.choice(language["override_objects"])
        )
        text += f" {pick.choice(language['then'])}" if pick.random() < 0.5 else ""
    elif kind < 0.6:
        text = pick.choice(language["reveal"]).replace(
            "{o}", pick.choice(language["reveal_objects"])
        )
    else:
        text = pick.choice(language["attack"])
    text = _placed(pick, text, language["benign"] or benign)
    style = pick.random()
    return text.upper() if style < 0.05 else text.lower() if style < 0.15 else text


def email_sentences(half: int | None = None, seed: int = 11, count: int = 3_000) -> list[str]:
    """Return lines of ordinary e-mails, the same for the same seed.

    Args:
        half: 0 or 1 takes the sentences from every second phrase, so that the other half stays unseen; None takes all.
        seed: Chooses the phrases and what fills them.
        count: How many sentences; subjects, greetings and closings come on top.
    """
    pick = random.Random(seed)  # noqa: S311 - as above.
    parts = _email_parts(half)
    found = [_email_part(pick, parts, "sentences") for _ in range(count)]
    for kind, before in (("subjects", "Subject: "), ("greetings", ""), ("closings", "")):
        found += [before + _email_part(pick, parts, kind) for _ in range(count // 15)]
    return [line for text in found for line in text.split("\n")]


def emails(half: int | None = None, seed: int = 12, count: int = 400) -> list[str]:
    """Return whole e-mails without any order in them."""
    pick = random.Random(seed)  # noqa: S311 - as above.
    parts = _email_parts(half)
    found = []
    for _ in range(count):
        body = [_email_part(pick, parts, "sentences") for _ in range(pick.randint(3, 9))]
        subject, greeting, closing = (
            _email_part(pick, parts, name) for name in ("subjects", "greetings", "closings")
        )
        text = pick.choice((" ", "\n", "\n\n")).join(body)
        found.append(f"Subject: {subject}\n\n{greeting}\n\n{text}\n\n{closing}")
    return found


def _email_parts(half: int | None) -> dict[str, Any]:
    parts = tomllib.loads((_HERE / "emails.toml").read_text(encoding="utf-8"))
    return parts if half is None else parts | {"sentences": parts["sentences"][half::2]}


def _email_part(pick: random.Random, parts: Mapping[str, Any], kind: str) -> str:
    text = str(pick.choice(parts[kind]))
    for slot, name in (("{p}", "people"), ("{c}", "companies"), ("{t}", "topics"), ("{d}", "days")):
        text = text.replace(slot, pick.choice(parts[name]))
    return text.replace("{n}", str(pick.randint(11, 9999)))


def _placed(pick: random.Random, text: str, around: list[str]) -> str:
    """Return the attack alone, after harmless text, or before it."""
    place = pick.random()
    if place < 0.25:
        return f"{pick.choice(around)} {text}"
    return f"{text}\n{pick.choice(around)}" if place < 0.35 else text


def _harmless(pick: random.Random, sentences: list[str]) -> Iterator[str]:
    yield from sentences
    for _ in range(6 * len(sentences)):
        yield " ".join(pick.sample(sentences, 2))
