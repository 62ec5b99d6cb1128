"""Evidence and acts of a page that are about the one object of the incident's alerts."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.incidents.records import START, drift_alert, drift_incident
from trimtab.incidents.diagnose import _command
from trimtab.incidents.evidence import bound_act, look
from trimtab.incidents.model import AttachedAlert
from trimtab.incidents.ports import CheckJudgement
from trimtab.monitoring.checks import check, compile_check
from trimtab.monitoring.labels import METRIC_NAME, labels_of
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.runbooks.commands import Act, Check
from trimtab.runbooks.errors import PlaceholderUnknown

WAITING = Check('max(pods_waiting{name="$name"}) > 0', 0.0, 0.0, 1)
RESTART = Act("k8s.restart", {"name": "$name"}, 1)


def monitor(**waiting):
    """Judges by the samples of these workloads."""
    store = SeriesStore(retention_seconds=3600)
    samples = [
        (labels_of({METRIC_NAME: "pods_waiting", "name": name}), value)
        for name, value in waiting.items()
    ]
    store.append("test", milliseconds(START), samples)

    def judge(expression, *, drill=False, process=""):
        found = check(compile_check(expression), store, START)
        return CheckJudgement(found.holds, found.reason)

    return SimpleNamespace(monitor=SimpleNamespace(judge=judge))


def incident_of(*labels):
    alerts = [
        AttachedAlert(
            drift_alert(labels=each, fingerprint=str(number)), firing=True, changed_at=START
        )
        for number, each in enumerate(labels)
    ]
    return replace(drift_incident(), alerts=tuple(alerts))


def test_only_the_workload_of_the_alert_is_evidence():
    context = monitor(web=0.0, api=2.0)
    found = look(context, incident_of({"name": "api"}), WAITING)
    assert (found.holds, found.expression) == (True, 'max(pods_waiting{name="api"}) > 0')
    assert look(context, incident_of({"name": "web"}), WAITING).holds is False


def test_a_workload_without_samples_cannot_be_told():
    assert look(monitor(api=2.0), incident_of({"name": "web"}), WAITING).holds is None


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([{}], "have no label 'name'"),
        ([{"name": ""}], "have no label 'name'"),
        ([{"name": "web"}, {"name": "api"}], "more than one name: api, web"),
    ],
)
def test_without_one_workload_it_cannot_be_told_and_nothing_is_done(labels, reason):
    incident = incident_of(*labels)
    found = look(monitor(api=2.0, web=2.0), incident, WAITING)
    assert found.holds is None
    assert reason in found.error
    with pytest.raises(PlaceholderUnknown):
        bound_act(incident, RESTART)
    assert _command(incident, RESTART) == "trimtab act k8s.restart 'name=$name'"


def test_alerts_of_one_workload_agree():
    incident = incident_of({"name": "api", "reason": "a"}, {"name": "api", "reason": "b"})
    assert look(monitor(api=2.0), incident, WAITING).holds is True
    assert _command(incident, RESTART) == "trimtab act k8s.restart name=api"
