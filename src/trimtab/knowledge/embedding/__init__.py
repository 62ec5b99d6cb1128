"""Text to vectors: the ``EmbeddingModel`` port, the shipped model, and the multilingual one."""

from trimtab.knowledge.embedding.e5 import E5_PREFIXES, MULTILINGUAL_E5, E5Embedder
from trimtab.knowledge.embedding.minilm import MiniLmEmbedder
from trimtab.knowledge.embedding.model_files import (
    MINILM,
    MODEL_ID,
    ModelSource,
    ensure_model,
    model_problem,
)
from trimtab.knowledge.embedding.port import EmbeddingModel, Prefixes, Vectors
from trimtab.knowledge.embedding.transformer import CrossEncoder, Device

__all__ = [
    "E5_PREFIXES",
    "MINILM",
    "MODEL_ID",
    "MULTILINGUAL_E5",
    "CrossEncoder",
    "Device",
    "E5Embedder",
    "EmbeddingModel",
    "MiniLmEmbedder",
    "ModelSource",
    "Prefixes",
    "Vectors",
    "ensure_model",
    "model_problem",
]
