"""Generates training examples: attacks and everyday requests in twenty-four languages.

The licensed sets are almost entirely English and have few harmless requests with the words of
attacks. Without these examples the classifier flags every "ignore" and misses attacks in German.
"""

import random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.guardrails.injection import grammar

GRAMMAR = 4_000
"""Number of attacks from the grammar; the number of harmless texts is the same."""
ROLE_PLAYS = 2_000
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """Training text with its label: attack or harmless."""

    text: str
    attack: bool


def examples(seed: int = 7, tasks: int = 9_000, attacks_per_language: int = 220) -> list[Example]:
    """Generate the examples, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - reproducible examples, not secrets.
    phrases = tomllib.loads((_FOLDER / "phrases.toml").read_text(encoding="utf-8"))
    everyday = tomllib.loads((_FOLDER / "tasks.toml").read_text(encoding="utf-8"))
    benign = [task(rng, everyday) for _ in range(tasks)]
    benign += [hard(rng, everyday) for _ in range(tasks // 2)]
    benign += [with_material(rng, everyday) for _ in range(tasks // 3)]
    plays = role_plays(everyday, seed, ROLE_PLAYS)
    benign += grammar.harmless(seed, GRAMMAR, benign[:tasks])
    found = [Example(text, attack=False) for text in dict.fromkeys((*benign, *plays))]
    found += [Example(text, attack=True) for text in grammar.attacks(seed, GRAMMAR, benign[:tasks])]
    for language in phrases.values():
        attacks = [attack(rng, language, benign) for _ in range(attacks_per_language)]
        found += [Example(text, attack=True) for text in dict.fromkeys(attacks)]
        found += [Example(text, attack=False) for text in _harmless(rng, language["benign"])]
    return found


def task(rng: random.Random, everyday: Mapping[str, Any]) -> str:
    """Generate an everyday request to an assistant."""
    first, second = rng.sample(everyday["topics"], 2)
    text = rng.choice(everyday["templates"])
    text = text.replace("{form}", rng.choice(everyday["forms"])).replace("{t}", first)
    return str(text.replace("{u}", second).replace("{n}", str(rng.randint(2, 10))))


def with_material(rng: random.Random, everyday: Mapping[str, Any]) -> str:
    """Generate a request followed by the material that it is about."""
    first = rng.choice(everyday["carriers"]) if rng.random() < 0.7 else task(rng, everyday)
    parts = [first, *rng.sample(everyday["inputs"], rng.choice((1, 1, 2)))]
    return rng.choice(("\n", "\n\n", " ")).join(parts)


def role_plays(everyday: Mapping[str, Any], seed: int, count: int) -> list[str]:
    """Generate long harmless role plays, in the frames that jailbreaks borrow."""
    rng = random.Random(seed)  # noqa: S311 - as above.
    parts = tomllib.loads((_FOLDER / "roleplays.toml").read_text(encoding="utf-8"))
    found = []
    for _ in range(count):
        kinds = ["openings", *["parts"] * rng.randint(0, 3), "wishes"]
        kinds += ["caveats"] * (rng.random() < 0.6)
        text = rng.choice((" ", " ", "\n\n")).join(rng.choice(parts[kind]) for kind in kinds)
        for slot, names in (("{r}", parts["roles"]), ("{w}", parts["worlds"])):
            text = text.replace(slot, rng.choice(names))
        text = text.replace("{t}", rng.choice(everyday["topics"]))
        found.append(text.replace("{n}", str(rng.randint(2, 10))))
    return found


def hard(rng: random.Random, everyday: Mapping[str, Any]) -> str:
    """Generate a harmless sentence with the words of an attack."""
    text = rng.choice(everyday["hard"]).replace("{w}", rng.choice(everyday["warnings"]))
    return str(text.replace("{c}", rng.choice(everyday["contexts"])))


def attack(rng: random.Random, language: Mapping[str, Any], benign: list[str]) -> str:
    """Generate an attack in one language, alone or next to harmless text."""
    kind = rng.random()
    if kind < 0.35:
        text = rng.choice(language["override"]).replace(
            "{o}", rng.choice(language["override_objects"])
        )
        text += f" {rng.choice(language['then'])}" if rng.random() < 0.5 else ""
    elif kind < 0.6:
        text = rng.choice(language["reveal"]).replace("{o}", rng.choice(language["reveal_objects"]))
    else:
        text = rng.choice(language["attack"])
    text = _add_context(rng, text, language["benign"] or benign)
    style = rng.random()
    return text.upper() if style < 0.05 else text.lower() if style < 0.15 else text


def email_sentences(half: int | None = None, seed: int = 11, count: int = 3_000) -> list[str]:
    """Generate lines of ordinary e-mails, the same for the same seed.

    Args:
        half: 0 or 1 uses every second phrase, so that the other half stays unseen; None uses all.
        seed: Seed of the random choices.
        count: Number of sentences; subjects, greetings and closings are added.
    """
    rng = random.Random(seed)  # noqa: S311 - as above.
    parts = _email_parts(half)
    found = [_email_part(rng, parts, "sentences") for _ in range(count)]
    for kind, before in (("subjects", "Subject: "), ("greetings", ""), ("closings", "")):
        found += [before + _email_part(rng, parts, kind) for _ in range(count // 15)]
    return [line for text in found for line in text.split("\n")]


def emails(half: int | None = None, seed: int = 12, count: int = 400) -> list[str]:
    """Generate whole e-mails without instructions to an assistant."""
    rng = random.Random(seed)  # noqa: S311 - as above.
    parts = _email_parts(half)
    found = []
    for _ in range(count):
        body = [_email_part(rng, parts, "sentences") for _ in range(rng.randint(3, 9))]
        subject, greeting, closing = (
            _email_part(rng, parts, name) for name in ("subjects", "greetings", "closings")
        )
        text = rng.choice((" ", "\n", "\n\n")).join(body)
        found.append(f"Subject: {subject}\n\n{greeting}\n\n{text}\n\n{closing}")
    return found


def _email_parts(half: int | None) -> dict[str, Any]:
    parts = tomllib.loads((_FOLDER / "emails.toml").read_text(encoding="utf-8"))
    return parts if half is None else parts | {"sentences": parts["sentences"][half::2]}


def _email_part(rng: random.Random, parts: Mapping[str, Any], kind: str) -> str:
    text = str(rng.choice(parts[kind]))
    for slot, name in (("{p}", "people"), ("{c}", "companies"), ("{t}", "topics"), ("{d}", "days")):
        text = text.replace(slot, rng.choice(parts[name]))
    return text.replace("{n}", str(rng.randint(11, 9999)))


def _add_context(rng: random.Random, text: str, context: list[str]) -> str:
    """Return the attack alone, or before or after harmless text."""
    position = rng.random()
    if position < 0.25:
        return f"{rng.choice(context)} {text}"
    return f"{text}\n{rng.choice(context)}" if position < 0.35 else text


def _harmless(rng: random.Random, sentences: list[str]) -> Iterator[str]:
    yield from sentences
    for _ in range(6 * len(sentences)):
        yield " ".join(rng.sample(sentences, 2))
