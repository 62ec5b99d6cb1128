"""Runs BERT-like encoders in CTranslate2: batches of similar length, mean pooling, int8."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trimtab.knowledge.embedding.native import tune
from trimtab.knowledge.embedding.port import Vectors
from trimtab.knowledge.errors import EmbedderUnavailable

DIMENSION = 384
# Padded tokens in one forward pass: 512 cost 3 to 10 % more CPU per token, as they need more
# padding and their states leave the cache; below 128 the matrix products get too small.
_TOKEN_BUDGET = 256
HEAD_FILE = "head.npz"
_START, _END = 101, 102
_QUESTION_TOKENS, _TEXT_TOKENS = 32, 64
"""How much of a pair a cross-encoder reads."""


class TransformerEmbedder:
    """An ``EmbeddingModel`` of a converted encoder with 384 dimensions.

    Many texts are cut into batches of similar length and spread over ``threads`` workers; a single
    text runs on one thread, on a worker that bulk work never takes, so a search does not wait
    behind an ingestion.

    Args:
        model_dir: The folder of the converted model.
        tokenizer: Cuts texts as the model was trained; neither pads nor truncates.
        threads: How many cores a large ``embed`` may use, at least 1.
        model_id: Names model, weights and pooling.
        max_tokens: The number of tokens of a text that are used, end marks included.
    """

    def __init__(
        self, model_dir: Path, tokenizer: Tokenizer, threads: int, model_id: str, max_tokens: int
    ) -> None:
        tune()
        self._tokenizer = tokenizer
        self._model_id, self._max_tokens = model_id, max_tokens
        self._encoder: ctranslate2.Encoder | None = ctranslate2.Encoder(
            str(model_dir),
            compute_type="int8",
            inter_threads=threads + 1,
            intra_threads=1,
        )
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="embedder")

    @property
    def model_id(self) -> str:
        """Names model, weights and pooling."""
        return self._model_id

    @property
    def dimension(self) -> int:
        """The length of a vector: 384."""
        return DIMENSION

    @property
    def max_tokens(self) -> int:
        """Return the number of tokens of a text that are used."""
        return self._max_tokens

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector for each text, in the given order; shape (len(texts), 384)."""
        encoded = (
            [self._tokenizer.encode(texts[0])]
            if len(texts) == 1
            else self._tokenizer.encode_batch_fast(list(texts))
        )
        longest = self._max_tokens
        # Texts that are too long keep their end mark.
        tokens = [
            ids if len(ids := text.ids) <= longest else [*ids[: longest - 1], ids[-1]]
            for text in encoded
        ]
        vectors = np.empty((len(tokens), DIMENSION), dtype=np.float32)
        batches = list(_batches(tokens))
        try:
            run = map if len(batches) < 2 else self._workers.map
            for batch, rows in zip(batches, run(self._forward, batches), strict=True):
                vectors[batch.positions] = rows
        except RuntimeError as error:  # The pool was shut down by `close`.
            raise EmbedderUnavailable("The embedder is closed.") from error
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return each text's length in tokens before any cut, its two end marks included."""
        return [len(text.ids) for text in self._tokenizer.encode_batch_fast(list(texts))]

    def close(self) -> None:
        """Free the model."""
        self._encoder = None
        self._workers.shutdown()

    def _forward(self, batch: "_Batch") -> Vectors:
        """Return the unit vector along each text's mean token state; padding is left out."""
        encoder = self._encoder
        if encoder is None:
            raise EmbedderUnavailable("The embedder is closed.")
        try:
            output = encoder.forward_batch(
                ctranslate2.StorageView.from_array(batch.ids),
                ctranslate2.StorageView.from_array(batch.lengths),
            )
        except RuntimeError as error:
            raise EmbedderUnavailable(f"The embedding model failed: {error}") from error
        states = np.array(output.last_hidden_state)
        mask = np.arange(states.shape[1]) < batch.lengths[:, None]
        sums = np.einsum("nld,nl->nd", states, mask.astype(np.float32))
        vectors: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return vectors


class CrossEncoder:
    """Reads a question and a text together and scores how well the text answers. Thread-safe.

    Args:
        folder: The converted model and the head that turns its state into a score.
        tokenizer_file: The tokenizer of its vocabulary.

    Raises:
        EmbedderUnavailable: A file is missing or damaged.
    """

    def __init__(self, folder: Path, tokenizer_file: Path) -> None:
        tune()
        try:
            self._encoder = ctranslate2.Encoder(
                str(folder), compute_type="int8", inter_threads=1, intra_threads=1
            )
            with np.load(folder / HEAD_FILE) as head:
                self._head = {name: head[name] for name in head.files}
        except (OSError, RuntimeError, ValueError) as error:
            raise EmbedderUnavailable(f"The cross-encoder is unusable: {error}") from error
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return one score for each text, about -11 to 11; shape (len(texts),)."""
        found = np.empty(len(texts))
        encoded = self._tokenizer.encode_batch_fast([question, *texts], add_special_tokens=False)
        asked = encoded[0].ids[:_QUESTION_TOKENS]
        pairs = [[_START, *asked, _END, *text.ids[:_TEXT_TOKENS], _END] for text in encoded[1:]]
        for batch in _batches(pairs):
            found[batch.positions] = self._forward(batch, len(asked) + 2)
        return found

    def _forward(self, batch: "_Batch", second: int) -> NDArray[np.float32]:
        """Return the scores of pairs whose second text begins at that token."""
        types = np.zeros_like(batch.ids)
        types[:, second:] = 1
        output = self._encoder.forward_batch(
            ctranslate2.StorageView.from_array(batch.ids),
            ctranslate2.StorageView.from_array(batch.lengths),
            types.tolist(),
        )
        first = np.array(output.last_hidden_state)[:, 0]
        pooled = np.tanh(first @ self._head["pooler"] + self._head["pooler_bias"])
        scores: NDArray[np.float32] = pooled @ self._head["score"] + self._head["score_bias"]
        return scores


@dataclass(frozen=True)
class _Batch:
    """Texts of similar length: places in the input, ids (n, longest) and lengths (n,)."""

    positions: NDArray[np.intp]
    ids: NDArray[np.int32]
    lengths: NDArray[np.int32]


def _batches(tokens: list[list[int]]) -> Iterator[_Batch]:
    """Yield the texts longest first, in batches that keep the token budget when padded."""
    lengths = np.array([len(ids) for ids in tokens], dtype=np.int32)
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        positions = order[start : start + max(1, _TOKEN_BUDGET // longest)]
        padded = np.zeros((len(positions), longest), dtype=np.int32)
        for row, position in enumerate(positions):
            padded[row, : lengths[position]] = tokens[position]
        yield _Batch(positions, padded, lengths[positions])
        start += len(positions)
