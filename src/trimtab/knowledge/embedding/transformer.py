"""Runs BERT-like encoders in CTranslate2: batches of similar length, mean pooling, int8."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trimtab.knowledge.embedding.device import Device, EncoderOnDevice
from trimtab.knowledge.embedding.native import tune
from trimtab.knowledge.embedding.port import Vectors
from trimtab.knowledge.errors import EmbedderUnavailable

DIMENSION = 384


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
        device: Where it should run; it falls back to the CPU.
    """

    def __init__(
        self,
        model_dir: Path,
        tokenizer: Tokenizer,
        threads: int,
        model_id: str,
        max_tokens: int,
        device: Device = "cpu",
    ) -> None:
        tune()
        self._tokenizer = tokenizer
        self._model_id, self._max_tokens = model_id, max_tokens
        self._encoder = EncoderOnDevice(model_dir, device, threads + 1)
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="embedder")

    @property
    def model_id(self) -> str:
        """Names model, weights and pooling."""
        return self._model_id

    @property
    def device(self) -> Device:
        """Device in use."""
        return self._encoder.device

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
        batches = list(_batches(tokens, self._encoder.token_budget))
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
        self._encoder.close()
        self._workers.shutdown()

    def _forward(self, batch: "_Batch") -> Vectors:
        """Return the unit vector along each text's mean token state; padding is left out."""
        if self._encoder.closed:
            raise EmbedderUnavailable("The embedder is closed.")
        try:
            states = self._encoder.run(lambda encoder: _states(encoder, batch))
        except RuntimeError as error:
            raise EmbedderUnavailable(f"The embedding model failed: {error}") from error
        mask = np.arange(states.shape[1]) < batch.lengths[:, None]
        sums = np.einsum("nld,nl->nd", states, mask.astype(np.float32))
        vectors: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return vectors


@dataclass(frozen=True)
class _Batch:
    """Texts of similar length: places in the input, ids (n, longest) and lengths (n,)."""

    positions: NDArray[np.intp]
    ids: NDArray[np.int32]
    lengths: NDArray[np.int32]


def _states(encoder: ctranslate2.Encoder, batch: _Batch) -> NDArray[np.float32]:
    """Return the state of each token; (texts, longest, 384)."""
    output = encoder.forward_batch(
        ctranslate2.StorageView.from_array(batch.ids),
        ctranslate2.StorageView.from_array(batch.lengths),
    )
    states = output.last_hidden_state
    if states.device != "cpu":
        # Only views of memory of the CPU are arrays.
        states = states.to_device(ctranslate2.Device.cpu)
    return np.array(states)


def _batches(tokens: list[list[int]], token_budget: int) -> Iterator[_Batch]:
    """Yield the texts longest first, in batches that keep the token budget when padded."""
    lengths = np.array([len(ids) for ids in tokens], dtype=np.int32)
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        positions = order[start : start + max(1, token_budget // longest)]
        padded = np.zeros((len(positions), longest), dtype=np.int32)
        for row, position in enumerate(positions):
            padded[row, : lengths[position]] = tokens[position]
        yield _Batch(positions, padded, lengths[positions])
        start += len(positions)
