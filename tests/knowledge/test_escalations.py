"""When a person must take over: the conditions of the operations documents, as the pages ask for them."""

from pathlib import Path

import pytest

from tests.infra.rules.rule_cases import Playback, RuleCase
from trimtab.incidents import load_ladders
from trimtab.runbooks.page import parse_page

LIBRARY = Path(__file__).parent.parent.parent / "library"
MINUTE = 60_000


def holding(page, series, minutes):
    """Return which escalation checks of the page hold after so many minutes of those series."""
    raw = {
        "name": page,
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
    }
    playback = Playback(RuleCase([], MINUTE, raw))
    playback.until(minutes * MINUTE)
    book = parse_page((LIBRARY / f"{page}.md").read_text(encoding="utf-8"), page)
    return [
        check.expression
        for check in book.escalate_when
        if playback.evaluate(check.expression, minutes * MINUTE)
    ]


def case(feature, page, minutes, worse, better):
    return pytest.param(
        page, minutes, worse, better, id=feature, marks=pytest.mark.feature(feature)
    )


P99, UP, ERRORS = "kb_query_p99_latency_seconds", "kb_component_up", "kb_error_rate"
STORE, MODEL = f'{UP}{{component="vector_store"}}', f'{UP}{{component="embedding_model"}}'
GROWTH, INTACT, BACKUP = (
    "kb_memory_growth_mb_per_hour",
    "kb_database_integrity_ok",
    "kb_backup_age_seconds",
)
USED, FREED = "kb_disk_used_ratio", "kb_disk_freed_bytes"
OPEN = "incidents_unresolved_seconds"
HITS = "kb_query_cache_hit_ratio"

SLOW, STORE_DOWN, LEAK, FAILING, DISK, EMBEDDING, CACHE, DAMAGE = (
    "knowledge-high-latency",
    "knowledge-vector-store-unreachable",
    "knowledge-memory-leak",
    "knowledge-error-rate",
    "knowledge-disk-full",
    "knowledge-embedding-failure",
    "knowledge-cache-miss",
    "knowledge-database-corruption",
)

CASES = [
    case("F528", SLOW, 40, {P99: "0.6x40"}, {P99: "0.6x20 0.4x2 0.6x20"}),
    case("F529", SLOW, 5, {P99: "0.4x3 1.1x2"}, {P99: "0.4x3 0.9x2"}),
    case("F530", SLOW, 5, {STORE: "0x5", MODEL: "0x5"}, {STORE: "0x5", MODEL: "1x5"}),
    case("F557", STORE_DOWN, 30, {STORE: "1x10 0x20"}, {STORE: "1x20 0x10"}),
    case(
        "F558",
        STORE_DOWN,
        5,
        {STORE: "1x5", ERRORS: "0.5x5"},
        {STORE: "1x3 0x2", ERRORS: "0x5"},
    ),
    case("F559", STORE_DOWN, 5, {INTACT: "0x5"}, {INTACT: "1x5"}),
    case("F585", LEAK, 40, {GROWTH: "0x5 120x35"}, {GROWTH: "0x5 120x10 80x25"}),
    case("F586", LEAK, 5, {"service_kills_last_hour": "2x5"}, {"service_kills_last_hour": "1x5"}),
    case(
        "F587",
        LEAK,
        5,
        {f'{OPEN}{{runbook="{LEAK}"}}': "7260x5"},
        {f'{OPEN}{{runbook="{LEAK}"}}': "7100x5"},
    ),
    case("F614", FAILING, 20, {ERRORS: "0.06x20"}, {ERRORS: "0.06x9 0.04x2 0.06x9"}),
    case(
        "F615",
        FAILING,
        10,
        {"http_error_rate_ratio": "0.006x10"},
        {"http_error_rate_ratio": "0.004x10"},
    ),
    case("F617", FAILING, 5, {STORE: "0x5", MODEL: "0x5"}, {STORE: "1x5", MODEL: "0x5"}),
    case("F639", DISK, 5, {USED: "0.96x5"}, {USED: "0.94x5"}),
    case("F640", DISK, 5, {USED: "0.92x5", FREED: "9e9x5"}, {USED: "0.92x5", FREED: "11e9x5"}),
    case(
        "F642",
        DISK,
        12,
        {'log_symptoms_total{symptom="disk_full"}': "0x8 3x4"},
        {'log_symptoms_total{symptom="disk_full"}': "3x12"},
    ),
    case(
        "F664",
        EMBEDDING,
        45,
        {"knowledge_embedding_breaker_open": "0x10 1x35"},
        {"knowledge_embedding_breaker_open": "0x25 1x20"},
    ),
    case(
        "F665",
        EMBEDDING,
        5,
        {"kb_embedding_p95_seconds": "1.5x5"},
        {"kb_embedding_p95_seconds": "0.1x5"},
    ),
    case(
        "F666",
        EMBEDDING,
        5,
        {"knowledge_documents_queued": "10001x5"},
        {"knowledge_documents_queued": "10000x5"},
    ),
    case("F691", CACHE, 40, {HITS: "0.25x40"}, {HITS: "0.35x40"}),
    case("F692", CACHE, 90, {P99: "0.1x60 0.25x30"}, {P99: "0.1x60 0.15x30"}),
    case(
        "F693",
        CACHE,
        5,
        {"kb_cache_memory_mb": "1000x5", "kb_cache_memory_limit_mb": "1024x5"},
        {"kb_cache_memory_mb": "500x5", "kb_cache_memory_limit_mb": "1024x5"},
    ),
    case(
        "F724",
        DAMAGE,
        5,
        {INTACT: "1x5", "kb_restore_lost_ratio": "0.11x5"},
        {INTACT: "1x5", "kb_restore_lost_ratio": "0.09x5"},
    ),
    case("F725", DAMAGE, 5, {INTACT: "1x3 0x2"}, {INTACT: "1x3 0x2", BACKUP: "60x5"}),
    case(
        "F726",
        DAMAGE,
        5,
        {f'{OPEN}{{runbook="{DAMAGE}"}}': "14460x5"},
        {f'{OPEN}{{runbook="{DAMAGE}"}}': "14340x5", INTACT: "0x5", BACKUP: "60x5"},
    ),
    case(
        "F727",
        DAMAGE,
        5,
        {INTACT: "1x3 0x2", BACKUP: "4000x5"},
        {INTACT: "1x3 0x2", BACKUP: "3000x5"},
    ),
]


