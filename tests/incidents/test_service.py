import math
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.incidents.operator import alert, make_operator
from tests.incidents.world import PUMP, TAP
from trimtab.incidents import State
from trimtab.incidents.errors import DrillRunning, IncidentUnknown, PreapprovalRefused
from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.module import IncidentRecords, OperatorPorts, build
from trimtab.incidents.signals import signals
from trimtab.incidents.transition import NewEntry
from trimtab.kernel.operable import Catalog
from trimtab.testing.jobs import FakeJobs


def broken(operator):
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    return operator.fire()


def test_the_same_alert_again_joins_the_open_incident_silently(operator):
    first = broken(operator)
    again = operator.fire()
    assert again.id == first.id
    assert len(operator.incidents.timeline(first.id)) == 1


def test_another_alert_of_the_same_component_joins(operator):
    first = broken(operator)
    joined = operator.fire(instance="b")
    assert joined.id == first.id
    assert len(joined.alerts) == 2


def test_an_alert_of_another_component_opens_an_incident_with_an_id_of_its_own(operator):
    first = broken(operator)
    second = operator.fire(component="boiler")
    assert (first.id, second.id) == ("INC-2026-0314", "INC-2026-0314-2")


def test_an_alert_that_comes_back_soon_reopens_its_incident(operator):
    first = broken(operator)
    operator.jobs.run()
    operator.clock.advance(600)
    again = broken(operator)
    assert (again.id, again.episode.number, again.state) == (first.id, 2, State.DETECTED)
    operator.jobs.run()
    assert operator.incidents.get(first.id).state is State.RESOLVED


def test_an_alert_that_comes_back_late_opens_a_new_incident(operator):
    first = broken(operator)
    operator.jobs.run()
    operator.clock.advance(3600)
    assert broken(operator).id != first.id


def test_a_value_that_is_not_finite_can_be_kept_and_read(operator):
    fired = replace(alert(operator.clock.now()), value=math.inf)
    incident = operator.incidents.alert_fired(fired)
    assert operator.incidents.get(incident.id).alert.value == 0


def test_what_fired_at_the_end_can_be_given_back_to_the_rules(operator):
    incident = broken(operator)
    assert operator.incidents.firing_alerts() == [incident.alert]
    operator.incidents.alert_resolved(incident.alert.fingerprint, operator.clock.now())
    assert operator.incidents.firing_alerts() == []


def test_every_active_incident_gets_its_job_again_after_a_start(tmp_path):
    first = make_operator(tmp_path)
    incident = broken(first)
    again = make_operator(tmp_path)
    again.incidents.resume()
    again.jobs.run()
    assert again.incidents.get(incident.id).state is State.RESOLVED


def test_missing_jobs_are_started_again_each_minute(operator):
    context, jobs = operator.context, FakeJobs(operator.clock)
    monitor = SimpleNamespace(prometheus_url="")
    settings = SimpleNamespace(incidents=context.settings, monitor=monitor)
    env = SimpleNamespace(settings=settings, audit=operator.audit, clock=operator.clock, jobs=jobs)
    records = IncidentRecords(context.store, context.proofs)
    module = build(env, records, context.catalog, context.library, context.monitor, OperatorPorts())
    (task,) = module.scheduled
    assert task.every_seconds == 60
    assert module.service.context.ranking is None  # Nothing is sampled here.
    incident = broken(operator)
    task.run()
    jobs.run()
    assert module.service.get(incident.id).state is State.RESOLVED


def test_following_returns_at_once_what_is_there_and_waits_for_what_is_not(operator):
    incident = broken(operator)
    assert [entry.seq for entry in operator.incidents.follow(incident.id, 0, 60)] == [1]
    worker = threading.Thread(target=operator.jobs.run)
    worker.start()
    # Far longer than a test may take: only the news may end the wait.
    assert operator.incidents.follow(incident.id, 1, 600)[0].seq == 2
    worker.join()


def test_following_is_told_of_news_that_come_while_it_looks(operator, monkeypatch):
    incident = broken(operator)
    store, look = operator.context.store, operator.context.store.timeline

    def followed_by_news(*asked):
        found = look(*asked)
        monkeypatch.setattr(store, "timeline", look)
        operator.jobs.run()
        return found

    monkeypatch.setattr(store, "timeline", followed_by_news)
    # Far longer than a test may take: only the news may end the wait.
    assert operator.incidents.follow(incident.id, 1, 600)[0].seq == 2


def test_following_ends_empty_when_nothing_happens(operator):
    incident = broken(operator)
    assert operator.incidents.follow(incident.id, 1, 0.01) == []


def test_an_unknown_incident_is_refused(operator):
    for look in (
        operator.incidents.get,
        operator.incidents.timeline,
        operator.incidents.postmortem,
    ):
        with pytest.raises(IncidentUnknown):
            look("INC-1")


