"""The passages, vectors and questions that all engines of ``benchmarks.knowledge`` get.

Real text from this repository's pages and licence is embedded with the product's model; more passages
are made by blending two real vectors with a little noise, and joining two real sentences. So vectors
keep the clusters of real ones, and words their real frequencies, at any size.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

ROOT = Path(__file__).parent.parent
PROJECTS = 20
QUERIES = 200
NOISE = 0.02


@dataclass(frozen=True)
class Data:
    """Passages and questions, and ``asked``: the project of each question."""

    vectors: np.ndarray
    projects: np.ndarray
    texts: list[str]
    queries: np.ndarray
    questions: list[str]
    terms: list[list[str]]
    asked: np.ndarray

    def save(self, folder: Path) -> None:
        np.savez(
            folder / "vectors.npz",
            vectors=self.vectors,
            projects=self.projects,
            queries=self.queries,
            asked=self.asked,
        )
        words = {"texts": self.texts, "questions": self.questions, "terms": self.terms}
        (folder / "texts.json").write_text(json.dumps(words))

    @classmethod
    def load(cls, folder: Path) -> "Data":
        arrays = np.load(folder / "vectors.npz")
        words = json.loads((folder / "texts.json").read_text())
        return cls(
            arrays["vectors"],
            arrays["projects"],
            words["texts"],
            arrays["queries"],
            words["questions"],
            words["terms"],
            arrays["asked"],
        )


def sentences() -> list[str]:
    """Return the sentences of the repository's pages, 6 to 60 words each."""
    pages = [
        ROOT / "LICENSE",
        *sorted(ROOT.glob("library/*.md")),
        *sorted(ROOT.glob("docs/**/*.md")),
    ]
    text = "\n\n".join(page.read_text("utf-8") for page in pages)
    parts = {" ".join(part.split()) for part in re.split(r"(?<=[.!?])\s+|\n\s*\n", text)}
    return sorted(part for part in parts if 6 <= len(part.split()) <= 60)


def make(count: int, embed, telling) -> Data:
    """Return ``count`` passages in equal projects and ``QUERIES`` questions, the same each time.

    ``telling`` returns the words of a question without function words: no engine gets those.
    """
    chance, rng = Random(1), np.random.default_rng(1)
    real = sentences()
    rows = np.concatenate([embed(real[at : at + 64]) for at in range(0, len(real), 64)])
    first, second = (rng.integers(0, len(real), count) for _ in range(2))
    blend = rng.uniform(0.3, 0.7, (count, 1)).astype(np.float32)
    vectors = blend * rows[first] + (1 - blend) * rows[second]
    vectors += rng.normal(0, NOISE, vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [f"{real[one]} {real[two]}" for one, two in zip(first, second, strict=True)]
    asked = [chance.randrange(count) for _ in range(QUERIES)]
    questions = [" ".join(chance.choice(texts[at].split(". ")).split()[:10]) for at in asked]
    queries = np.concatenate([embed(questions[at : at + 64]) for at in range(0, QUERIES, 64)])
    projects = np.arange(count) % PROJECTS
    terms = [telling(question) for question in questions]
    return Data(vectors, projects, texts, queries, questions, terms, projects[asked])
