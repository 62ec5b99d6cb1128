import json
import math

import pytest

from tests.knowledge.ranking.words_embedder import TopicEmbedder
from trimtab.knowledge.errors import EvaluationSetInvalid
from trimtab.knowledge.evaluate import evaluate, ndcg_at_10, read_set

CORPUS = [
    {"_id": "d1", "title": "Restarting", "text": "Press the button to restart the server."},
    {"_id": "d2", "title": "", "text": "The disk is full when nothing can be written."},
    {"_id": "d3", "title": "Proxy", "text": "Proxy settings are in the console."},
]
QUERIES = [
    {"_id": "q1", "text": "How do I restart the server?"},
    {"_id": "q2", "text": "full disk"},
    {"_id": "q3", "text": "never judged"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t1\nq2\td3\t0\n"


@pytest.fixture
def folder(tmp_path):
    write_lines(tmp_path / "corpus.jsonl", CORPUS)
    write_lines(tmp_path / "queries.jsonl", QUERIES)
    (tmp_path / "qrels.tsv").write_text(QRELS)
    return tmp_path


def write_lines(file, records):
    file.write_text("\n".join(json.dumps(record) for record in records) + "\n")


def test_a_set_with_easy_answers_scores_one(folder):
    report = evaluate(folder, TopicEmbedder())
    assert (report.ndcg_at_10, report.recall_at_100) == (1.0, 1.0)
    assert (report.documents, report.queries) == (3, 2)
    assert {"ndcg@10", "recall@100", "p50_ms", "p99_ms", "cpu_ms"} <= report.as_dict().keys()


@pytest.mark.parametrize("usual", [0.6, 0.8])
def test_the_weight_of_vectors_starts_from_that_of_the_embedder(folder, usual):
    # Three short passages ask nothing, so the weight stays where a project's starts.
    assert evaluate(folder, TopicEmbedder(), usual=usual).meaning == usual


def test_progress_ends_with_the_last_query(folder):
    seen = []
    evaluate(folder, TopicEmbedder(), lambda *step: seen.append(step))
    assert seen[0] == (3, 3, "indexing")
    assert seen[-1] == (2, 2, "asking")


def test_a_title_is_part_of_the_passage_once(folder):
    corpus = read_set(folder).corpus
    assert corpus["d1"].startswith("Restarting\nPress")
    assert corpus["d3"] == "Proxy settings are in the console."


def test_judgements_in_a_subfolder_are_found(folder):
    (folder / "qrels").mkdir()
    (folder / "qrels.tsv").rename(folder / "qrels" / "test.tsv")
    assert read_set(folder).grades == {"q1": {"d1": 2}, "q2": {"d2": 1}}


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(EvaluationSetInvalid, match=name):
        read_set(folder)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("corpus.jsonl", "{", "line 4 is not valid JSON"),
        ("corpus.jsonl", "[1]", "line 4 is not a JSON object"),
        ("queries.jsonl", '{"text": "?"}', "line 4 has neither"),
        ("qrels.tsv", "q1 d1 1", "line 5 is not query, document and grade"),
    ],
)
def test_a_bad_line_is_named(folder, name, line, message):
    with (folder / name).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(EvaluationSetInvalid, match=message):
        read_set(folder)


def test_a_set_whose_answers_are_not_in_the_corpus_is_refused(folder):
    (folder / "qrels.tsv").write_text("q1\tunknown\t1\n")
    with pytest.raises(EvaluationSetInvalid, match="judged"):
        read_set(folder)


def test_ndcg_is_the_published_formula():
    grades = {"a": 2, "b": 1}
    assert ndcg_at_10(["a", "b"], grades) == 1
    assert ndcg_at_10(["x"] * 10 + ["a"], grades) == 0
    best = 2 + 1 / math.log2(3)
    assert ndcg_at_10(["b", "x", "a"], grades) == pytest.approx((1 + 2 / 2) / best)
