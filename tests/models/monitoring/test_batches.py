"""Batches of observations and labels: all or nothing, each id once, errors that say what to do."""

import pytest

from tests.models.monitoring.data import labels, lines, observations, transactions
from trimtab.models.monitoring.errors import (
    BadBatch,
    BatchTooLarge,
    LabelConflict,
    NotMonitored,
    PredictionUnknown,
)

NAME = "classifier_v2"


def stored(monitor, ids=("p0", "p1", "a", "b")):
    return set(monitor.store.predictions(NAME, ids))


def test_a_batch_is_stored_once_however_often_it_is_sent(monitor):
    columns = transactions(500)
    first = monitor.add_observations(NAME, observations(columns))
    again = monitor.add_observations(NAME, observations(columns))
    assert (first.stored, first.repeated, again.stored, again.repeated) == (500, 0, 0, 500)
    assert monitor.status(NAME).requests == 500


def test_an_id_twice_in_one_batch_counts_once(monitor):
    found = monitor.add_observations(NAME, lines({"id": "a", "score": 1}, {"id": "a", "score": 0}))
    assert (found.received, found.stored, found.repeated) == (2, 1, 1)
    assert monitor.status(NAME).requests == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"garbage", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "`id` is missing"),
        (b'{"id": ["x"]}', "`id` is neither text nor number"),
        (b'{"id": "b", "score": NaN}', "not JSON"),
        (b'{"id": "b", "score": 1.5}', "`score` is not a number from 0 to 1"),
        (b'{"id": "b", "score": true}', "`score` is not a number from 0 to 1"),
        (b'{"id": "b", "latency_ms": -1}', "`latency_ms` is not a number"),
        (b'{"id": "b", "features": [1]}', "`features` is not an object"),
        (b'{"id": "b", "features": {"V14": {}}}', "feature 'V14' is neither number nor text"),
        (b'{"id": "b", "predicton": 1}', "unknown field 'predicton'"),
        (b'{"id": "b", "at": "yesterday"}', "neither an ISO 8601 time"),
        (b'{"id": "b", "at": "2026-03-14T10:06:00Z"}', "in the future; set the sender's clock"),
        (b'{"id": "b", "at": "2020-01-01T00:00:00Z"}', "older predictions are not kept"),
        (b'{"id": "' + b"x" * 201 + b'"}', "longer than 200 characters"),
    ],
)
def test_one_bad_line_refuses_the_whole_batch(monitor, line, problem):
    with pytest.raises(BadBatch, match="1 of 2 lines") as raised:
        monitor.add_observations(NAME, lines({"id": "a"}) + b"\n" + line)
    assert "line 2" in raised.value.message
    assert problem in raised.value.message
    assert "Nothing was stored" in raised.value.hint()
    assert stored(monitor) == set()
    assert monitor.status(NAME).requests == 0


def test_a_clock_that_is_a_little_ahead_is_accepted(monitor):
    monitor.add_observations(NAME, lines({"id": "a", "at": "2026-03-14T10:04:00Z"}))
    assert stored(monitor) == {"a"}


def test_an_empty_batch_is_refused(monitor):
    with pytest.raises(BadBatch, match="empty"):
        monitor.add_observations(NAME, b"\n\n")


def test_ten_thousand_lines_are_a_batch_and_one_more_is_not(monitor):
    batch = lines(*({"id": f"p{n}"} for n in range(10_000)))
    assert monitor.add_observations(NAME, batch).stored == 10_000
    with pytest.raises(BatchTooLarge, match="10001 lines"):
        monitor.add_observations(NAME, batch + b'\n{"id": "a"}')
    assert stored(monitor, ["a"]) == set()


def test_features_that_the_reference_lacks_are_named(monitor):
    found = monitor.add_observations(NAME, lines({"id": "a", "features": {"V14": 1, "V99": 1}}))
    assert found.ignored_features == ("V99",)


def test_rows_of_another_model_are_refused(monitor):
    with pytest.raises(BadBatch, match="None of the features") as raised:
        monitor.add_observations(NAME, lines({"id": "a", "features": {"age": 1}}))
    assert "V14" in raised.value.hint()
    assert stored(monitor) == set()


def test_a_model_without_reference_is_not_monitored(monitor):
    with pytest.raises(NotMonitored, match="'other'"):
        monitor.add_observations("other", lines({"id": "a"}))


def test_labels_give_the_metrics_of_their_window(monitor):
    columns = transactions(500)
    monitor.add_observations(NAME, observations(columns))
    monitor.add_labels(NAME, labels(columns))
    monitor.run_once()
    found = monitor.status(NAME).performance
    predicted, actual = columns["score"] >= 0.5, columns["label"] == 1
    assert found.rows == 500
    assert found.precision == pytest.approx((predicted & actual).sum() / predicted.sum())
    assert monitor.store.metric_windows(NAME)[0].precision == found.precision


def test_a_label_twice_counts_once(monitor):
    monitor.add_observations(NAME, lines({"id": "a", "score": 1}))
    monitor.add_labels(NAME, lines({"id": "a", "label": 1}))
    again = monitor.add_labels(NAME, lines({"id": "a", "label": "1"}))
    assert (again.stored, again.repeated) == (0, 1)


def test_another_label_for_the_same_prediction_is_refused_unless_it_corrects(monitor):
    monitor.add_observations(NAME, lines({"id": "a", "score": 1}, {"id": "b", "score": 1}))
    monitor.add_labels(NAME, lines({"id": "a", "label": 1}))
    with pytest.raises(LabelConflict, match="'a' has the label '1'"):
        monitor.add_labels(NAME, lines({"id": "b", "label": 1}, {"id": "a", "label": 0}))
    assert monitor.store.predictions(NAME, ["b"])["b"].label is None
    monitor.add_labels(NAME, lines({"id": "a", "label": 0, "correct": True}))
    assert monitor.store.predictions(NAME, ["a"])["a"].label == "0"


def test_a_label_of_an_unknown_prediction_refuses_the_batch(monitor):
    monitor.add_observations(NAME, lines({"id": "a", "score": 1}))
    with pytest.raises(PredictionUnknown, match="1 of 2 labels are of unknown predictions: zz"):
        monitor.add_labels(NAME, lines({"id": "a", "label": 1}, {"id": "zz", "label": 1}))
    assert monitor.store.predictions(NAME, ["a"])["a"].label is None


def test_a_label_from_before_its_prediction_shows_a_wrong_clock(monitor):
    monitor.add_observations(NAME, lines({"id": "a", "score": 1}))
    with pytest.raises(BadBatch, match="dated before its prediction; set the sender's clock"):
        monitor.add_labels(NAME, lines({"id": "a", "label": 1, "at": "2026-03-14T09:30:00Z"}))


def test_a_label_without_label_is_refused(monitor):
    monitor.add_observations(NAME, lines({"id": "a", "score": 1}))
    with pytest.raises(BadBatch, match="`label` is missing"):
        monitor.add_labels(NAME, lines({"id": "a"}))
