"""Features: a window put together from its sentences is the window itself."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.guardrails.injection.features import MAX_CHARACTERS, Cut, Features, features
from trimtab.text.normalise import Disguise, Normalised


def as_vector(found: Features) -> dict[int, float]:
    vector = Counter()
    for cell, value in zip(found.cells.tolist(), found.values.tolist(), strict=True):
        vector[cell] += value
    return dict(vector)


@given(st.text(max_size=80), st.text(max_size=80))
def test_two_cuts_together_are_the_cut_of_both_texts(first, second):
    together = Cut.of(first).followed_by(Cut.of(second))

    whole = features(Normalised(f"{first} {second}", frozenset()))

    assert as_vector(together.features(())) == pytest.approx(as_vector(whole), abs=1e-5)


def test_an_empty_text_has_no_features():
    assert len(features(Normalised("", frozenset())).cells) == 0


def test_each_group_of_features_has_the_same_length_however_long_the_text_is():
    short = features(Normalised("green pears", frozenset()))
    long = features(Normalised("green pears and brown bread with salt", frozenset()))

    lengths = [sum(value**2 for value in as_vector(found).values()) for found in (short, long)]

    assert lengths == pytest.approx([2.0, 2.0], rel=0.01)


def test_a_disguise_that_was_undone_is_a_feature_of_its_own():
    plain = as_vector(features(Normalised("green pears", frozenset())))
    undone = as_vector(features(Normalised("green pears", frozenset({Disguise.LEET}))))

    assert sorted(undone[cell] for cell in undone.keys() - plain.keys()) == [0.5]


def test_only_the_beginning_of_a_very_long_text_counts():
    long = "pear " * MAX_CHARACTERS

    assert len(Cut.of(long).words) == MAX_CHARACTERS // 5
