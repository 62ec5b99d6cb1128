"""Every request is answered once, by what can, and what answered is on record."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.models.factory import models_in, register, sample_rows
from trimtab.kernel.errors import StorageFull
from trimtab.models.errors import (
    InvalidRows,
    ModelUnavailable,
    ModelUnknown,
    PredictionLate,
    TooManyRows,
    VersionUnknown,
)
from trimtab.models.serving.records import PredictionOutcome

ROWS = sample_rows(5, seed=3)


def ask(models, rows=ROWS, request_id="r1", **options):
    return models.serving.predict_now("churn", rows, request_id, **options)


def test_a_prediction_equals_that_of_the_estimator(two):
    found = ask(two)
    assert (found.served_by, found.outcome, found.version) == ("churn@2", PredictionOutcome.OK, 2)
    loaded = two.registry.load("churn").predictor
    from tests.models.factory import matrix

    expected = loaded.estimator.predict_proba(matrix(ROWS))
    assert found.outputs.probabilities == pytest.approx(expected)


def test_which_bytes_answered_a_request_is_one_query(two):
    ask(two, request_id="abc")
    (found,) = two.serving.store.served_bytes("abc")
    version = two.registry.resolve("churn", "2")
    assert (found.model, found.version, found.sha256) == ("churn", 2, version.digest)
    assert found.files == dict(version.manifest.files)
    assert found.inputs == ROWS
    assert [row["label"] for row in found.outputs] == [
        row["label"] for row in ask(two).outputs.to_json()
    ]


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([], InvalidRows),
        ([{"amount": 1.0}], InvalidRows),
        ([{**ROWS[0], "extra": 1}], InvalidRows),
        ([{**ROWS[0], "age": "old"}], InvalidRows),
        ([{**ROWS[0], "age": float("inf")}], InvalidRows),
        ([ROWS[0]] * 10_001, TooManyRows),
    ],
)
def test_bad_rows_are_refused_before_they_reach_the_model(two, rows, error):
    with pytest.raises(error):
        ask(two, rows)
    assert two.serving.store.recent() == []


def test_an_unknown_model_and_one_without_production_are_refused(models, tmp_path):
    with pytest.raises(ModelUnknown):
        ask(models)
    register(models, tmp_path)
    with pytest.raises(ModelUnavailable, match="no production version"):
        ask(models)


def test_an_alias_can_be_asked_by_name(two):
    assert ask(two, ref="previous").served_by == "churn@1"
    with pytest.raises(VersionUnknown, match="no candidate version"):
        ask(two, ref="candidate")


def test_a_failing_version_is_answered_for_by_the_previous_one(two, switch):
    switch(two).error = RuntimeError("out of memory")
    found = ask(two)
    assert (found.served_by, found.outcome, found.version) == (
        "churn@1",
        PredictionOutcome.FALLBACK,
        1,
    )
    assert two.serving.store.served_bytes("r1")[0].served_by == "churn@1"


def test_nan_of_a_model_counts_as_a_failure(two, switch):
    switch(two).nan = True
    assert ask(two).served_by == "churn@1"


def test_the_baseline_answers_when_no_version_can(two, switch):
    switch(two).error = RuntimeError("broken")
    switch(two, "previous").error = RuntimeError("broken too")
    found = ask(two)
    assert (found.served_by, found.outcome, found.version) == (
        "baseline",
        PredictionOutcome.FALLBACK,
        0,
    )
    usual = two.registry.resolve("churn", "2").manifest.baseline.probabilities
    assert found.outputs.to_json()[0]["probabilities"] == pytest.approx(dict(usual))


def test_without_fallbacks_a_failure_is_model_unavailable(tmp_path, switch):
    with models_in(tmp_path / "data", fallback_enabled="false") as models:
        register(models, tmp_path)
        register(models, tmp_path, shift=0.4)
        models.registry.promote("churn", 1, "anna", "")
        models.registry.promote("churn", 2, "anna", "")
        switch(models).error = RuntimeError("broken")
        with pytest.raises(ModelUnavailable, match="Model Unavailable: churn@2 failed"):
            ask(models)
        assert models.serving.store.recent()[0].outcome == PredictionOutcome.ERROR
        models.serving.fallback_enabled = True
        assert ask(models).served_by == "churn@1"


def test_rows_of_one_request_never_fail_those_of_another(two, switch):
    wrapped = switch(two)
    inner = wrapped.inner.predict

    def refuse_some(rows):
        if (rows.values[:, 0] > 100).any():
            raise ValueError("too large")
        return inner(rows)

    wrapped.inner.predict = refuse_some
    wrapped.gate = threading.Event()
    poison = [{**ROWS[0], "amount": 1000.0}]
    answers = {}

    def run(key, rows):
        answers[key] = ask(two, rows, key)

    first = threading.Thread(target=run, args=("first", ROWS))
    first.start()
    wrapped.entered.wait(20)
    others = [
        threading.Thread(target=run, args=(key, rows))
        for key, rows in (("bad", poison), ("good", ROWS[:2]))
    ]
    for thread in others:
        thread.start()
    served = two.serving.ready("churn").routing.servers["production"]
    while served.waiting < 2:
        threading.Event().wait(0.001)
    wrapped.gate.set()
    for thread in (first, *others):
        thread.join(20)
    assert wrapped.batches[1] == 3  # Both came in one batch.
    assert answers["good"].served_by == "churn@2"
    assert answers["bad"].served_by == "churn@1"


def test_a_breaker_opens_after_failures_and_closes_after_a_success(tmp_path, switch):
    with models_in(tmp_path / "data", breaker_failures=2, breaker_seconds=0.1) as models:
        register(models, tmp_path)
        register(models, tmp_path, shift=0.4)
        models.registry.promote("churn", 1, "anna", "")
        models.registry.promote("churn", 2, "anna", "")
        wrapped = switch(models)
        wrapped.error = RuntimeError("broken")
        ask(models, request_id="a")
        ask(models, request_id="b")
        assert models.serving.ready("churn").routing.servers["production"].breaker.state == "open"
        before = len(wrapped.batches)
        ask(models, request_id="c")
        assert len(wrapped.batches) == before  # It was not asked.
        wrapped.error = None
        threading.Event().wait(0.15)
        assert ask(models, request_id="d").served_by == "churn@2"


def test_a_late_version_is_answered_for_and_never_answers_twice(tmp_path, switch):
    with models_in(tmp_path / "data", deadline_seconds=0.5) as models:
        register(models, tmp_path)
        register(models, tmp_path, shift=0.4)
        models.registry.promote("churn", 1, "anna", "")
        models.registry.promote("churn", 2, "anna", "")
        slow = switch(models)
        slow.gate = threading.Event()
        assert ask(models).served_by == "churn@1"
        slow.gate.set()
        models.serving.close()  # Waits for what the slow version still does.
        assert [row.served_by for row in models.serving.store.recent()] == ["churn@1"]


def test_without_any_fallback_a_late_version_is_said_to_be_late(tmp_path, switch):
    with models_in(tmp_path / "data", deadline_seconds=0.3, fallback_enabled="false") as models:
        register(models, tmp_path)
        models.registry.promote("churn", 1, "anna", "")
        slow = switch(models)
        slow.gate = threading.Event()
        with pytest.raises(PredictionLate):
            ask(models)
        slow.gate.set()


def test_requests_of_many_clients_are_predicted_together(two, switch):
    wrapped = switch(two)

    async def many():
        await asyncio.gather(
            *(
                two.serving.predict("churn", [ROWS[0]], f"r{at}", inputs_json=b"%d" % at)
                for at in range(64)
            )
        )

    asyncio.run(many())
    assert sum(wrapped.batches) == 64
    assert len(wrapped.batches) < 64
    assert len({row.request_id for row in two.serving.store.recent()}) == 64


def test_a_repeated_request_is_answered_from_the_cache_and_stored_again(two, switch):
    wrapped = switch(two)
    first, second = ask(two, request_id="a"), ask(two, request_id="b")
    assert (first.cached, second.cached, len(wrapped.batches)) == (False, True, 1)
    assert second.outputs_json == first.outputs_json
    assert len(two.serving.store.recent()) == 2


def test_the_cache_belongs_to_one_version(two):
    before = ask(two, request_id="a")
    two.registry.rollback("churn", "anna", "")
    after = ask(two, request_id="b")
    assert (after.served_by, after.cached) == ("churn@1", False)
    assert after.outputs_json != before.outputs_json


def test_no_answer_is_given_that_could_not_be_stored(two, monkeypatch):
    def full(_rows):
        raise StorageFull("The disk is full.")

    monkeypatch.setattr(type(two.serving.store), "add", lambda _self, rows: full(rows))
    with pytest.raises(StorageFull):
        ask(two)


def test_a_rollback_under_load_loses_no_request(two):
    answers, errors = [], []
    stop = threading.Event()

    def load(client):
        at = 0
        while not stop.is_set():
            try:
                answers.append(ask(two, [ROWS[at % 5]], f"c{client}-{at}"))
            except Exception as error:  # noqa: BLE001
                errors.append(error)
            at += 1

    clients = [threading.Thread(target=load, args=(client,)) for client in range(8)]
    for client in clients:
        client.start()
    for _ in range(10):
        two.registry.rollback("churn", "anna", "")
        two.registry.promote("churn", 2, "anna", "")
    stop.set()
    for client in clients:
        client.join(30)
    assert errors == []
    assert {answer.outcome for answer in answers} == {PredictionOutcome.OK}
    assert {answer.served_by for answer in answers} == {"churn@1", "churn@2"}


def test_a_version_whose_file_was_changed_stops_serving_at_the_next_check(two):
    ask(two, request_id="before")
    version = two.registry.resolve("churn", "2")
    file = two.registry.artifacts.path(version.digest) / "model.skops"
    file.write_bytes(file.read_bytes()[:-1])
    (problem,) = two.serving.verify_all()
    assert "churn@2" in problem
    assert ask(two, request_id="after").served_by == "churn@1"


def test_a_version_that_drifts_from_its_golden_batch_stops_serving(two, switch):
    switch(two)
    two.serving.ready("churn").routing.servers["production"].loaded.predictor.inner.estimator[
        -1
    ].coef_ *= 1.01
    assert len(two.serving.verify_all()) == 1
    assert ask(two, request_id="after").served_by == "churn@1"


@pytest.mark.feature("F181")
@pytest.mark.on_files
def test_queries_over_time_use_the_index(two):
    since, store, sent = two.context.env.clock.now() - timedelta(hours=1), two.serving.store, []

    def note(_connection, _cursor, statement, parameters, *_):
        sent.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        store.recent(since=since)
        store.recent("churn", since)
        store.drop_before(since)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    queries = [each for each in sent if "analysis_results" in each[0]]
    assert len(queries) == 3
    for statement, parameters in queries:
        with store.database.read() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = " ".join(row[3] for row in rows)
        assert "idx_analysis_timestamp" in plan
        assert "SCAN" not in plan


def test_old_results_are_deleted_and_results_of_a_person_on_request(two):
    ask(two, request_id="old")
    cut = two.context.env.clock.now()
    assert two.serving.store.drop_before(cut + timedelta(seconds=1)) == 1
    asyncio.run(two.serving.predict("churn", ROWS, "mine", user_id="p1"))
    ask(two, request_id="other")
    (step,) = two.personal_data()
    assert step.count("p1") == 1
    step.erase("p1")
    assert [row.request_id for row in two.serving.store.recent()] == ["other"]


def test_health_is_a_real_prediction(two, switch):
    found = two.health("churn")
    assert found.healthy
    assert found.confidence > 0.5
    wrapped = switch(two)
    assert two.health("churn").healthy
    assert wrapped.batches == [1]  # Not from the cache.
    wrapped.error = RuntimeError("broken")
    found = two.health("churn")
    assert not found.healthy
    assert "churn@1 answered instead of churn@2" in found.detail


@pytest.mark.feature("F187")
def test_every_model_is_loaded_and_proved_at_the_start_and_answers_from_memory(tmp_path):
    with models_in(tmp_path / "data") as models:
        for name in ("earnings-analyzer", "sentiment-analyzer", "never-promoted"):
            register(models, tmp_path, name=name)
            if name != "never-promoted":
                models.registry.promote(name, 1, "anna", "")
    with models_in(tmp_path / "data") as models:
        for thread in threading.enumerate():
            if thread.name == "models warm-up":
                thread.join(60)
        assert set(models.serving.servers) >= {"earnings-analyzer", "sentiment-analyzer"}
        served = models.serving.servers["earnings-analyzer"].routing.servers["production"]
        version = served.version
        for file in models.registry.artifacts.path(version.digest).iterdir():
            file.unlink()
        assert models.serving.predict_now("earnings-analyzer", sample_rows(1), "r").version == 1


@pytest.mark.parametrize("only", ["earnings-analyzer", ""])
def test_a_process_for_one_model_loads_no_other(tmp_path, only):
    with models_in(tmp_path / "data", only=only) as models:
        for name in ("earnings-analyzer", "risk-predictor"):
            register(models, tmp_path, name=name)
            models.registry.promote(name, 1, "anna", "")
        models.serving.warm_up()
        expected = {only} if only else {"earnings-analyzer", "risk-predictor"}
        assert set(models.serving.servers) == expected


def test_a_promotion_while_the_model_is_loaded_takes_effect(models, tmp_path, monkeypatch):
    register(models, tmp_path)
    models.registry.move_alias("churn", "candidate", 1, "anna", "try it")
    loading, may_go_on, load = threading.Event(), threading.Event(), models.registry.load_version

    def slow(version):
        if threading.current_thread() is warm_up:  # A promotion loads the version too.
            loading.set()
            assert may_go_on.wait(30)
        return load(version)

    warm_up = threading.Thread(target=models.serving.warm_up)
    monkeypatch.setattr(models.registry, "load_version", slow)
    warm_up.start()
    assert loading.wait(30)
    promotion = threading.Thread(target=models.registry.promote, args=("churn", 1, "anna", ""))
    promotion.start()
    until = time.monotonic() + 30
    while models.registry.aliases("churn").get("production") != 1:
        assert time.monotonic() < until
        time.sleep(0.01)
    # Long enough for the promotion to be announced; a slower one passes without need.
    promotion.join(0.5)
    may_go_on.set()
    for thread in (warm_up, promotion):
        thread.join(30)
        assert not thread.is_alive()
    assert models.serving.predict_now("churn", sample_rows(1), "r").version == 1
