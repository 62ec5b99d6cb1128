import json
import re

import pytest

from trimtab.guardrails.errors import BadTrainingData
from trimtab.guardrails.injection import synthetic
from trimtab.guardrails.injection.train import read


def test_our_examples_are_the_same_for_the_same_seed_and_hold_both_kinds():
    first, again = (synthetic.examples(seed=3, tasks=40, attacks_per_language=5) for _ in range(2))
    assert first == again
    assert {example.attack for example in first} == {True, False}
    assert not any(re.search(r"\{[a-z]+\}", example.text) for example in first)


def test_the_halves_of_the_email_phrases_are_apart():
    parts = [set(synthetic._email_parts(half)["sentences"]) for half in (0, 1)]
    assert not parts[0] & parts[1]
    assert len(parts[0] | parts[1]) == len(synthetic._email_parts(None)["sentences"])


def test_emails_look_like_emails():
    from trimtab.guardrails.injection.embedded import is_email

    assert all(is_email(text) for text in synthetic.emails(count=40))


def test_a_training_set_is_read(tmp_path):
    (tmp_path / "data.jsonl").write_text(json.dumps({"text": "x", "label": 1}), encoding="utf-8")
    assert (read(tmp_path).texts, list(read(tmp_path).labels)) == (("x",), [1])


@pytest.mark.parametrize("content", ["{", '{"text": "x"}', '{"text": "x", "label": "?"}'])
def test_a_malformed_training_set_is_refused_by_name(tmp_path, content):
    (tmp_path / "data.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(BadTrainingData, match=tmp_path.name):
        read(tmp_path)
