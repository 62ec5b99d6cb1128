import json
import re

import pytest

from trimtab.guardrails.errors import BadTrainingData
from trimtab.guardrails.injection import synthetic
from trimtab.guardrails.injection.train import CHAT, REQUESTS, people, read


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


def write(folder, *rows):
    folder.mkdir()
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def test_what_people_say_is_cut_into_sentences_and_is_no_task(tmp_path):
    write(tmp_path / CHAT, {"question": "I like tea. Do you?"}, {"claim": "without a question"})
    write(tmp_path / REQUESTS, {"text": "Please call me."})
    found = people(tmp_path)
    assert found.texts == ("I like tea.", "Do you?", "Please call me.")
    assert not found.labels.any()


def test_a_missing_set_of_what_people_say_is_named(tmp_path):
    with pytest.raises(BadTrainingData, match=CHAT):
        people(tmp_path)
