"""Fits the weight of vectors for a project, by asking its own passages.

A probe takes one sentence out of a passage: the sentence is the query, and the passage without it
the only right answer (the inverse cloze task of Lee, Chang and Toutanova, "Latent Retrieval for
Weakly Supervised Open Domain Question Answering", ACL 2019). The sentence cannot be found by its
own words, so keywords get no undue advantage. No labelled data is needed.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.embedding import Vectors
from trimtab.knowledge.index import analysed, query_terms
from trimtab.knowledge.ranking.hybrid import (
    DEFAULT_MEANING,
    Candidates,
    SearchableIndex,
    candidates,
)
from trimtab.text.analysis import UNSPACED

MAX_PROBES = 150
FEWEST_PROBES = 5

# A space follows a full stop, but not in Chinese and Japanese.
_SENTENCE_END = re.compile(
    r"(?<=[.!?\u2026\u0964\u061f\u06d4])\s+|(?<=[\u3002\uff01\uff1f])\s*|\n+"
)
# Two characters of a script without spaces count as a word.
_WORD = re.compile(rf"[{UNSPACED}]{{1,2}}|[^\W_{UNSPACED}]+")
_FEWEST_WORDS, _MAX_WORDS = 4, 25
_GRID = np.linspace(0.0, 1.0, 21)
# Differences below this are chance at 150 probes: the middle of all such shares is taken.
_PLATEAU = 0.01
# A passage's own sentence is easier than a person's question, and the choice of sentences moves
# the result by 0.1 to 0.2. A third of the way from the default share beat half, all, and none.
_TRUST = 1 / 3
# Vectors find the passage of a sentence more easily than that of a question: only when they find
# more than this many times what words find does the share go above the usual one.
_FLATTERED = 1.5
# With fewer probes the middle of the plateau is chance; they only show a share that is clearly bad.
_FEWEST_TO_LEAN = 20
# A share is clearly bad when it loses this number of standard errors or more against the best one.
_ERRORS = 2.0


Embed = Callable[[Sequence[str]], Vectors]
"""Returns one unit vector for each text."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The share of meaning that a project's own passages ask for."""

    meaning: float
    """0 (words alone) to 1 (meaning alone); the default when there were too few probes."""
    probes: int
    words_quality: float
    """Mean of 1 / log2(1 + rank) of the right passage by words alone, 0 to 1 ..."""
    meaning_quality: float
    """... by meaning alone ..."""
    fused_quality: float
    """... and at the best share."""
    passages: int
    """How many passages the project had."""

    def outgrown(self, passages: int) -> bool:
        """Return whether the project changed so much in size that it should be fitted again."""
        # A small one is fitted again whenever it has doubled: that costs little.
        tolerated = max(50, self.passages // 4) if self.passages >= 50 else max(9, self.passages)
        return abs(passages - self.passages) > tolerated


UNFITTED = Fit(DEFAULT_MEANING, 0, 0.0, 0.0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class _Probe:
    key: int
    query: str
    rest: str


def fit(
    index: SearchableIndex,
    passages: Sequence[tuple[int, str]],
    embed_queries: Embed,
    embed: Embed,
    seed: int = 0,
    usual: float = DEFAULT_MEANING,
) -> Fit:
    """Return the share of meaning for a project; costs the embedding of at most 300 texts.

    Args:
        index: The project's index.
        passages: Keys and texts of some of its passages, at random; a few hundred are enough.
        embed_queries: The embedder of queries ...
        embed: ... and of passages, which made the index's vectors.
        seed: Which sentences are taken; the same seed gives the same fit.
        usual: The share of meaning to start from.

    Raises:
        EmbedderUnavailable: The model is down.
    """
    probes = _probes(passages, random.Random(seed))  # noqa: S311 - a sample, not a secret.
    if len(probes) < FEWEST_PROBES or not len(index.vectors):
        return Fit(usual, len(probes), 0.0, 0.0, 0.0, len(index))
    queries = embed_queries([probe.query for probe in probes])
    # Rounded like stored vectors, or no passage could ever be as near as the passage itself.
    rests = embed([probe.rest for probe in probes]).astype(np.float16).astype(np.float32)
    gains = np.array(
        [
            _gains(index, probe, query, rest)
            for probe, query, rest in zip(probes, queries, rests, strict=True)
        ]
    )
    means = gains.mean(axis=0)
    return Fit(
        meaning=round(share_supported_by(gains, usual), 3),
        probes=len(probes),
        words_quality=round(float(means[0]), 4),
        meaning_quality=round(float(means[-1]), 4),
        fused_quality=round(float(means.max()), 4),
        passages=len(index),
    )


def share_supported_by(gains: NDArray[np.float64], usual: float = DEFAULT_MEANING) -> float:
    """Return the share of meaning that the probes support.

    The usual share shrinks with the square of what vectors find compared with words, because a
    probe is easier for vectors than a question: where they found 0.85 and 0.71 of it, in Spanish
    and Chinese, it was 0.60 and 0.22 with real questions. Then it leans towards the best share.
    Where it still loses clearly, it goes as far as the loss is no longer clear. It goes above the
    usual share only where vectors find far more than words.

    Args:
        gains: Of each probe at each share of ``_GRID``, shape (probes, shares).
        usual: The share to start from.
    """
    means = gains.mean(axis=0)
    share = usual
    if len(gains) >= _FEWEST_TO_LEAN:
        share *= min(1.0, float(means[-1] / means[0])) ** 2 if means[0] > 0 else 1.0
        plateau = _GRID[means >= means.max() - _PLATEAU]
        share += _TRUST * (float(plateau.min() + plateau.max()) / 2 - share)
    lost = gains[:, [means.argmax()]] - gains
    errors = lost.std(axis=0) / np.sqrt(len(gains))
    good = _GRID[lost.mean(axis=0) <= np.maximum(_PLATEAU, _ERRORS * errors)]
    nearest = float(good[np.abs(good - share).argmin()])
    # The shares between two of the grid are as good as they.
    found = share if abs(nearest - share) <= _GRID[1] / 2 else nearest
    return found if means[-1] > _FLATTERED * means[0] else min(found, usual)


def _probes(passages: Sequence[tuple[int, str]], rng: random.Random) -> list[_Probe]:
    shuffled = sorted(passages)
    rng.shuffle(shuffled)
    probes: list[_Probe] = []
    for key, text in shuffled:
        probe = _probe(key, text, rng)
        if probe is not None:
            probes.append(probe)
        if len(probes) == MAX_PROBES:
            break
    return probes


def _probe(key: int, text: str, rng: random.Random) -> _Probe | None:
    """Return the passage with one sentence taken out, or None when it is too short for that."""
    sentences = [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]
    askable = [part for part in sentences if _ends(part)[_FEWEST_WORDS - 1 :]]
    if len(askable) < 2:
        return None
    chosen = rng.choice(askable)
    # A title is often the first sentence again.
    rest = " ".join(part for part in sentences if part.strip(" .#") != chosen.strip(" .#"))
    if not rest:
        return None
    return _Probe(key, chosen[: _ends(chosen)[:_MAX_WORDS][-1]], rest)


def _ends(text: str) -> list[int]:
    """Return the offset behind each word."""
    return [word.end() for word in _WORD.finditer(text)]


def _gains(
    index: SearchableIndex, probe: _Probe, query: NDArray[np.float32], rest: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return 1 / log2(1 + rank) of the right passage at each share of ``_GRID``."""
    terms = query_terms(probe.query, index.words.languages)
    found = candidates(index, terms, query)
    if found.nearest is None:
        return np.zeros(len(_GRID))
    words = index.words.score_of(terms, analysed(probe.rest)) - found.matches.mean
    words /= found.matches.deviation or 1.0
    nearness = (float(query @ rest) - found.nearest.mean) / (found.nearest.deviation or 1.0)
    others = _others(found, probe.key)
    theirs = np.outer(_GRID, others[1]) + np.outer(1 - _GRID, others[0])
    own = _GRID * nearness + (1 - _GRID) * words
    # Equal scores count against it: a side that cannot tell passages apart does not help.
    better = (theirs >= own[:, None]).sum(axis=1)
    gains: NDArray[np.float64] = 1 / np.log2(2 + better)
    return gains


def _others(found: Candidates, key: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    other = found.keys != key
    return found.words[other], found.nearness[other]
