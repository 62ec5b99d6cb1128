"""When a person must take over: the conditions of the operations documents, as the pages ask for them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.monitoring.rule_cases import Playback, RuleCase
from trimtab.incidents.ladders import load_ladders
from trimtab.monitoring.checks import check, compile_check
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
        asked.expression
        for asked in book.escalate_when
        if holds(asked.expression, playback.store, datetime.fromtimestamp(minutes * 60, UTC))
    ]


def holds(expression, store, at):
    return check(compile_check(expression), store, at, scrape_seconds=60).holds


def case(feature, page, minutes, worse, *better):
    """Build a case: series just past the document's limit, and series that stay just inside it."""
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
HITS, STORE_P95 = "kb_query_cache_hit_ratio", "knowledge_engine_p95_seconds"

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

FULL = 'log_symptoms_total{symptom="disk_full"}'
BREAKER, QUEUED = "knowledge_embedding_breaker_open", "knowledge_documents_queued"
CACHE_MB, CACHE_LIMIT, LOST = (
    "kb_cache_memory_mb",
    "kb_cache_memory_limit_mb",
    "kb_restore_lost_ratio",
)


def unresolved(page, seconds):
    return {f'{OPEN}{{runbook="{page}"}}': f"{seconds}x5"}


# Each limit is passed by a twentieth and missed by a twentieth; each duration is missed by a dip and by a series that has
# not been there for so long.
CASES = [
    case(
        "F528",
        SLOW,
        40,
        {P99: "0.51x40"},
        {P99: "0.49x40"},
        {P99: "0.6x20 0.4x2 0.6x20"},
        {P99: "_x18 0.6x21"},
    ),
    case("F529", SLOW, 5, {P99: "0.4x3 1.05x2"}, {P99: "0.4x3 0.95x2"}, {P99: "0.4x3 1x2"}),
    case("F530", SLOW, 5, {STORE: "0x5", MODEL: "0x5"}, {STORE: "0x5", MODEL: "1x5"}),
    case(
        "F557",
        STORE_DOWN,
        30,
        {STORE: "1x13 0x17"},
        {STORE: "1x17 0x13"},
        {STORE: "0x20 1x1 0x9"},
        {STORE: "_x22 0x7"},
    ),
    case(
        "F558",
        STORE_DOWN,
        5,
        {STORE: "1x5", ERRORS: "0.0525x5"},
        {STORE: "1x3 0x2", ERRORS: "0.0475x5"},
    ),
    case("F559", STORE_DOWN, 5, {INTACT: "0x5"}, {INTACT: "1x5"}),
    case(
        "F585",
        LEAK,
        40,
        {GROWTH: "0x5 105x35"},
        {GROWTH: "0x5 95x35"},
        {GROWTH: "120x20 80x2 120x18"},
        {GROWTH: "_x15 120x25"},
    ),
    case("F586", LEAK, 5, {"service_kills_last_hour": "2x5"}, {"service_kills_last_hour": "1x5"}),
    case("F587", LEAK, 5, unresolved(LEAK, 7260), unresolved(LEAK, 7140), unresolved(DISK, 7260)),
    case(
        "F614",
        FAILING,
        20,
        {ERRORS: "0.0525x20"},
        {ERRORS: "0.0475x20"},
        {ERRORS: "0.06x9 0.04x2 0.06x9"},
        {ERRORS: "_x15 0.06x4"},
    ),
    case(
        "F615",
        FAILING,
        10,
        {"http_error_rate_ratio": "0.00525x10"},
        {"http_error_rate_ratio": "0.00475x10"},
        {"http_error_rate_ratio": "_x8 0.006x1"},
    ),
    case("F617", FAILING, 5, {STORE: "0x5", MODEL: "0x5"}, {STORE: "1x5", MODEL: "0x5"}),
    case("F639", DISK, 5, {USED: "0.955x5"}, {USED: "0.945x5"}, {USED: "0.95x5"}),
    case(
        "F640",
        DISK,
        5,
        {USED: "0.92x5", FREED: "9.5e9x5"},
        {USED: "0.92x5", FREED: "10.5e9x5"},
        {USED: "0.89x5", FREED: "9.5e9x5"},
    ),
    case("F642", DISK, 12, {FULL: "0x8 3x4"}, {FULL: "3x12"}),
    case(
        "F664",
        EMBEDDING,
        45,
        {BREAKER: "0x13 1x32"},
        {BREAKER: "0x17 1x28"},
        {BREAKER: "1x30 0x1 1x14"},
        {BREAKER: "_x20 1x25"},
    ),
    case(
        "F665",
        EMBEDDING,
        5,
        {"kb_embedding_p95_seconds": "1.05x5"},
        {"kb_embedding_p95_seconds": "0.95x5"},
    ),
    case("F666", EMBEDDING, 5, {QUEUED: "10001x5"}, {QUEUED: "10000x5"}),
    case(
        "F691",
        CACHE,
        40,
        {HITS: "0.285x40"},
        {HITS: "0.315x40"},
        {HITS: "0.9x20 0.1x20"},
        {HITS: "_x20 0.2x20"},
    ),
    case("F692", CACHE, 90, {P99: "0.1x60 0.205x30"}, {P99: "0.1x60 0.195x30"}),
    case(
        "F693",
        CACHE,
        5,
        {CACHE_MB: "955x5", CACHE_LIMIT: "1000x5"},
        {CACHE_MB: "945x5", CACHE_LIMIT: "1000x5"},
    ),
    case("F724", DAMAGE, 5, {INTACT: "1x5", LOST: "0.105x5"}, {INTACT: "1x5", LOST: "0.095x5"}),
    case("F725", DAMAGE, 5, {INTACT: "1x3 0x2"}, {INTACT: "1x3 0x2", BACKUP: "60x5"}),
    case(
        "F726",
        DAMAGE,
        5,
        unresolved(DAMAGE, 14460),
        unresolved(DAMAGE, 14340) | {INTACT: "0x5", BACKUP: "60x5"},
    ),
    case(
        "F727",
        DAMAGE,
        5,
        {INTACT: "1x3 0x2", BACKUP: "3700x5"},
        {INTACT: "1x3 0x2", BACKUP: "3600x5"},
        {INTACT: "1x5", BACKUP: "4000x5"},
    ),
]


