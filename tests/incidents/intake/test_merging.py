"""What is known of an alert after each word of its sender: repetitions, ends, changes that come too often."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.incidents.intake.desk import make_desk, sent
from trimtab.incidents.intake.merge import Flapping, merge
from trimtab.incidents.intake.model import ReceivedAlert, ReceivedState

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
RARELY = Flapping(changes=5, window=timedelta(minutes=30))


def word(*, resolved=False, ends=None, **annotations):
    return ReceivedAlert("f1", {"alertname": "A"}, annotations, NOON, ends, resolved, "prometheus")


def told(*words, every=timedelta(minutes=1), flapping=RARELY):
    """Return the record after these words, one a minute from noon on."""
    record = None
    for number, each in enumerate(words):
        record = merge(record, each, NOON + number * every, flapping)
    return record


def test_a_first_alert_fires_and_its_incident_has_to_learn_of_it():
    record = told(word(summary="full"))
    assert (record.state, record.pending, record.times, record.changes) == ("firing", True, 1, 0)
    assert record.annotations == {"summary": "full"}


def test_a_repetition_takes_the_new_text_and_changes_nothing_else():
    record = told(word(summary="90 %"), word(summary="95 %", ends=NOON))
    assert (record.times, record.changes) == (1, 0)
    assert record.annotations == {"summary": "95 %"}
    assert record.updated_at == NOON + timedelta(minutes=1)


def test_an_end_is_no_later_than_now_and_keeps_what_the_alert_said():
    record = told(word(summary="full"), word(resolved=True, ends=NOON + timedelta(days=1)))
    assert (record.state, record.pending) == ("resolved", True)
    assert record.ends_at == NOON + timedelta(minutes=1)
    assert record.annotations == {"summary": "full"}


def test_a_second_end_changes_nothing():
    over = word(resolved=True)
    record = told(word(), over, over)
    assert record.ends_at == NOON + timedelta(minutes=1)
    assert record.changes == 1


def test_an_end_without_a_beginning_is_no_record():
    assert told(word(resolved=True)) is None


def test_firings_are_counted_and_changes_too():
    record = told(word(), word(resolved=True), word())
    assert (record.times, record.changes, record.pending) == (2, 2, True)


@pytest.mark.parametrize(("limit", "flapping"), [(3, True), (4, False)])
def test_an_alert_flaps_at_its_limit_of_changes(limit, flapping):
    often = Flapping(limit, timedelta(minutes=30))
    record = told(word(), word(resolved=True), word(), word(resolved=True), flapping=often)
    assert record.flapping is flapping
    assert record.state is (ReceivedState.FIRING if flapping else ReceivedState.RESOLVED)


def test_a_flapping_alert_is_over_after_a_third_of_the_window_without_a_change():
    often = Flapping(1, timedelta(minutes=30))
    record = told(word(), word(resolved=True), flapping=often)
    assert record.ends_at == NOON + timedelta(minutes=11)
    again = merge(record, word(resolved=True), NOON + timedelta(minutes=2), often)
    assert again.ends_at == record.ends_at


def test_a_flapping_alert_that_fires_again_is_counted_and_does_not_reopen_its_incident():
    often = Flapping(1, timedelta(minutes=30))
    record = told(word(), word(resolved=True), flapping=often)
    known = merge(record, word(), NOON + timedelta(minutes=2), often)
    assert (known.state, known.flapping, known.times, known.changes) == ("firing", False, 1, 2)


@pytest.mark.parametrize(("minutes", "changes"), [(30, 2), (31, 1)])
def test_changes_are_counted_within_the_window(minutes, changes):
    ended = told(word(), word(resolved=True), every=timedelta(0))
    record = merge(ended, word(), NOON + timedelta(minutes=minutes), RARELY)
    assert record.changes == changes
    assert record.changes_since == (NOON if changes == 2 else NOON + timedelta(minutes=31))


def test_an_alert_whose_sender_was_silent_ends_when_it_says_so(tmp_path):
    desk = make_desk(tmp_path)
    desk.webhook(sent())
    (alert,) = desk.store.listed()
    silent = replace(alert, state=ReceivedState.EXPIRED)
    over = merge(silent, word(resolved=True, ends=NOON), desk.clock.now(), RARELY)
    assert (over.state, over.pending, over.changes) == ("resolved", True, 0)
