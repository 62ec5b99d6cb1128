"""Each threshold of each shipped alert, from both sides, by our engine and by Prometheus' own rule manager."""

import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.monitoring.boundaries import BOUNDARIES, notation
from tests.monitoring.real_prometheus import tool
from tests.monitoring.rule_cases import Playback, RuleCase
from tests.monitoring.test_rule_cases import alert_as_expected

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.yml"))
STEP_MS = 30_000
# The documents' thresholds, by the alert that must fire at them.
FEATURES = {
    "AnswersFailing": ("F402",),
    "AnswersBlockedSpike": ("F403",),
    "AnswersHallucinating": ("F406",),
    "AnswersEmptyResults": ("F473",),
    "AnswersSimilarityShifted": ("F404", "F468"),
    "AnswersEmbeddingDrift": ("F428",),
    "GuardrailFalsePositivesHigh": ("F237", "F251"),
    "GuardrailSlow": ("F255",),
    "GuardrailSuccessRateLow": ("F255",),
    "KnowledgeCacheHitRatioLow": ("F671", "F695"),
    "KnowledgeDatabaseDamaged": ("F698",),
    "KnowledgeDiskFillingUp": ("F646",),
    "KnowledgeDiskSpaceCritical": ("F623", "F645"),
    "KnowledgeDiskSpaceLow": ("F563", "F644"),
    "KnowledgeEmbeddingModelDown": ("F647",),
    "KnowledgeErrorRateHigh": ("F592",),
    "KnowledgeGpuMemoryLow": ("F669",),
    "KnowledgeIngestionBacklog": ("F666",),
    "KnowledgeMemoryGrowing": ("F564", "F590"),
    "KnowledgeSearchSlow": ("F507",),
    "KnowledgeSearchSlowing": ("F531",),
    "KnowledgeVectorStoreDown": ("F535",),
    "KubernetesScaleAhead": ("F235",),
    "KubernetesWorkloadBusy": ("F525",),
    "PlatformAccessRefused": ("F301",),
    "PlatformDataLoss": ("F300",),
    "PlatformDown": ("F297", "F320"),
    "PlatformErrorsRaised": ("F163",),
    "PlatformModelUnavailable": ("F164",),
    "PlatformQueueDeep": ("F166",),
    "PlatformResourcesHigh": ("F165",),
    "PlatformResponseRaised": ("F162",),
    "PlatformResponseSlow": ("F167",),
    "NotificationChannelFailing": ("F260",),
    "ReviewQueueBacklog": ("F276",),
    "ReviewNotUpdating": ("F259",),
    "FeedbackNotProcessed": ("F261",),
    "ModelAccuracyLow": ("F319", "F343"),
    "ModelAvailabilityLow": ("F164",),
    "ModelDataQuality": ("F325",),
    "ModelDrift": ("F323",),
    "ModelDriftMild": ("F327",),
    "ModelErrorRateHigh": ("F321",),
    "ModelRetrainingScheduled": ("F329",),
    "ModelSlow": ("F324",),
    "ModelSlowing": ("F328",),
    "ServiceDegraded": ("F299",),
    "ServiceErrorRateHigh": ("F298",),
    "ServiceFailing": ("F321", "F343"),
    "ServiceNearlyFull": ("F533",),
    "ServiceSlow": ("F324",),
    "ServiceSlowing": ("F328",),
}
SEVERITIES = {
    "P0": {
        "KnowledgeDatabaseDamaged",
        "KnowledgeVectorStoreDown",
        "PlatformDataLoss",
        "PlatformDown",
    },
    "P1": {
        "AnswersErasureFailed",
        "AnswersFailing",
        "AnswersPersonalDataFound",
        "GatesBenchmarkFailed",
        "GatesDatasetFailed",
        "GatesNotJudged",
        "GatesSchemaFailed",
        "GatesSecurityFailed",
        "GuardrailFailing",
        "IncidentExecutionStalled",
        "KnowledgeDiskSpaceCritical",
        "KnowledgeErrorRateHigh",
        "KnowledgeIngestionBacklog",
        "KnowledgeMemoryGrowing",
        "KnowledgeSearchSlow",
        "ModelAccuracyLow",
        "ModelDriftCritical",
        "ModelErrorRateHigh",
        "KubernetesPodsFailing",
        "KubernetesServiceWithoutEndpoints",
        "KubernetesWorkloadNotReady",
        "ModelUnavailable",
        "PlatformAccessRefused",
        "PostgresBackupLate",
        "PostgresChecksumFailures",
        "PostgresConnectionsExhausted",
        "PostgresUnreachable",
        "ServiceDegraded",
        "ServiceErrorRateHigh",
        "ServiceFailing",
    },
    "P2": {
        "AnswersBlockedSpike",
        "AnswersBudgetNearlyUsed",
        "AnswersCanaryMissing",
        "AnswersEmbeddingDrift",
        "AnswersEmptyResults",
        "AnswersFallingBack",
        "AnswersHallucinating",
        "AnswersSimilarityShifted",
        "BackgroundTaskLate",
        "FeedbackNotProcessed",
        "GatesDriftDetected",
        "GatesPerformanceRegressed",
        "GatesProcessViolated",
        "GuardrailFalsePositivesHigh",
        "GuardrailSlow",
        "GuardrailSuccessRateLow",
        "KnowledgeCacheHitRatioLow",
        "KnowledgeDiskSpaceLow",
        "KnowledgeEmbeddingModelDown",
        "KnowledgeSearchSlowing",
        "KubernetesNodeNotReady",
        "KubernetesRolloutStuck",
        "KubernetesVolumeNotBound",
        "KubernetesWorkloadBusy",
        "ModelAccuracyAtRisk",
        "ModelAvailabilityLow",
        "ModelDataQuality",
        "ModelDrift",
        "ModelSlow",
        "NotificationChannelFailing",
        "NotificationsNotDelivered",
        "PlatformModelUnavailable",
        "PlatformQueryLong",
        "PlatformQueueDeep",
        "PlatformResourcesHigh",
        "PlatformResponseSlow",
        "PostgresLocksWaiting",
        "PostgresQueryLong",
        "PostgresReplicationLag",
        "ReviewNotUpdating",
        "ReviewQueueBacklog",
        "ReviewQueueDamaged",
        "ServiceSlow",
    },
    "P3": {
        "AnswersTracesWaiting",
        "GatesDocumentationOutdated",
        "KnowledgeDiskFillingUp",
        "KnowledgeGpuMemoryLow",
        "KnowledgeRefusalsHigh",
        "KubernetesScaleAhead",
        "ModelDriftMild",
        "ModelLabelsLate",
        "ModelRetrainingScheduled",
        "ModelSlowing",
        "PlatformErrorsRaised",
        "PlatformResponseRaised",
        "ReviewItemsOld",
        "ServiceNearlyFull",
        "ServiceSlowing",
        "ServiceUsageRising",
    },
}
"""The alerts of each severity: of the documents where they name one, else ours."""
CASES = [
    pytest.param(
        boundary,
        id=boundary.id,
        marks=[pytest.mark.feature(feature) for feature in FEATURES.get(boundary.alert, ())],
    )
    for boundary in BOUNDARIES
]