def test_two_drills_at_once_are_refused(operator):
    with operator.incidents.drill(), pytest.raises(DrillRunning), operator.incidents.drill():
        pass


@pytest.mark.parametrize("name", ["models.rollback", "models.retrain", "x.retraining.start"])
def test_rollback_and_retraining_can_not_be_pre_approved(tmp_path, name):
    with pytest.raises(PreapprovalRefused):
        make_operator(tmp_path, preapproved=(name,))


@pytest.mark.feature("F362")
@pytest.mark.parametrize(
    ("preapproved", "state"),
    [((), State.AWAITING_APPROVAL), (("tank.swap_pump",), State.RESOLVED)],
)
def test_an_infrastructure_change_waits_for_a_person_unless_it_is_pre_approved(
    tmp_path, preapproved, state
):
    operator = make_operator(tmp_path, preapproved=preapproved)
    operator.prove(PUMP)
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is state)
    assert operator.incidents.get(incident.id).state is state
    assert bool(operator.effects()) is bool(preapproved)


@pytest.mark.feature("F363", "F364")
def test_acts_run_in_their_order_and_each_result_is_logged(operator):
    incident = broken(operator)
    operator.jobs.run()
    ran = [text for text in operator.texts(incident.id) if text.startswith(("Running", "Done"))]
    assert ran == [
        "Running tank.close_tap.",
        "Done: close_tap was done.",
        "Running tank.refill with litres=9.",
        "Done: refill was done.",
    ]


def test_the_operators_own_figures_can_be_read(operator):
    catalog = Catalog(signals=signals(operator.context.store, operator.outbox, operator.clock))

    def read(name):
        return [sample.value for sample in catalog.signal(name).read()]

    assert math.isnan(read("incidents.mttr_seconds")[0])
    broken(operator)
    assert read("incidents.open") == [0, 0, 1, 0]
    operator.jobs.run()
    assert read("incidents.open") == [0, 0, 0, 0]
    assert read("incidents.mttr_seconds")[0] >= 60
    assert read("notify.undelivered")[0] > 0


def test_an_operator_that_fails_itself_calls_a_person(operator):
    incident = broken(operator)
    operator.world.put(tap=1)
    original = operator.context.monitor.firing
    operator.world.firing = lambda fingerprint: 1 / 0
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    operator.world.firing = original
    texts = " ".join(operator.texts(incident.id))
    assert "The operator failed: ZeroDivisionError: division by zero." in texts
    assert "On-Call Engineer" in operator.incidents.get(incident.id).episode.called


def test_when_a_person_has_repaired_it_the_incident_is_resolved(operator):
    operator.world.put(level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    operator.world.put(level=9)
    operator.jobs.run()
    done = operator.incidents.get(incident.id)
    assert (done.state, done.episode.resolution) == (
        State.RESOLVED,
        "No act of a person is recorded, so what ended the alerts is unknown.",
    )


def test_an_alert_that_needs_long_to_fire_must_be_quiet_for_as_long(operator):
    slow = replace(alert(operator.clock.now()), pending_seconds=1800.0)
    assert isinstance(slow, IncidentAlert)
    operator.incidents.alert_fired(slow)
    operator.jobs.run()
    (done,) = operator.incidents.list()
    assert (done.episode.restored_at - done.episode.opened_at).total_seconds() >= 1860


def test_an_incident_counts_the_seconds_it_has_been_open_by_its_runbook(operator):
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(
        until=lambda: operator.incidents.get(incident.id).state == "awaiting_approval"
    )
    opened = operator.incidents.get(incident.id).episode.opened_at
    (open_for,) = [
        signal
        for signal in signals(operator.context.store, operator.outbox, operator.clock)
        if signal.name == "incidents.unresolved_seconds"
    ]
    (sample,) = open_for.read()
    age = (operator.clock.now() - opened).total_seconds()
    assert (sample.labels, sample.value) == ({"runbook": "tank-empty"}, age)


def test_the_journal_hides_the_credentials_of_addresses(operator):
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    address = "https://ann:hunter2@model.example/v1?api_key=s3cret&top=5"

    class Address:
        def __str__(self):
            return address

    facts = {"url": address, "deep": [{"at": address}], "other": Address(), "count": 3}
    new_entry = NewEntry("test.secret", f"Asked {address} in vain.", facts=facts)
    operator.context.store.note(incident, operator.clock.now(), new_entry)
    kept = operator.incidents.timeline(incident.id)[-1]
    for text in (kept.text, kept.facts["url"], kept.facts["deep"][0]["at"], kept.facts["other"]):
        assert "model.example/v1" in text
        assert "top=5" in text
        assert "hunter2" not in text
        assert "s3cret" not in text
    assert kept.facts["count"] == 3
    assert "hunter2" not in operator.incidents.postmortem(incident.id)
