import json

import numpy as np
import pytest

from trimtab.answers.drafts import Draft, cite
from trimtab.evaluation.errors import BadQuestionSet
from trimtab.evaluation.offline.open_answering import evaluate_open

ROWS = [
    {"title": "bridge", "question": "When was the bridge built?", "context": "The bridge was built in 1901.", "answers": ["1901"]},
    {"title": "bridge", "question": "Which colour has the bridge?", "context": "The bridge was built in 1901.", "answers": ["red"]},
    {"title": "opera", "question": "Who wrote the opera Carmen?", "context": "Georges Bizet wrote the opera Carmen.", "answers": {"text": ["Georges Bizet"]}},
    {"title": "lake", "question": "How deep is the lake?", "context": "The lake is 40 metres deep.", "answers": ["40 metres"]},
]  # fmt: skip


class WordModel:
    """Embeds a text as the sum of fixed vectors of its words."""

    model_id, dimension, max_tokens = "words/1", 32, 256

    def embed(self, texts):
        rows = [
            sum(self._vector(word) for word in text.lower().strip("?.").split()) for text in texts
        ]
        matrix = np.array(rows, dtype=np.float32).reshape(-1, self.dimension)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)

    def _vector(self, word):
        return np.random.default_rng(list(word.encode())).normal(size=self.dimension)


class FirstSentence:
    """Quotes the first passage whatever is asked."""

    def stream(self, _question, passages):
        yield Draft("x [1]", (cite(1, passages[0], 0, len(passages[0].text), 0.75),), "first", 0.75)


def written(folder, rows):
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_a_third_is_left_out_and_each_figure_counts_its_own_questions(tmp_path):
    report = evaluate_open(written(tmp_path, ROWS), WordModel(), FirstSentence())
    answerable = report.answerable
    assert (report.n, report.kind) == (4, "qa-open")
    assert answerable in {2, 3}  # One of the three titles is left out.
    assert (report.refused, report.mean_sentences) == (0.0, 1.0)
    right = round(report.right * answerable)
    assert report.precision == pytest.approx(right / 4)
    assert report.right + report.wrong == pytest.approx(1.0)
    assert report.calibration_error == pytest.approx(abs(0.75 - right / 4))


def test_an_answer_needs_more_than_the_passage_of_another_question(tmp_path):
    report = evaluate_open(written(tmp_path, ROWS), WordModel())
    assert report.refused == 1.0
    assert report.precision in {None, 1.0}


def test_rows_without_titles_are_left_out_by_context(tmp_path):
    rows = [{key: value for key, value in row.items() if key != "title"} for row in ROWS]
    assert evaluate_open(written(tmp_path, rows), WordModel()).n == 4


def test_two_titles_are_too_few(tmp_path):
    with pytest.raises(BadQuestionSet, match="needs three"):
        evaluate_open(written(tmp_path, ROWS[:3]), WordModel())
