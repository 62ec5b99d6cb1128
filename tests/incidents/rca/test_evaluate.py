"""The measure on labelled cases, on small data sets of our own in both layouts."""

import json

import numpy as np
import pytest

from trimtab.incidents.errors import CasesRefused
from trimtab.incidents.rca.evaluate import evaluate

RNG = np.random.default_rng(3)


def flat(file, moved=""):
    nodes = ("cart", "pay")
    rows = ["time," + ",".join(f"{node}_cpu" for node in nodes)]
    for second in range(80):
        cells = [RNG.normal(500 if node == moved else 10, 1) for node in nodes]
        rows.append(f"{second}," + ",".join(f"{cell:.3f}" for cell in cells))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(rows))


@pytest.fixture
def sockshop(tmp_path):
    for repeat, moved in (("1", "cart"), ("2", "pay")):  # The second is labelled wrongly.
        flat(tmp_path / "shop" / "cart-cpu" / repeat / "normal.csv")
        flat(tmp_path / "shop" / "cart-cpu" / repeat / "anomalous.csv", moved)
    return tmp_path


def layered(file, rows, added=0.0):
    columns = [
        (n, m, s) for n in ("web", "db") for m, s in (("requests", "Sum"), ("latency", "Average"))
    ]
    text = [",".join(("x", *(each[place] for each in columns))) for place in range(3)] + ["t,,,,"]
    for at in range(rows):
        cells = (100, 0.3 + added + RNG.normal(0, 0.002), 100, 0.1 + added + RNG.normal(0, 0.002))
        text.append(",".join((str(at), *(f"{cell:.5f}" for cell in cells))))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(text))


@pytest.fixture
def petshop(tmp_path):
    folder = tmp_path / "pets"
    layered(folder / "noissue" / "metrics.csv", 300)
    layered(folder / "test" / "issue_0" / "metrics.csv", 5, added=0.4)
    (folder / "graph.csv").write_text("x,web,db\nweb,0.0,1.0\ndb,0.0,0.0\n")
    labels = {"target": {"node": "web", "metric": "latency"}, "root_cause": {"node": "db"}}
    (folder / "test" / "issue_0" / "target.json").write_text(json.dumps(labels))
    return tmp_path


def test_a_set_with_one_wrong_label_of_two_scores_a_half(sockshop):
    (score,) = evaluate(sockshop)
    assert (score.name, score.cases, score.at_1, score.at_3) == ("shop", 2, 0.5, 1.0)
    assert (score.answered, score.wrong) == (1.0, 0.5)
    assert score.misses == ("cart-cpu/2",)
    assert score.specificity == 1.0
    assert score.normal_windows > 0


def test_a_set_with_a_call_graph_is_followed(petshop):
    (score,) = evaluate(petshop)
    assert (score.at_1, score.answered) == (1.0, 1.0)
    assert score.normal_windows > 10
    assert score.specificity >= 0.9


def test_several_sets_in_one_folder_are_measured(sockshop, petshop):
    assert [each.name for each in evaluate(sockshop)] == ["pets", "shop"]


def test_a_folder_without_cases_or_with_a_broken_file_is_refused(tmp_path, petshop):
    (tmp_path / "none").mkdir()
    with pytest.raises(CasesRefused, match="No labelled cases"):
        evaluate(tmp_path / "none")
    (tmp_path / "pets" / "graph.csv").write_text("x,web\nweb,often\n")
    with pytest.raises(CasesRefused, match="cannot be read"):
        evaluate(tmp_path)


def test_every_method_is_scored_on_its_own(sockshop):
    (score,) = evaluate(sockshop)
    scores = {each.method: (each.at_1, each.at_3) for each in score.methods}
    assert scores == dict.fromkeys(
        ("ensemble", "peak_shift", "sustained_shift", "mean_shift"), (0.5, 1.0)
    )


def test_fifty_normal_windows_are_enough(petshop):
    (score,) = evaluate(petshop)
    # 150 rows of the second half make 30 windows of the case's five rows.
    assert score.normal_windows == 30
    layered(petshop / "pets" / "noissue" / "metrics.csv", 1000)
    (score,) = evaluate(petshop)
    assert score.normal_windows == 50


def test_a_case_that_abstains_is_neither_answered_nor_wrong(tmp_path):
    flat(tmp_path / "shop" / "cart-cpu" / "1" / "normal.csv")
    flat(tmp_path / "shop" / "cart-cpu" / "1" / "anomalous.csv")
    (score,) = evaluate(tmp_path)
    assert (score.answered, score.wrong) == (0.0, 0.0)


def test_a_symptom_that_is_not_known_is_refused(petshop):
    labels = {"target": {"node": "web", "metric": "colour"}, "root_cause": {"node": "db"}}
    (petshop / "pets" / "test" / "issue_0" / "target.json").write_text(json.dumps(labels))
    with pytest.raises(CasesRefused, match="unknown symptom 'colour'"):
        evaluate(petshop)


def test_a_call_that_never_happened_is_no_edge(petshop):
    (petshop / "pets" / "graph.csv").write_text("x,web,db\nweb,0.0,0.0\ndb,0.0,0.0\n")
    (score,) = evaluate(petshop)
    assert score.misses == ("test/issue_0",)  # Without an edge to db, web itself is the cause.
    (petshop / "pets" / "graph.csv").write_text("x,web,db\nweb,0.0,0.5\ndb,0.0,0.0\n")
    assert evaluate(petshop)[0].misses == ()


def test_what_lies_beside_the_cases_is_left_alone(sockshop):
    (sockshop / "shop" / "cart-cpu" / "empty").mkdir()
    (sockshop / "shop" / "notes-x").write_text("text")
    assert evaluate(sockshop)[0].cases == 2
