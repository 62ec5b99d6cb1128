import multiprocessing
import shutil

import pytest

from trimtab.knowledge.embedding import MiniLmEmbedder, ensure_model, model_problem
from trimtab.knowledge.errors import EmbedderUnavailable


@pytest.fixture
def own_model(model_dir, tmp_path):
    return shutil.copytree(model_dir, tmp_path / "minilm")


def flip_a_byte(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)


def test_a_model_is_converted_once(tmp_path):
    assert ensure_model(tmp_path / "minilm") is True
    assert ensure_model(tmp_path / "minilm") is False


@pytest.mark.parametrize("name", ["model.bin", "config.json", "vocabulary.json", "manifest.json"])
def test_a_missing_file_is_named_and_made_again(own_model, name):
    (own_model / name).unlink()
    assert model_problem(own_model) == f"{name} is missing"
    assert ensure_model(own_model) is True
    assert model_problem(own_model) == ""


@pytest.mark.parametrize("name", ["model.bin", "config.json", "vocabulary.json", "manifest.json"])
def test_a_flipped_byte_is_found_and_mended(own_model, name):
    flip_a_byte(own_model / name)
    with pytest.raises(EmbedderUnavailable) as refused:
        MiniLmEmbedder(own_model, threads=1)
    assert refused.value.hint()
    assert ensure_model(own_model) is True
    assert model_problem(own_model) == ""


def test_a_missing_model_is_refused_with_a_next_step(tmp_path):
    with pytest.raises(EmbedderUnavailable) as refused:
        MiniLmEmbedder(tmp_path / "none", threads=1)
    assert "Restart" in refused.value.hint()


def test_a_model_of_another_version_is_converted_again(own_model):
    manifest = own_model / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 0'))
    assert "another version" in model_problem(own_model)
    assert ensure_model(own_model) is True


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.15, 0.3, 0.6])
def test_a_conversion_killed_at_any_instant_leaves_nothing_broken(tmp_path, seconds):
    folder = tmp_path / "minilm"
    process = multiprocessing.get_context("spawn").Process(target=ensure_model, args=(folder,))
    process.start()
    process.join(seconds + 0.3)
    process.kill()
    process.join()
    process.close()
    assert not folder.exists() or model_problem(folder) == ""
    ensure_model(folder)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".minilm.lock", "minilm"]


def test_an_unwritable_place_is_reported(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbedderUnavailable) as refused:
        ensure_model(tmp_path / "file" / "minilm")
    assert "writable" in refused.value.hint()
