"""The shipped cross-encoder: weights of ms-marco-MiniLM-L-12-v2 in int8, Apache License 2.0.

``benchmarks/reader_weights.py`` makes the files next to this one.
"""

from functools import cache
from pathlib import Path

from trimtab.knowledge.embedding.model_files import TOKENIZER_FILE
from trimtab.knowledge.embedding.transformer import CrossEncoder


@cache
def load_reader() -> CrossEncoder:
    """Load the model, once in a process.

    Raises:
        EmbedderUnavailable: A file is missing or damaged.
    """
    return CrossEncoder(Path(__file__).parent, TOKENIZER_FILE)