@pytest.mark.parametrize(("page", "minutes", "worse", "better"), CASES)
def test_a_person_is_called_when_the_documents_say_so_and_not_before(page, minutes, worse, better):
    assert len(holding(page, worse, minutes)) == 1
    assert holding(page, better, minutes) == []


def cause(page, title):
    book = parse_page((LIBRARY / f"{page}.md").read_text(encoding="utf-8"), page)
    (found,) = [each for each in book.causes if title in each.title]
    return found


def all_hold(checks, series):
    raw = {
        "name": "now",
        "interval": "1m",
        "input_series": [
            {"series": name, "values": f"{value}x5"} for name, value in series.items()
        ],
    }
    playback = Playback(RuleCase([], MINUTE, raw))
    playback.until(5 * MINUTE)
    return all(playback.evaluate(check.expression, 5 * MINUTE) for check in checks)


@pytest.mark.feature("F521")
def test_a_vector_store_above_100_ms_is_restarted_and_watched_until_searches_are_fast():
    slow = cause(SLOW, "the vector store is slow")
    usual = {"kb_embedding_p95_seconds": 0.01}
    assert all_hold(slow.evidence, {**usual, "kb_vector_store_latency_seconds": 0.11})
    assert not all_hold(slow.evidence, {**usual, "kb_vector_store_latency_seconds": 0.09})
    assert [act.name for act in slow.fix] == ["knowledge.index.restart"]
    assert not all_hold(slow.verify, {P99: 0.6})
    assert all_hold(slow.verify, {P99: 0.4})


def test_room_that_cannot_be_made_ends_with_a_person():
    outgrown = cause(DISK, "outgrown")
    assert all_hold(outgrown.evidence, {USED: 0.96, 'kb_disk_reclaimable_ratio{kind="logs"}': 0.01})
    assert not all_hold(outgrown.verify, {USED: 0.96})
    assert load_ladders()["knowledge"].when["remediation_failed"] == "On-Call Engineer"


@pytest.mark.feature("F694")
def test_a_repaired_cache_must_reach_its_objective_of_70_percent():
    book = parse_page((LIBRARY / f"{CACHE}.md").read_text(encoding="utf-8"), CACHE)
    for found in book.causes:
        assert not all_hold(found.verify, {HITS: 0.7})
        assert all_hold(found.verify, {HITS: 0.71})
