import pytest

from tests.incidents.records import drift_alert
from trimtab.incidents.model import IncidentSeverity
from trimtab.incidents.triage import component_of, group_key, native_label, severity_of, title_of
from trimtab.monitoring.alerts import fingerprint


@pytest.mark.parametrize(
    ("label", "runbook", "severity"),
    [
        ("P0", "P2", IncidentSeverity.P0),
        ("P1 — Critical", "P2", IncidentSeverity.P1),
        ("critical", "P2", IncidentSeverity.P2),
        ("critical", "Warning", IncidentSeverity.P2),
        ("critical", "Medium", IncidentSeverity.P2),
        ("critical", "error", IncidentSeverity.P2),
        ("critical", "", IncidentSeverity.P1),
        ("page", "P3", IncidentSeverity.P3),
        ("page", "", IncidentSeverity.P1),
        ("high", "", IncidentSeverity.P1),
        ("error", "", IncidentSeverity.P2),
        ("WARNING", "", IncidentSeverity.P2),
        ("medium", "", IncidentSeverity.P2),
        ("low", "", IncidentSeverity.P3),
        ("info", "", IncidentSeverity.P3),
        ("none", "", IncidentSeverity.P3),
        ("", "Low", IncidentSeverity.P3),
        ("", "Critical", IncidentSeverity.P1),
        ("", "", IncidentSeverity.P2),
        ("P9", "", IncidentSeverity.P2),
    ],
)
def test_every_sources_label_finds_its_place_on_one_scale(label, runbook, severity):
    assert severity_of(drift_alert(labels={"severity": label}), runbook) is severity


@pytest.mark.feature("F318", "F322", "F326")
def test_the_severity_is_also_written_as_its_source_would():
    assert native_label("AOPS", IncidentSeverity.P1) == "P1 — Critical"
    assert native_label("AOPS", IncidentSeverity.P2) == "P2 — Warning"
    assert native_label("AOPS", IncidentSeverity.P3) == "P3 — Info"
    assert native_label("KB", IncidentSeverity.P0) == "P0 (Critical)"
    assert native_label("MISO", IncidentSeverity.P2) == "Warning"


@pytest.mark.feature("F502", "F503", "F504", "F505")
def test_the_knowledge_documents_levels_are_p0_to_p3_with_their_words():
    words = [native_label("KB", severity) for severity in sorted(IncidentSeverity)]
    assert words == ["P0 (Critical)", "P1 (High)", "P2 (Medium)", "P3 (Low)"]


@pytest.mark.feature("F344", "F345", "F346")
def test_an_alert_tells_severity_type_and_affected_component():
    alert = drift_alert()
    assert severity_of(alert, "") is IncidentSeverity.P1
    assert title_of(alert) == "Model Drift Critical"
    assert component_of(alert) == "classifier_v2"


def test_an_alert_without_a_title_is_told_by_its_name_in_words():
    assert title_of(drift_alert(annotations={})) == "Model Drift Critical"


def test_alerts_are_grouped_by_system_and_component_or_stand_alone():
    one = drift_alert(labels={"component": "tank", "system": "KB"})
    other = drift_alert(labels={"component": "tank", "system": "KB", "x": "y"}, fingerprint="z")
    assert group_key(one) == group_key(other)
    assert group_key(drift_alert(labels={})) == "alert_drift"


def test_one_alert_of_several_processes_of_the_fleet_is_one_group():
    def alert(source="", **labels):
        labels = {"alertname": "QueueDeep", "queue": "review", **labels}
        return drift_alert(labels=labels, fingerprint=fingerprint(labels), source=source)

    own = group_key(alert())
    assert own == group_key(alert(process="process_b")) == group_key(alert(process="process_c"))
    assert group_key(alert(queue="answers", process="process_b")) != own
    # From outside the label may mean anything.
    outside = alert(process="nginx", source="alertmanager")
    assert group_key(outside) == outside.fingerprint != own
