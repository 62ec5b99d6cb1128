import json

import pytest

from trimtab.evaluation.errors import BadQuestionSet
from trimtab.evaluation.offline.question_answering import evaluate, read

ROWS = [
    {"question": "When was the bridge built?", "context": "The bridge was built in 1901. It is red.", "answers": ["1901"]},
    {"question": "Who wrote the opera Carmen?", "context": "Carmen is an opera. Georges Bizet wrote the opera.", "answers": {"text": ["Georges Bizet"]}},
]  # fmt: skip


def write(folder, *lines):
    (folder / "data.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_a_set_is_read_and_measured(tmp_path):
    report = evaluate(read(write(tmp_path, *map(json.dumps, ROWS)))).as_dict()
    assert (report["kind"], report["n"]) == ("qa", 2)
    assert (report["answer_in_citation"], report["not_found_on_shuffled"]) == (1.0, 1.0)
    assert 1 <= report["mean_sentences"] <= 2


def test_a_wrong_answer_lowers_the_figure(tmp_path):
    rows = [ROWS[0] | {"answers": ["1999"]}, ROWS[1]]
    assert evaluate(read(write(tmp_path, *map(json.dumps, rows)))).answer_in_citation == 0.5


def test_one_context_gives_null_for_shuffled(tmp_path):
    report = evaluate(read(write(tmp_path, json.dumps(ROWS[0]))))
    assert report.not_found_on_shuffled is None


@pytest.mark.parametrize("lines", [[], ["{"], ['{"question": "x"}'], ["[]"]])
def test_a_folder_without_usable_rows_says_where_it_is_wrong(tmp_path, lines):
    with pytest.raises(BadQuestionSet, match=r"data\.jsonl"):
        read(write(tmp_path, *lines))


def test_a_missing_folder_says_so(tmp_path):
    with pytest.raises(BadQuestionSet, match="cannot be read"):
        read(tmp_path / "none")
