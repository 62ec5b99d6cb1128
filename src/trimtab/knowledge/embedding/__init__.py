"""Text to vectors: the ``EmbeddingModel`` port and the model that ships with trimtab."""

from trimtab.knowledge.embedding.minilm import MiniLmEmbedder
from trimtab.knowledge.embedding.model_files import MODEL_ID, ensure_model, model_problem
from trimtab.knowledge.embedding.port import EmbeddingModel, Vectors

__all__ = [
    "MODEL_ID",
    "EmbeddingModel",
    "MiniLmEmbedder",
    "Vectors",
    "ensure_model",
    "model_problem",
]
