"""The shipped alerts, as the operations documents ask for them."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.monitoring.rule_cases import PROMTOOL, Playback, RuleCase, load
from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.triage import group_key
from trimtab.monitoring.alerts import AlertState
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.rule import AlertRule

FILES = ("knowledge.yml", "knowledge-care.yml", "service.yml")
RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.yml"))
CASES = {case.name: case for file in FILES for case in load(PROMTOOL / file)}


def alert_rules():
    groups = load_rules(RULES)
    return [rule for group in groups for rule in group.rules if isinstance(rule, AlertRule)]


def firing_alerts(series, minutes=60):
    """Return the alerts that fire after so many minutes of these values."""
    given = [{"series": name, "values": f"{value}x{minutes}"} for name, value in series.items()]
    playback = Playback(RuleCase(RULES, 60_000, {"interval": "1m", "input_series": given}))
    playback.until(minutes * 60_000)
    return playback.engine.alerts(AlertState.FIRING)


def firing(case, name, minutes):
    playback = Playback(CASES[case])
    playback.until(int(minutes * 60_000))
    return playback.firing(name)


@pytest.mark.feature("F647")
@pytest.mark.feature("F649")
def test_a_lost_embedding_model_is_a_p2_alert():
    (alert,) = firing(
        "the embedding model goes down, and comes back", "KnowledgeEmbeddingModelDown", 1.25
    )
    assert alert.annotations["title"] == "Embedding Model Unavailable"
    assert (alert.severity, alert.runbook) == ("P2", "knowledge-embedding-failure")


@pytest.mark.feature("F671")
@pytest.mark.feature("F695")
def test_a_cache_that_is_cold_for_half_an_hour_is_a_p2_alert():
    (alert,) = firing(
        "the cache stays cold for half an hour, and gets warm again",
        "KnowledgeCacheHitRatioLow",
        65,
    )
    assert (alert.severity, alert.runbook) == ("P2", "knowledge-cache-miss")
    assert alert.value == 0.42


@pytest.mark.feature("F507")
def test_searches_above_half_a_second_are_a_p1_alert():
    (alert,) = firing("slow searches warn first", "KnowledgeSearchSlow", 14)
    assert (alert.severity, alert.runbook) == ("P1", "knowledge-high-latency")
    assert alert.value == 0.6


@pytest.mark.feature("F531")
def test_150_ms_for_ten_minutes_warn_before_that():
    assert firing("slow searches warn first", "KnowledgeSearchSlowing", 9.9) == []
    (alert,) = firing("slow searches warn first", "KnowledgeSearchSlowing", 10)
    assert (alert.severity, alert.annotations["title"]) == ("P2", "P99 > 150ms for 10 minutes")


@pytest.mark.feature("F535", "F553")
def test_a_lost_vector_store_is_a_p0_alert_in_the_documents_words():
    (alert,) = firing("the vector store goes down", "KnowledgeVectorStoreDown", 35 / 60)
    assert alert.annotations["title"] == "ChromaDB Unavailable - Degraded Mode Active"
    assert (alert.severity, alert.runbook) == ("P0", "knowledge-vector-store-unreachable")


@pytest.mark.feature("F564", "F590")
def test_a_process_that_fills_nine_tenths_of_its_memory_is_a_p1_alert():
    assert firing("memory above nine tenths of its limit", "KnowledgeMemoryGrowing", 5) == []
    (alert,) = firing("memory above nine tenths of its limit", "KnowledgeMemoryGrowing", 11)
    assert (alert.severity, alert.runbook) == ("P1", "knowledge-memory-leak")


@pytest.mark.feature("F592")
def test_more_than_one_failing_call_in_a_hundred_is_a_p1_alert():
    assert firing("failing calls", "KnowledgeErrorRateHigh", 50 / 60) == []
    (alert,) = firing("failing calls", "KnowledgeErrorRateHigh", 2)
    assert (alert.severity, alert.annotations["title"]) == ("P1", "High error rate")


@pytest.mark.feature("F698", "F703")
def test_a_damaged_database_is_a_p0_alert_in_the_documents_words():
    (alert,) = firing("a damaged database fires at once", "KnowledgeDatabaseDamaged", 20 / 60)
    assert alert.annotations["title"] == "Database Integrity Check Failed"
    assert (alert.severity, alert.runbook) == ("P0", "knowledge-database-corruption")


@pytest.mark.feature("F321", "F343")
def test_more_than_one_failing_request_in_ten_is_p1_for_the_agents():
    assert firing("every tenth request fails", "ServiceFailing", 3) == []
    (alert,) = firing("every tenth request fails", "ServiceFailing", 4)
    assert (alert.severity, alert.labels["system"], alert.value) == ("P1", "AOPS", 0.25)


@pytest.mark.feature("F324")
def test_one_request_in_a_hundred_over_two_seconds_is_p2():
    assert firing("requests get slow", "ServiceSlow", 3) == []
    (alert,) = firing("requests get slow", "ServiceSlow", 4)
    assert (alert.severity, alert.runbook) == ("P2", "latency-spike")


@pytest.mark.feature("F328")
def test_half_as_much_latency_again_as_an_hour_ago_is_p3():
    assert firing("requests take half as long again", "ServiceSlowing", 65) == []
    (alert,) = firing("requests take half as long again", "ServiceSlowing", 75)
    assert alert.severity == "P3"


@pytest.mark.feature("F533")
def test_seventy_percent_in_use_asks_for_more_room_before_it_is_needed():
    assert firing("memory is filling", "ServiceNearlyFull", 20) == []
    (alert,) = firing("memory is filling", "ServiceNearlyFull", 30)
    assert (alert.severity, alert.value) == ("P3", 0.75)


@pytest.mark.feature("F646")
def test_a_disk_that_will_be_full_within_a_week_is_told_before_it_is():
    assert firing("the disk is filling up", "KnowledgeDiskFillingUp", 60) == []
    (alert,) = firing("the disk is filling up", "KnowledgeDiskFillingUp", 150)
    assert (alert.severity, alert.annotations["title"]) == ("P3", "Disk full within a week")


@pytest.mark.feature("F563", "F644")
def test_a_disk_above_80_percent_warns_for_as_long_as_it_is_not_critical():
    name = "a disk that fills up warns before it is an incident, and not beside it"
    alert = "KnowledgeDiskSpaceLow"
    assert firing(name, alert, 9) == firing(name, alert, 20) == []
    (found,) = firing(name, alert, 12)
    assert (found.severity, found.value) == ("P2", 0.85)


def test_within_a_budget_free_bytes_raise_no_alarm():
    assert (
        firing("within a budget only the share counts", "KnowledgeDiskSpaceCritical", 85 / 60) == []
    )


@pytest.mark.feature("F645")
def test_a_disk_above_90_percent_is_critical_however_large_it_is():
    name = "a large disk above 90 percent fires with room to spare"
    assert firing(name, "KnowledgeDiskSpaceCritical", 0.75) == []
    (alert,) = firing(name, "KnowledgeDiskSpaceCritical", 85 / 60)
    assert (alert.severity, alert.runbook) == ("P1", "knowledge-disk-full")


@pytest.mark.feature("F623")
def test_less_than_5_gb_is_critical_although_less_than_90_percent_are_in_use():
    name = "a full disk fires by bytes too, however little of it is used"
    assert firing(name, "KnowledgeDiskSpaceCritical", 0.75) == []
    (alert,) = firing(name, "KnowledgeDiskSpaceCritical", 85 / 60)
    assert (alert.severity, alert.annotations["title"]) == ("P1", "Disk Space < 5GB")


@pytest.mark.feature("F666")
def test_a_long_queue_of_documents_calls_a_person():
    name = "the queue of documents grows past ten thousand"
    assert firing(name, "KnowledgeIngestionBacklog", 4) == []
    (alert,) = firing(name, "KnowledgeIngestionBacklog", 8)
    assert (alert.severity, alert.value) == ("P1", 10001)
    assert alert.runbook == "knowledge-embedding-failure"


def test_no_two_alerts_share_a_name():
    names = Counter(rule.name for rule in alert_rules())
    assert [name for name, times in names.items() if times > 1] == []


def test_no_two_alerts_have_the_same_condition():
    conditions = Counter("".join(rule.expression.text.split()) for rule in alert_rules())
    assert [condition for condition, times in conditions.items() if times > 1] == []


@pytest.mark.parametrize("used", [0.5, 0.51, 0.8, 0.81, 0.9, 0.91, 1.0])
@pytest.mark.parametrize("free", [4e9, 6e9])
def test_a_disk_has_one_alert_at_a_time_however_full_it_is(used, free):
    series = {
        "kb_disk_used_ratio": used,
        "kb_disk_free_bytes": free,
        "kb_disk_floor_bytes": 5e9,
        "kb_disk_full_in_seconds": 3600,
    }
    found = firing_alerts(series)
    assert len(found) == (1 if used > 0.5 or free < 5e9 else 0)


def test_a_disk_that_goes_on_filling_stays_the_matter_of_one_incident():
    warning, incident = (
        IncidentAlert(alert.fingerprint, alert.name, alert.labels, {}, alert.value, alert.since)
        for used in (0.85, 0.95)
        for alert in firing_alerts({"kb_disk_used_ratio": used})
    )
    assert group_key(warning) == group_key(incident)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_a_rule_file_holds_one_group_of_its_own_name(path):
    (group,) = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    assert group["name"] == path.stem
