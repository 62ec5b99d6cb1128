"""all-MiniLM-L6-v2: 384 dimensions, 256 tokens, int8."""

from pathlib import Path

from tokenizers import Tokenizer

from trimtab.knowledge.embedding.model_files import MODEL_ID, TOKENIZER_FILE, model_problem
from trimtab.knowledge.embedding.transformer import Device, TransformerEmbedder
from trimtab.knowledge.errors import EmbedderUnavailable

# The model was trained on at most 256 tokens, although it has positions for 512.
MAX_TOKENS = 256


class MiniLmEmbedder(TransformerEmbedder):
    """The ``EmbeddingModel`` that every installation has.

    Args:
        model_dir: The folder that ``ensure_model`` filled.
        threads: How many cores a large ``embed`` may use, at least 1.
        device: Where it should run; it falls back to the CPU.

    Raises:
        EmbedderUnavailable: The model is missing or damaged.
    """

    def __init__(self, model_dir: Path, threads: int, device: Device = "cpu") -> None:
        problem = model_problem(model_dir)
        if problem:
            raise EmbedderUnavailable(f"The embedding model is unusable: {problem}.")
        tokenizer = Tokenizer.from_file(str(TOKENIZER_FILE))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        super().__init__(model_dir, tokenizer, threads, MODEL_ID, MAX_TOKENS, device)
