# ruff: noqa: RUF001 - a look-alike letter is meant.
"""A pattern is asked only where one of its signs stands, so each text that it matches must show one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimtab.guardrails import credentials, ethics
from trimtab.guardrails.injection import embedded
from trimtab.guardrails.injection.patterns import PATTERNS
from trimtab.guardrails.pii.find import _RECOGNISERS, NOT_A_DIGIT, RUN
from trimtab.text.words import folded

_GUARDED = [
    *((p.name, p.signs, p.regex, folded) for p in PATTERNS),
    *((c.name, c.signs, c.regex, folded) for c in ethics._CONCERNS),
    *((kind, signs, regex, str) for kind, signs, regex in credentials._COMPILED),
    ("assigned", credentials._ASSIGNED_SIGNS, credentials._ASSIGNED, str.casefold),
    ("closing", embedded._CLOSING_SIGNS, embedded._CLOSING, folded),
]


@pytest.mark.parametrize(
    ("signs", "regex", "read"), [row[1:] for row in _GUARDED], ids=[row[0] for row in _GUARDED]
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_pattern_matches_shows_one_of_its_signs(signs, regex, read, data):
    text = data.draw(st.from_regex(regex))

    assert any(sign in read(text) for sign in signs)


@pytest.mark.parametrize(
    "recogniser", _RECOGNISERS, ids=[f"{n} {r.type.value}" for n, r in enumerate(_RECOGNISERS)]
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_has_a_form_of_personal_data_shows_its_signs_and_digits(recogniser, data):
    before = data.draw(st.from_regex(recogniser.before)) if recogniser.before else ""
    text = before + data.draw(st.from_regex(recogniser.regex, fullmatch=True))

    assert any(sign in folded(text) for sign in recogniser.signs)
    assert (
        max(len(NOT_A_DIGIT.sub("", run)) for run in (*RUN.findall(text), "")) >= recogniser.digits
    )


@pytest.mark.parametrize("written", ["IGNORE", "ıgnore", "İgnore", "ignore"])
def test_case_and_the_turkish_letters_do_not_hide_a_sign(written):
    assert "ignore" in folded(written)