@cache
def files_by_alert():
    """Return the rule file of each alert; read by tests only, so that a mutant needs no new collection."""
    return {
        name: path for path in RULES for name in re.findall(r"- alert: (\w+)", path.read_text())
    }


def case(boundary, value):
    series = {**boundary.alongside, **boundary.series}
    return RuleCase(
        [files_by_alert()[boundary.alert]],
        STEP_MS,
        {
            "name": f"{boundary.id} {value}",
            "interval": "30s",
            "input_series": [
                {"series": name.format(), "values": notation(template, value)}
                for name, template in series.items()
            ],
        },
    )


def fired_after(boundary, value, until_minutes):
    """Return after how many minutes the alert began to fire and with which severities, or None."""
    playback = Playback(case(boundary, value))
    for at_ms in range(0, int(until_minutes * 60_000) + 1, STEP_MS):
        playback.until(at_ms)
        if found := playback.firing(boundary.alert):
            return at_ms / 60_000, {alert.severity for alert in found}
    return None


@pytest.mark.parametrize("boundary", CASES)
def test_just_below_its_threshold_the_alert_never_fires(boundary):
    assert fired_after(boundary, boundary.below, boundary.after + 35) is None


@pytest.mark.parametrize("boundary", CASES)
def test_just_above_it_fires_when_it_has_lasted_with_its_severity_and_not_before(boundary):
    (severity,) = (name for name, alerts in SEVERITIES.items() if boundary.alert in alerts)
    found = fired_after(boundary, boundary.above, boundary.after + 1)
    assert found == (boundary.after, {severity})


def test_every_alert_of_a_documents_threshold_is_tried():
    assert FEATURES.keys() <= {boundary.alert for boundary in BOUNDARIES}


def test_the_severity_is_the_one_that_the_document_names():
    table = Path(__file__).parents[1] / "contract" / "features.tsv"
    texts = {line.split("\t")[0]: line for line in table.read_text("utf-8").splitlines()}
    severities = {alert: name for name, alerts in SEVERITIES.items() for alert in alerts}
    named = {
        (alert, feature): found[0]
        for alert, features in FEATURES.items()
        for feature in features
        if (found := re.findall(r"\bP[0-3]\b", texts[feature]))
    }
    # Two documents name two severities; the message for AgentOps has the other one.
    assert named.pop(("PlatformDown", "F320")) == "P1"
    assert len(named) > 10
    assert {key: severities[key[0]] for key in named} == named


def test_every_threshold_of_every_rule_is_tried():
    tried = Counter(boundary.alert for boundary in BOUNDARIES)
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    shipped = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
    assert shipped.keys() == tried.keys()
    for alert, expression in shipped.items():
        thresholds = re.findall(r"(?:[<>]=?|==) (?:[\d.]+|on\(\))", expression)
        assert tried[alert] >= min(len(thresholds), 3), (alert, thresholds)


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.name)
def test_prometheus_agrees_at_every_boundary(tmp_path, rules):
    tests = []
    for boundary in (each for each in BOUNDARIES if files_by_alert()[each.alert] == rules):
        for value in (boundary.below, boundary.above):
            made = case(boundary, value)
            playback, expected = Playback(made), []
            for minutes in dict.fromkeys((max(0, boundary.after - 0.5), boundary.after)):
                playback.until(int(minutes * 60_000))
                found = [alert_as_expected(alert) for alert in playback.firing(boundary.alert)]
                expected.append(
                    {
                        "eval_time": f"{int(minutes * 60)}s",
                        "alertname": boundary.alert,
                        "exp_alerts": found,
                    }
                )
            tests.append({**made.raw, "alert_rule_test": expected})
    document = {
        "rule_files": [str(rules)],
        "evaluation_interval": "30s",
        "tests": tests,
    }
    path = tmp_path / "boundaries.yml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True, width=10_000))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
