"""Evidence about features of a model: which ones, of which model, and in the title of the cause."""

from types import SimpleNamespace

import pytest

from tests.incidents.records import drift_incident
from trimtab.incidents.diagnose import _titled
from trimtab.incidents.evidence import look
from trimtab.incidents.ports import CheckJudgement
from trimtab.kernel.operable import Sample
from trimtab.runbooks.commands import Check

CHECK = Check("models_drift_unit_factor != 1", 0.0, 0.0, 1)


def finding(*samples):
    """The finding of an incident of classifier_v2 when the check holds for these series."""
    judged = CheckJudgement(
        holds=True, samples=[Sample(value, labels) for value, labels in samples]
    )
    context = SimpleNamespace(monitor=SimpleNamespace(judge=lambda *_, **__: judged))
    return look(context, drift_incident(), CHECK)


def of(feature, model="classifier_v2"):
    return {"model": model, "feature": feature}


@pytest.mark.feature("F353", "F354")
def test_the_evidence_names_the_features_with_their_values():
    found = finding((2.54, of("V14")), (100.0, of("V17")))
    assert (found.holds, found.values, found.features) == (True, (2.54, 100.0), ("V14", "V17"))


def test_the_cause_is_titled_with_the_features():
    cause = SimpleNamespace(title="Vendor API format change")
    found = finding((2.54, of("V14")))
    assert _titled(cause, [found]) == "Vendor API format change affecting V14"
    assert _titled(cause, []) == "Vendor API format change"


def test_what_holds_for_another_model_supports_nothing_here():
    assert finding((2.54, of("V14", model="other"))).holds is False
    both = finding((3.0, of("V1", model="other")), (2.54, of("V14")))
    assert (both.holds, both.features) == (True, ("V14",))


def test_series_without_a_model_count_for_every_incident():
    assert finding((1.0, {})).holds is True


def test_five_values_are_shown():
    found = finding(*((float(n), of(f"V{n}")) for n in range(6)))
    assert (len(found.values), found.features) == (5, ("V0", "V1", "V2", "V3", "V4"))
