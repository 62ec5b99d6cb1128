"""Runs BERT-like encoders in CTranslate2: batches of similar length, mean pooling, int8.

On the CPU or on a GPU; on the CPU when the GPU is missing or has no memory left.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import ctranslate2
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trimtab.knowledge.embedding.native import tune
from trimtab.knowledge.embedding.port import Vectors
from trimtab.knowledge.errors import EmbedderUnavailable

_log = logging.getLogger(__name__)
T = TypeVar("T")

DIMENSION = 384
Device = Literal["cpu", "cuda"]
CPU_TOKENS, GPU_TOKENS = 256, 8192
"""Padded tokens in one forward pass. On the CPU 512 cost 3 to 10 % more time per token, as they
need more padding and their states leave the cache; below 128 the matrix products get too small. A
GPU needs many more to be busy."""
_NO_MEMORY = ("out of memory", "alloc_failed", "memory_allocation", "failed to allocate")
_NO_GPU = ("cuda", "cublas", "unsupported device")

OpenEncoder = Callable[[Path, Device, int], ctranslate2.Encoder]

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


class CrossEncoder:
    """Reads a question and a text together: how well it answers, or its states. Thread-safe.

    Args:
        folder: The converted model and the head that turns its state into a score.
        tokenizer_file: The tokenizer of its vocabulary.

    Raises:
        EmbedderUnavailable: A file is missing or damaged.
    """

    def __init__(self, folder: Path, tokenizer_file: Path) -> None:
        tune()
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokens = self._tokenizer.get_vocab()
        vocabulary = sorted(tokens, key=tokens.__getitem__)
        try:
            files = {name: (folder / name).read_bytes() for name in ("config.json", "model.bin")}
            # The engine wants the vocabulary as a file; the tokenizer has it already.
            files["vocabulary.json"] = json.dumps(vocabulary).encode()
            self._encoder = ctranslate2.Encoder(
                str(folder), files=files, compute_type="int8", inter_threads=1, intra_threads=1
            )
            with np.load(folder / HEAD_FILE) as head:
                self._head = {name: head[name] for name in head.files}
        except (OSError, RuntimeError, ValueError) as error:
            raise EmbedderUnavailable(f"The cross-encoder is unusable: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return one score for each text, about -11 to 11; shape (len(texts),)."""
        found = np.empty(len(texts))
        for batch, second in self._pairs(question, texts):
            first = self._states(batch, second)[:, 0]
            pooled = np.tanh(first @ self._head["pooler"] + self._head["pooler_bias"])
            found[batch.positions] = pooled @ self._head["score"] + self._head["score_bias"]
        return found

    def states(self, question: str, texts: Sequence[str]) -> Vectors:
        """Return the mean state of each text's tokens as read with the question.

        Shape (len(texts), 384), of no fixed length; zeros for a text without tokens.
        """
        found = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for batch, second in self._pairs(question, texts):
            states = self._states(batch, second)
            place = np.arange(states.shape[1])
            inside = (place >= second) & (place < batch.lengths[:, None] - 1)
            sums = np.einsum("nld,nl->nd", states, inside.astype(np.float32))
            found[batch.positions] = sums / np.maximum(inside.sum(axis=1, keepdims=True), 1)
        return found

    def _pairs(self, question: str, texts: Sequence[str]) -> Iterator[tuple["_Batch", int]]:
        """Yield batches of pairs, and the token at which the second text of each begins."""
        encoded = self._tokenizer.encode_batch_fast([question, *texts], add_special_tokens=False)
        asked = encoded[0].ids[:_QUESTION_TOKENS]
        pairs = [[_START, *asked, _END, *text.ids[:_TEXT_TOKENS], _END] for text in encoded[1:]]
        for batch in _batches(pairs, CPU_TOKENS):
            yield batch, len(asked) + 2

    def _states(self, batch: "_Batch", second: int) -> NDArray[np.float32]:
        """Return the token states of pairs whose second text begins at that token."""
        types = np.zeros_like(batch.ids)
        types[:, second:] = 1
        output = self._encoder.forward_batch(
            ctranslate2.StorageView.from_array(batch.ids),
            ctranslate2.StorageView.from_array(batch.lengths),
            types.tolist(),
        )
        return np.array(output.last_hidden_state)


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


def open_encoder(model_dir: Path, device: Device, threads: int) -> ctranslate2.Encoder:
    """Load a converted encoder; raises `RuntimeError` or `ValueError` where that fails.

    Args:
        model_dir: The folder of the converted model.
        device: Where it runs.
        threads: The number of workers on the CPU.
    """
    workers = threads if device == "cpu" else 1
    return ctranslate2.Encoder(
        str(model_dir),
        device=device,
        compute_type="int8",
        inter_threads=workers,
        intra_threads=1,
    )


class EncoderOnDevice:
    """An encoder that moves to the CPU for good when its GPU is missing or full.

    Args:
        model_dir: The folder of the converted model.
        device: Where it should run.
        threads: The number of workers on the CPU.
        open_on: Loads it.
    """

    def __init__(
        self,
        model_dir: Path,
        device: Device,
        threads: int,
        open_on: OpenEncoder = open_encoder,
    ) -> None:
        self._open_on: Callable[[Device], ctranslate2.Encoder] = lambda target: open_on(
            model_dir, target, threads
        )
        self._moving = threading.Lock()
        self.device: Device = device
        """Where it runs now."""
        self._encoder: ctranslate2.Encoder | None = self._open(device)

    @property
    def token_budget(self) -> int:
        """Padded tokens in one forward pass."""
        return CPU_TOKENS if self.device == "cpu" else GPU_TOKENS

    @property
    def closed(self) -> bool:
        """Return whether it was closed."""
        return self._encoder is None

    def run(self, work: Callable[[ctranslate2.Encoder], T]) -> T:
        """Return what the work makes of the encoder; a full GPU moves it to the CPU first.

        Raises:
            RuntimeError: The work failed otherwise, or the encoder is closed.
        """
        encoder, device = self._encoder, self.device
        if encoder is None:
            raise RuntimeError("the encoder is closed")
        try:
            return work(encoder)
        except RuntimeError as error:
            if device == "cpu" or not is_memory_exhausted(error):
                raise
            self._move_to_cpu(str(error))
        moved = self._encoder
        if moved is None:
            raise RuntimeError("the encoder is closed")
        return work(moved)

    def close(self) -> None:
        """Free the model. May be called twice."""
        with self._moving:
            self._encoder = None

    def _open(self, device: Device) -> ctranslate2.Encoder:
        if device == "cpu":
            return self._open_on("cpu")
        try:
            return self._open_on(device)
        except (RuntimeError, ValueError) as error:
            if not any(mark in str(error).lower() for mark in (*_NO_GPU, *_NO_MEMORY)):
                raise
            _log.warning(
                "embedding_model runs on the CPU: the GPU cannot be used",
                extra={"reason": str(error)[:300]},
            )
            self.device = "cpu"
            return self._open_on("cpu")

    def _move_to_cpu(self, reason: str) -> None:
        with self._moving:
            if self.device == "cpu" or self._encoder is None:
                return  # Another thread has moved it, or it was closed.
            _log.warning(
                "embedding_model moves to the CPU: the GPU has no memory left",
                extra={"reason": reason[:300]},
            )
            self._encoder, self.device = self._open_on("cpu"), "cpu"


def is_memory_exhausted(error: BaseException) -> bool:
    """Return whether the error says that the GPU's memory is exhausted."""
    text = str(error).lower()
    return any(mark in text for mark in _NO_MEMORY)
