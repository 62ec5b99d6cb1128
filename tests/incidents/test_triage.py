import pytest

from tests.incidents.records import drift_alert
from trimtab.incidents import Severity
from trimtab.incidents.triage import component_of, group_key, native_label, severity_of, title_of


@pytest.mark.parametrize(
    ("label", "runbook", "severity"),
    [
        ("P0", "P2", Severity.P0),
        ("P1 — Critical", "P2", Severity.P1),
        ("critical", "P2", Severity.P2),
        ("critical", "Warning", Severity.P2),
        ("critical", "", Severity.P1),
        ("WARNING", "", Severity.P2),
        ("info", "", Severity.P3),
        ("", "Low", Severity.P3),
        ("", "Critical", Severity.P1),
        ("", "", Severity.P2),
        ("P9", "", Severity.P2),
    ],
)
def test_every_sources_label_finds_its_place_on_one_scale(label, runbook, severity):
    assert severity_of(drift_alert(labels={"severity": label}), runbook) is severity


@pytest.mark.feature("F318", "F322", "F326")
def test_the_severity_is_also_written_as_its_source_would():
    assert native_label("AOPS", Severity.P1) == "P1 — Critical"
    assert native_label("AOPS", Severity.P2) == "P2 — Warning"
    assert native_label("AOPS", Severity.P3) == "P3 — Info"
    assert native_label("KB", Severity.P0) == "P0 (Critical)"
    assert native_label("MISO", Severity.P2) == "Warning"


@pytest.mark.feature("F502", "F503", "F504", "F505")
def test_the_knowledge_documents_levels_are_p0_to_p3_with_their_words():
    words = [native_label("KB", severity) for severity in sorted(Severity)]
    assert words == ["P0 (Critical)", "P1 (High)", "P2 (Medium)", "P3 (Low)"]


@pytest.mark.feature("F344", "F345", "F346")
def test_an_alert_tells_severity_type_and_affected_component():
    alert = drift_alert()
    assert severity_of(alert, "") is Severity.P1
    assert title_of(alert) == "Model Drift Critical"
    assert component_of(alert) == "classifier_v2"


def test_an_alert_without_a_title_is_told_by_its_name_in_words():
    assert title_of(drift_alert(annotations={})) == "Model Drift Critical"


def test_alerts_are_grouped_by_system_and_component_or_stand_alone():
    one = drift_alert(labels={"component": "tank", "system": "KB"})
    other = drift_alert(labels={"component": "tank", "system": "KB", "x": "y"}, fingerprint="z")
    assert group_key(one) == group_key(other)
    assert group_key(drift_alert(labels={})) == "alert_drift"
