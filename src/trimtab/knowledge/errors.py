"""Everything that knowledge raises on purpose; see ``kernel/errors.py`` for the tree."""

from trimtab.kernel.errors import Unavailable

# --- Retrieval: embedding, indexes, ranking, evaluation ---


class EmbedderUnavailable(Unavailable):
    """Text cannot be turned into vectors now; keyword search still works."""

    code = "knowledge.embedder_unavailable"
    default_hint = "The embedding model is rebuilt from its installed package at the next start;
    restart the service."