@pytest.mark.parametrize(("page", "minutes", "worse", "better"), CASES)
def test_a_person_is_called_when_the_documents_say_so_and_not_before(page, minutes, worse, better):
    assert len(holding(page, worse, minutes)) == 1
    assert [holding(page, series, minutes) for series in better] == [[]] * len(better)


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


def test_a_vector_store_above_100_ms_is_left_and_watched_until_searches_are_fast():
    slow = cause(SLOW, "the vector store is slow")
    usual = {"kb_embedding_p95_seconds": 0.01}
    assert all_hold(slow.evidence, {**usual, STORE_P95: 0.11})
    assert not all_hold(slow.evidence, {**usual, STORE_P95: 0.09})
    assert [act.name for act in slow.fix] == ["knowledge.engine.leave"]
    assert not all_hold(slow.verify, {P99: 0.6})
    assert all_hold(slow.verify, {P99: 0.4})


@pytest.mark.feature("F641")
def test_a_disk_that_is_too_small_ends_with_a_person():
    budget, disk = cause(DISK, "outgrown its budget"), cause(DISK, "outgrown its disk")
    old = 'kb_disk_reclaimable_ratio{kind="logs"}'
    full, limit = {USED: 0.96, old: 0.01}, "kb_disk_budget_bytes"
    assert all_hold(disk.evidence, {**full, limit: 0})
    assert not all_hold(disk.evidence, {**full, limit: 10**9})
    assert not all_hold(disk.evidence, {USED: 0.96, old: 0.11, limit: 0})
    assert not all_hold(disk.evidence, {USED: 0.79, old: 0.01, limit: 0})
    assert disk.fix == ()
    assert disk.nature == "infrastructure"
    assert load_ladders()["knowledge"].when["remediation_failed"] == "On-Call Engineer"
    assert all_hold(budget.evidence, {**full, limit: 10**9})
    assert not all_hold(budget.evidence, {**full, limit: 0})
    assert [act.name for act in budget.fix] == ["knowledge.disk.grow_budget"]
    assert not all_hold(budget.verify, {USED: 0.96})


@pytest.mark.feature("F694")
def test_a_repaired_cache_must_reach_its_objective_of_70_percent():
    book = parse_page((LIBRARY / f"{CACHE}.md").read_text(encoding="utf-8"), CACHE)
    for found in book.causes:
        assert not all_hold(found.verify, {HITS: 0.7})
        assert all_hold(found.verify, {HITS: 0.71})
