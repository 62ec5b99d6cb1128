"""Vectors that were computed before are found by model and text, and by nothing else."""

import numpy as np
import pytest

from trimtab.knowledge.embedding.precomputed import PrecomputedVectors

TEXTS = ["one", "two", "three"]


@pytest.fixture
def unit():
    vectors = np.random.default_rng(7).normal(size=(3, 384)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_file_gives_back_the_unit_vectors(unit, tmp_path):
    PrecomputedVectors.of("m", TEXTS, unit).write(tmp_path / "v.npz")
    found = PrecomputedVectors.read(tmp_path / "v.npz").find("m", [*TEXTS, "four"])
    assert list(found) == TEXTS
    for text, vector in zip(TEXTS, unit, strict=True):
        assert found[text].dtype == np.float32
        assert np.linalg.norm(found[text]) == pytest.approx(1, abs=1e-6)
        assert np.abs(found[text] - vector).max() < 1e-3


def test_another_model_finds_nothing(unit):
    assert PrecomputedVectors.of("m", TEXTS, unit).find("other", TEXTS) == {}
    assert PrecomputedVectors.of("m", TEXTS, unit).find("", TEXTS) == {}


def test_equal_vectors_make_equal_files(unit, tmp_path):
    for name in ("a", "b"):
        PrecomputedVectors.of("m", TEXTS, unit).write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_texts_make_a_file_that_finds_nothing(tmp_path):
    empty = PrecomputedVectors.of("m", [], np.empty((0, 384), dtype=np.float32))
    empty.write(tmp_path / "v.npz")
    assert PrecomputedVectors.read(tmp_path / "v.npz").find("m", TEXTS) == {}
