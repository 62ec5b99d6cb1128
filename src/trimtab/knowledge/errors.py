"""Everything that knowledge raises on purpose; see ``kernel/errors.py`` for the tree."""

from trimtab.kernel.errors import Unavailable

# --- Retrieval: embedding, indexes, ranking, evaluation ---


class EmbedderUnavailable(Unavailable):
    """Text cannot be turned into vectors now; keyword search still works."""

    code = "knowledge.embedder_unavailable"
    default_hint = "Restart the service: it rebuilds the model from the installed package."
