from pathlib import Path

import pytest

from trimtab.knowledge.embedding import MiniLmEmbedder, ensure_model

LICENCE = Path(__file__).parents[3] / "LICENSE"


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "minilm"
    ensure_model(folder)
    return folder


@pytest.fixture(scope="session")
def embedder(model_dir):
    with_two_threads = MiniLmEmbedder(model_dir, threads=2)
    yield with_two_threads
    with_two_threads.close()


@pytest.fixture(scope="session")
def passages():
    """Real paragraphs of 5 to 200 words: the project's licence, and some Spanish."""
    paragraphs = [" ".join(part.split()) for part in LICENCE.read_text("utf-8").split("\n\n")]
    spanish = ["¿Quién responde cuando el índice vectorial no contesta?", "La caché está fría."]
    return [text for text in paragraphs if len(text.split()) >= 5] + spanish
