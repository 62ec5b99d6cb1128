"""Vectors of the handbook's passages, computed before the release: `make handbook` writes them.

A page that changed since then costs the model its changed passages.
"""

import logging
import sys
import tempfile
from pathlib import Path

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.shipped import shipped
from trimtab.knowledge.bulk import ShippedFolder, list_files
from trimtab.knowledge.chunking import chunk_document, embedded_text
from trimtab.knowledge.embedding.precomputed import PrecomputedVectors
from trimtab.knowledge.model_store import MiniLmStore
from trimtab.knowledge.parsing import Parser

FOLDERS: dict[str, tuple[str, ...]] = {
    "library": (),
    "docs": ("contract-gaps.md", "decisions/", "sample_corpus/"),
}
"""The handbook's folders, each with what of it is not in the handbook: notes for developers, and
the documents of the ten-minute start, which belong into a project of their own."""
VECTORS_FILE = Path(__file__).parent / "handbook_vectors.npz"
_log = logging.getLogger(__name__)


def read_vectors(file: Path = VECTORS_FILE) -> PrecomputedVectors | None:
    """Return the shipped vectors; None if they cannot be read, and the model computes them."""
    try:
        return PrecomputedVectors.read(file)
    except (OSError, ValueError, KeyError) as error:
        _log.warning("the handbook's vectors cannot be read", extra={"reason": str(error)})
        return None


def passages() -> list[str]:
    """Return the text of each passage of the handbook, as the model reads it."""
    settings = KnowledgeSettings()
    texts: dict[str, None] = {}
    with tempfile.TemporaryDirectory() as private:
        parser = Parser(settings, Path(private))
        for folder, left_out in FOLDERS.items():
            for file in list_files(shipped(folder), ShippedFolder(left_out)).files:
                parsed = parser.parse(file.name, file.read_text().encode())
                for chunk in chunk_document("", parsed, settings.chunk_characters):
                    texts[embedded_text(chunk.heading, chunk.text)] = None
    return list(texts)


def main() -> None:
    """Compute the vectors of all passages and write the file."""
    texts = passages()
    with tempfile.TemporaryDirectory() as folder:
        store = MiniLmStore(Path(folder) / "minilm", 2)
        store.install()
        model = store.load()
        PrecomputedVectors.of(model.model_id, texts, model.embed(texts)).write(VECTORS_FILE)
        model.close()
    size = VECTORS_FILE.stat().st_size / 1000
    sys.stdout.write(f"{VECTORS_FILE.name}: {len(texts)} passages, {size:.0f} kB\n")
