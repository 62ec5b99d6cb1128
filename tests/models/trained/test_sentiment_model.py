"""The two parts of the sentiment model, and its file."""

import numpy as np
import pytest

from tests.models.trained.factory import LetterEncoder
from trimtab.models.errors import LibraryMismatch
from trimtab.models.trained.assembly import arrays_to_bytes
from trimtab.models.trained.sentiment import kernel
from trimtab.models.trained.sentiment.encoding import EncodedTexts, encode_texts
from trimtab.models.trained.sentiment.kernel import KernelPart
from trimtab.models.trained.sentiment.model import SentimentScorer, SentimentWeights
from trimtab.models.trained.sentiment.training import fit

TEXTS = ("profit up", "profit down", "profit report", "sales up", "sales down", "sales report")
TRUTH = np.array([2, 0, 1, 2, 0, 1])


def corners(count=200, seed=5):
    """Return states whose class is the sign of a product: no linear model tells them apart."""
    states = np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)
    classes = (states[:, 0] * states[:, 1] > 0).astype(int)
    return EncodedTexts(((),) * count, states[:, :1], states[:, 1:]), classes


def test_the_kernel_learns_what_is_not_linear():
    encoded, classes = corners()
    part = KernelPart.fit(encoded, classes, np.ones(len(classes)))
    others, truth = corners(seed=6)
    assert (part.scores(others, part.expanded()).argmax(axis=1) == truth).mean() > 0.9


def test_an_error_of_greater_weight_counts_more():
    encoded, classes = corners()
    weights = np.where(classes == 0, 10.0, 0.01)
    part = KernelPart.fit(encoded, classes, weights)
    predicted = part.scores(encoded, part.expanded()).argmax(axis=1)
    assert (predicted == 0).mean() > (classes == 0).mean() + 0.03


@pytest.mark.parametrize("count", [150, 151, 400])
def test_no_more_texts_are_compared_than_the_limit(monkeypatch, count):
    monkeypatch.setattr(kernel, "MAX_POINTS", 150)
    encoded, classes = corners(count)
    classes[count - 1] = 2  # A class that the sample leaves out still has a score.
    part = KernelPart.fit(encoded, classes, np.ones(count))
    assert part.points.shape == (150, 2)
    others, truth = corners(seed=6)
    scores = part.scores(others, part.expanded())
    assert scores.shape == (200, 3)
    assert (scores.argmax(axis=1) == truth).mean() > 0.9


def test_a_dimension_that_never_varies_is_harmless():
    states = np.ones((4, 3), dtype=np.float32)
    part = KernelPart.fit(
        EncodedTexts(((),) * 4, states, states), np.array([0, 1, 2, 0]), np.ones(4)
    )
    assert np.isfinite(part.coefficients).all()


def test_a_read_file_scores_as_the_fitted_weights(tmp_path):
    encoder = LetterEncoder()
    encoded = encode_texts(TEXTS, encoder)
    weights = fit(encoded, TRUTH, encoder.model_id, 0.5)
    file = tmp_path / "weights.npz"
    file.write_bytes(weights.to_bytes())
    read = SentimentWeights.read(file)
    assert (read.temperature, read.encoder) == (0.5, "letters")
    scores = SentimentScorer(weights).scores(encoded)
    assert np.array_equal(SentimentScorer(read).scores(encoded), scores)
    assert np.array_equal(scores.argmax(axis=1), TRUTH)


def test_weights_of_an_earlier_release_tell_to_train_again(tmp_path):
    file = tmp_path / "weights.npz"
    file.write_bytes(arrays_to_bytes({"cells": np.zeros((3, 4))}))
    with pytest.raises(LibraryMismatch, match="earlier release"):
        SentimentWeights.read(file)
