"""The shipped alerts, as the operations documents ask for them."""

import pytest

from tests.infra.rules.rule_cases import PROMTOOL, Playback, load

CASES = {case.name: case for case in load(PROMTOOL / "knowledge.yml")}


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
        40,
    )
    assert (alert.severity, alert.runbook) == ("P2", "knowledge-cache-miss")
    assert alert.value == 0.42
