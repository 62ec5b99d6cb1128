"""The embedders that a project can have, and how each one's model is prepared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from trimtab.knowledge.embedding import (
    E5_PREFIXES,
    MINILM,
    MULTILINGUAL_E5,
    Device,
    E5Embedder,
    EmbeddingModel,
    MiniLmEmbedder,
    ModelSource,
    Prefixes,
)
from trimtab.knowledge.ranking import DEFAULT_MEANING
from trimtab.knowledge.records import MULTILINGUAL, STANDARD


@dataclass(frozen=True, slots=True)
class EmbedderKind:
    """An embedder by its name in projects."""

    source: ModelSource
    load: Callable[[Path, int, Device], EmbeddingModel]
    """Loads the model of a folder with a number of threads, on a device."""
    folder: str
    """The folder of its files, in the folder of models."""
    prefixes: Prefixes
    meaning: float = DEFAULT_MEANING
    """The share of meaning that a fit starts from, and that counts before the first one."""
    to_standard: Callable[[float | None], float | None] | None = None
    """Puts a cosine on the scale of the standard embedder; None leaves it as it is."""


def _e5_to_standard(cosine: float | None) -> float | None:
    """Return the cosine that MiniLM gives a pair of texts as alike.

    Cosines of E5 are close together: the line goes through the mean cosines of questions with their
    own paragraph and with other ones, over 149 questions of XQuAD English, in both models.
    """
    return None if cosine is None else max(-1.0, min(1.0, _E5_FACTOR * cosine + _E5_OFFSET))


_E5_FACTOR, _E5_OFFSET = 4.31, -3.17


EMBEDDERS: Mapping[str, EmbedderKind] = MappingProxyType(
    {
        STANDARD: EmbedderKind(MINILM, MiniLmEmbedder, "minilm", Prefixes()),
        MULTILINGUAL: EmbedderKind(
            MULTILINGUAL_E5, E5Embedder, "multilingual-e5", E5_PREFIXES, 0.8, _e5_to_standard
        ),
    }
)
