"""A candidate gets its share, and is promoted or rolled back by the evidence."""

import pytest

from tests.models.factory import models_in, register, sample_rows
from trimtab.models.canary import CanaryMode, CanaryState
from trimtab.models.canary.service import CanaryPlan
from trimtab.models.canary.store import CanaryRunning
from trimtab.models.errors import AliasRefused

ROWS = sample_rows(1)


@pytest.fixture
def models(tmp_path, databases):
    """Return a models domain on each engine."""
    with models_in(tmp_path / "data", databases=databases) as found:
        yield found


@pytest.fixture
def candidate(models, tmp_path):
    """Return models with churn@1 in production and churn@2 registered."""
    register(models, tmp_path)
    register(models, tmp_path, shift=0.4)
    models.registry.promote("churn", 1, "anna", "first")
    models.serving.ready("churn")
    return models


def ask(models, count, start=0):
    return [
        models.serving.predict_now("churn", ROWS, f"r{at}") for at in range(start, start + count)
    ]


def begin(models, **options):
    return models.canaries.begin("churn", CanaryPlan(2, slow_ms=10_000.0, **options), "anna")


def test_the_candidate_answers_about_its_share(candidate):
    begin(candidate, share=0.25)
    versions = [answer.version for answer in ask(candidate, 400)]
    assert 60 <= versions.count(2) <= 140


def test_a_candidate_that_is_not_worse_is_promoted(candidate):
    begin(candidate, share=0.5, margin=0.1)
    ask(candidate, 400)
    candidate.canaries.look()
    canary = candidate.canaries.report("churn").canary
    assert canary.state is CanaryState.PROMOTED
    assert candidate.registry.aliases("churn") == {"production": 2, "previous": 1}
    assert "not worse" in candidate.registry.alias_log("churn")[0].reason


def test_too_few_requests_decide_nothing(candidate):
    begin(candidate, share=0.5, margin=0.1)
    ask(candidate, 20)
    candidate.canaries.look()
    assert candidate.canaries.report("churn").canary.state is CanaryState.RUNNING


def test_a_failing_candidate_is_rolled_back_and_costs_no_answer(candidate, switch):
    begin(candidate, share=0.5)
    switch(candidate, "candidate").error = RuntimeError("broken")
    answers = ask(candidate, 60)
    assert {answer.version for answer in answers} == {1}
    candidate.canaries.look()
    report = candidate.canaries.report("churn")
    assert report.canary.state is CanaryState.ROLLED_BACK
    assert "errors" in report.canary.reason
    assert candidate.registry.aliases("churn") == {"production": 1}
    assert {answer.outcome for answer in ask(candidate, 20, 100)} == {"ok"}


def test_without_promotion_a_person_decides(candidate):
    begin(candidate, share=0.5, margin=0.1, promote=False)
    ask(candidate, 400)
    candidate.canaries.look()
    assert candidate.canaries.report("churn").canary.state is CanaryState.PASSED
    assert candidate.registry.aliases("churn") == {"production": 1, "candidate": 2}


def test_a_canary_goes_on_after_a_restart_with_its_counts(tmp_path):
    with models_in(tmp_path / "data") as models:
        register(models, tmp_path)
        register(models, tmp_path, shift=0.4)
        models.registry.promote("churn", 1, "anna", "first")
        begin(models, share=0.5, margin=0.1)
        ask(models, 40)
    with models_in(tmp_path / "data") as models:
        assert {answer.version for answer in ask(models, 50, 1000)} == {1, 2}
        rates = models.canaries.report("churn").rates[0]
        assert rates.production.count + rates.candidate.count == 90
        ask(models, 200, 2000)
        models.canaries.look()
        assert models.canaries.report("churn").canary.state is CanaryState.PROMOTED


def test_a_kill_after_the_promotion_does_not_move_twice(candidate):
    canary = begin(candidate, share=0.5, margin=0.1)
    candidate.registry.promote("churn", 2, "canary", "passed", key=canary.id)
    moves = len(candidate.registry.alias_log("churn"))
    candidate.canaries.look()
    assert candidate.canaries.report("churn").canary.state is CanaryState.PROMOTED
    assert len(candidate.registry.alias_log("churn")) == moves


def test_without_a_decision_in_time_production_stays(candidate):
    begin(candidate, max_seconds=0.0)
    candidate.canaries.look()
    assert candidate.canaries.report("churn").canary.state is CanaryState.ROLLED_BACK
    assert candidate.registry.aliases("churn") == {"production": 1}


def test_a_shadow_answers_nobody_and_is_compared(candidate):
    begin(candidate, mode=CanaryMode.SHADOW, share=1.0)
    assert {answer.version for answer in ask(candidate, 30)} == {1}
    while not (report := candidate.canaries.report("churn")).rates[0].candidate.count:
        pass
    assert report.rates[0].candidate.count > 0
    assert 0.0 <= report.agreement <= 1.0


def test_what_cannot_be_compared_is_refused(candidate, tmp_path):
    with pytest.raises(AliasRefused, match="already"):
        candidate.canaries.begin("churn", CanaryPlan(1), "anna")
    begin(candidate)
    with pytest.raises(CanaryRunning):
        begin(candidate)
    assert candidate.canaries.stop("churn", "otto").state is CanaryState.STOPPED
    assert candidate.registry.aliases("churn") == {"production": 1}
