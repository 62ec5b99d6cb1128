"""Text to vectors: the ``Embedder`` port and the model that ships with trimtab."""

from trimtab.knowledge.embedding.minilm import MiniLmEmbedder
from trimtab.knowledge.embedding.model_files import MODEL_ID, ensure_model, model_problem
from trimtab.knowledge.embedding.port import Embedder, Vectors

__all__ = ["MODEL_ID", "Embedder", "MiniLmEmbedder", "Vectors", "ensure_model", "model_problem"]
