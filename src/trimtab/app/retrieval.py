"""Adapters: answers search and embed with the knowledge domain."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.answers import Retrieved, SourcePassage
from trimtab.knowledge import Knowledge
from trimtab.knowledge.search import SearchRequest


class KnowledgeRetriever:
    """Lets answers search in knowledge.

    Args:
        knowledge: What is searched.
        meaning: False ranks by words alone: for when the whole search is late.
    """

    def __init__(self, knowledge: Knowledge, *, meaning: bool = True) -> None:
        self._knowledge = knowledge
        self._meaning = meaning

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Return at most ``top_k`` passages that these labels permit, best first."""
        request = SearchRequest(top_k, labels=labels, meaning=self._meaning)
        found = self._knowledge.searcher.search(project, query, request)
        passages = (
            SourcePassage(
                chunk_id=passage.chunk_id,
                document_id=passage.document_id,
                document_name=passage.document_name,
                text=passage.text,
                start=passage.start,
                end=passage.end,
                score=passage.score,
                title=passage.title,
                page=passage.page,
                heading=passage.heading,
                similarity=passage.similarity,
            )
            for passage in found.passages
        )
        return Retrieved(
            tuple(passages),
            found.degraded_mode,
            str(found.index_version),
            found.cache_hit,
            labels=self._knowledge.documents.labels_in_use(project, labels) if labels else (),
            percent_read=self._knowledge.percent_read.get(project, 100),
        )


class KnowledgeEmbedder:
    """Lets evaluation and trained models turn texts into vectors with the models of knowledge."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._encoder = knowledge.encoder

    @property
    def model_id(self) -> str:
        """The model's name; vectors of different models are not compared."""
        return self._encoder.model_id

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector for each text; raises `EmbedderUnavailable`."""
        return self._encoder.vectors(texts)

    def read(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the state of each text with the question; raises `EmbedderUnavailable`."""
        # Loaded by the first text that a model reads: many services have no such model.
        from trimtab.knowledge.embedding.reader import load_reader

        return load_reader().states(question, texts)
