import pytest

from trimtab.evaluation.offline import golden
from trimtab.evaluation.offline.cases import EvaluationCase


def cases(*questions, project="p"):
    return [EvaluationCase(str(n), project, text, ("x",)) for n, text in enumerate(questions)]


@pytest.mark.feature("F443")
def test_stats_count_by_project_and_kind_and_find_repetitions():
    found = golden.stats(
        [*cases("When was it?", "when  was it?"), EvaluationCase("n", "q", "Who?", ())]
    )
    assert (found.cases, found.answered, found.repeated) == (3, 2, 1)
    assert found.categories == {"p/time": 2, "q/person": 1}


@pytest.mark.feature("F444", "F445")
def test_coverage_names_what_people_ask_more_than_it_is_tested_and_how_many_to_write():
    asked = cases("When?", "When?", "Who?", "Who?")
    (gap,) = golden.coverage(cases(*["When?"] * 9, "Who?"), asked)
    assert (gap.category, gap.asked_share, gap.golden_share, gap.missing) == (
        "p/person", 0.5, 0.1, 4,
    )  # fmt: skip


def test_a_category_with_half_the_share_that_is_asked_is_enough():
    assert golden.coverage(cases("When?", "Who?", "Who?", "Who?"), cases("When?", "Who?")) == ()


def test_nothing_asked_leaves_no_gap_and_nothing_golden_leaves_all():
    assert golden.coverage(cases("When?"), []) == ()
    assert [gap.missing for gap in golden.coverage([], cases("When?"))] == [1]
