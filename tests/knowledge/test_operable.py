"""Signals tell the faults apart, and the actions put them right."""

import math
import os
import threading
import time

import psutil
import pytest

from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.operable import ActionContext, Catalog, check_arguments
from trimtab.knowledge.actions import actions
from trimtab.knowledge.faults import NothingToSearch, faults
from trimtab.knowledge.signals import signals

ME = ActionContext("key", "test")


@pytest.fixture
def catalog(knowledge, clock):
    return Catalog(signals(knowledge), actions(knowledge), faults(knowledge, clock))


DRILL = "true"
"""The sample of drills, by its label."""


def read(catalog, name):
    return {
        ",".join(sample.labels.values()): sample.value for sample in catalog.signal(name).read()
    }


def inject(catalog, name, **given):
    fault = catalog.fault(name)
    return fault, fault.inject(check_arguments(fault.params, given))


def act(catalog, name, **given):
    action = catalog.action(name)
    return action.run(check_arguments(action.params, given), ME)


def test_every_signal_can_be_read(catalog):
    for signal in catalog.signals.values():
        assert all(isinstance(sample.value, float) for sample in signal.read())


@pytest.mark.feature("F514", "F674", "F678")
def test_the_contracts_metric_names_are_there(catalog):
    names = {signal.metric_name for signal in catalog.signals.values()}
    assert {
        "kb_query_cache_hit_ratio",
        "kb_embedding_cache_hit_ratio",
        "kb_embedding_cache_misses_total",
        "kb_cache_evictions_total",
        "kb_component_up",
    } <= names


def sample(catalog, metric):
    (signal,) = [found for found in catalog.signals.values() if found.metric_name == metric]
    return sum(each.value for each in signal.read() if "drill" not in each.labels)


@pytest.mark.feature("F674")
def test_every_query_that_needs_the_model_is_a_miss_of_the_embedding_cache(catalog, knowledge):
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    for query in ("whales", "songs", "whales sing", "Whales"):
        knowledge.search("sea", query)
    assert sample(catalog, "kb_embedding_cache_misses_total") == 3


@pytest.mark.feature("F678")
def test_every_entry_dropped_for_room_is_counted(catalog, knowledge):
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    act(catalog, "knowledge.cache.resize", query=3)
    for number in range(10):
        knowledge.search("sea", f"whale {number}")
    assert sample(catalog, "kb_cache_evictions_total") == 7


@pytest.mark.feature("F672")
def test_a_slower_index_shows_in_its_own_latency_and_in_that_of_searches(
    catalog, knowledge, clock, monkeypatch
):
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    current = knowledge.indexes._current

    def late(project):
        clock.sleep(0.3)
        return current(project)

    monkeypatch.setattr(knowledge.indexes, "_current", late)
    knowledge.search("sea", "whales")
    assert sample(catalog, "kb_vector_store_latency_seconds") >= 0.3
    assert sample(catalog, "kb_query_p99_latency_seconds") >= 0.3


@pytest.mark.feature("F689")
def test_the_embedding_cache_grows_alone_to_ten_thousand(catalog, knowledge):
    act(catalog, "knowledge.cache.resize", embedding=10000)
    assert (knowledge.caches.sizes().query, knowledge.caches.sizes().embedding) == (100, 10000)
    assert knowledge.stats().cache.embedding_cache.max_size == 10000


@pytest.mark.feature("F690")
def test_a_query_whose_results_are_not_cached_still_finds_its_vector(knowledge, home):
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    knowledge.search("sea", "whales", 5)
    embedded = len(home.model.embedded)
    assert not knowledge.search("sea", "whales", 6).cache_hit
    assert len(home.model.embedded) == embedded


@pytest.mark.feature("F681")
def test_queries_that_differ_and_results_that_are_large_are_told_apart(catalog, knowledge):
    for number in range(30):
        knowledge.ingest_text("sea", f"{number}.md", f"Whale number {number} sings.")
    for number in range(20):
        knowledge.search("sea", f"whale {number}", 25)
    assert sample(catalog, "knowledge_query_diversity") == 1
    assert sample(catalog, "kb_query_p95_passages") == 25


@pytest.mark.parametrize(
    ("fault", "present", "intact"),
    [("remove_model", 0, 0), ("corrupt_model", 1, 0), ("unload_model", 1, 1)],
)
def test_the_model_signals_tell_its_faults_apart(catalog, knowledge, fault, present, intact):
    inject(catalog, f"knowledge.embedding.{fault}")
    knowledge.beat()
    assert read(catalog, "knowledge.component.up")["embedding_model"] == 0
    assert read(catalog, "knowledge.embedding.files_present") == {"": present}
    assert read(catalog, "knowledge.embedding.files_intact") == {"": intact}


@pytest.mark.feature("F654")
@pytest.mark.feature("F655")
@pytest.mark.parametrize("fault", ["remove_model", "corrupt_model"])
def test_reinstalling_repairs_missing_and_damaged_files(catalog, knowledge, fault):
    inject(catalog, f"knowledge.embedding.{fault}")
    act(catalog, "knowledge.embedding.reinstall")
    knowledge.beat()
    assert read(catalog, "knowledge.component.up")["embedding_model"] == 1
    assert read(catalog, "knowledge.embedding.files_intact") == {"": 1}


def test_reloading_repairs_an_ended_model(catalog, knowledge):
    inject(catalog, "knowledge.embedding.unload_model")
    act(catalog, "knowledge.embedding.reload")
    knowledge.beat()
    assert read(catalog, "knowledge.component.up")["embedding_model"] == 1


def test_restoring_a_fault_twice_does_no_harm(catalog, knowledge):
    fault, given = inject(catalog, "knowledge.embedding.remove_model")
    fault.restore(given)
    fault.restore(given)
    assert knowledge.encoder.heartbeat()


@pytest.mark.feature("F682")
def test_a_resize_is_undone_with_what_it_returned(catalog, knowledge):
    done = act(catalog, "knowledge.cache.resize", query="500", embedding="5000")
    assert read(catalog, "knowledge.cache.capacity") == {"": 500}
    assert (knowledge.caches.sizes().query, knowledge.caches.sizes().embedding) == (500, 5000)
    catalog.action("knowledge.cache.resize").undo(done.undo_arguments, ME)
    assert read(catalog, "knowledge.cache.capacity") == {"": 100}


def test_a_dry_run_changes_nothing(catalog, knowledge):
    for action in catalog.actions.values():
        given = {
            "knowledge.cache.resize": {"query": 7},
            "knowledge.disk.set_budget": {"megabytes": 1},
        }.get(action.name, {})
        assert action.dry_run(check_arguments(action.params, given), ME).summary
    assert knowledge.caches.sizes().query == 100


def _dry(catalog, name, **given):
    action = catalog.action(name)
    return action.dry_run(check_arguments(action.params, given), ME)


def test_a_dry_run_without_anything_to_change_says_so(catalog, knowledge):
    for name in (
        "knowledge.index.restart",
        "knowledge.cache.warm",
        "knowledge.snapshot.restore",
        "knowledge.parser.recycle",
        "knowledge.database.restore",
        "knowledge.database.recover",
        "knowledge.ingestion.retry_dead_letters",
        "knowledge.disk.grow_budget",
        "knowledge.disk.clean_up",
    ):
        assert not _dry(catalog, name).changes, name
    knowledge.maintenance.set_disk_budget(7)
    assert not _dry(catalog, "knowledge.disk.set_budget", megabytes=7).changes
    assert "from 7 to 8 MB" in _dry(catalog, "knowledge.disk.set_budget", megabytes=8).summary


def test_a_dry_run_of_a_restarted_index_counts_what_would_be_dropped(catalog, searched):
    searched.search("sea", "whales")
    said = _dry(catalog, "knowledge.index.restart")
    assert said.changes
    assert said.summary.startswith("1 search indexes in memory and ")
    assert _dry(catalog, "knowledge.cache.warm").summary.startswith("1 frequent queries")


def test_the_cache_faults_need_something_to_search_for(catalog):
    with pytest.raises(NothingToSearch):
        inject(catalog, "knowledge.cache.outgrow")


def test_more_queries_than_the_cache_holds_are_missed_for_lack_of_room(catalog, searched):
    act(catalog, "knowledge.cache.resize", query=5)
    fault, before = inject(catalog, "knowledge.cache.outgrow", per_second=1000)
    _seen(lambda: searched.searcher.metrics.drills.outcomes.totals()["full"] >= 60)
    fault.restore(before)
    fault.restore(before)
    assert read(catalog, "knowledge.cache.regret_ratio")[DRILL] > 0.3
    assert searched.caches.sizes().query == 5


def test_a_changed_project_misses_queries_that_were_asked_before(catalog, searched):
    fault, before = inject(catalog, "knowledge.cache.outdate", distinct=20, per_second=1000)
    _seen(lambda: read(catalog, "knowledge.cache.known_miss_ratio")[DRILL] >= 0.2)
    fault.restore(before)
    assert read(catalog, "knowledge.cache.regret_ratio")[DRILL] < 0.3
    assert searched.caches.sizes().query == 100


@pytest.mark.parametrize(
    "name",
    [
        "knowledge.cache.outgrow",
        "knowledge.cache.outdate",
        "knowledge.cache.diversify",
        "knowledge.cache.overrun",
        "knowledge.traffic.search",
        "knowledge.traffic.crowd",
        "knowledge.traffic.refuse",
        "knowledge.cpu.contend",
        "knowledge.embedding.remove_model",
        "knowledge.embedding.corrupt_model",
        "knowledge.embedding.unload_model",
        "knowledge.engine.kill",
        "knowledge.engine.cut",
        "knowledge.engine.slow",
    ],
)
def test_a_fault_leaves_neither_projects_nor_queries_nor_settings_nor_files(
    catalog, searched, name, tmp_path
):
    before = left_behind(searched, tmp_path)
    fault, state = inject(catalog, name)
    fault.restore(state)
    assert left_behind(searched, tmp_path) == before


def test_the_contention_uses_every_processor_at_the_niceness_that_is_asked(catalog, searched):
    before = set(psutil.Process().children(recursive=True))
    fault, state = inject(catalog, "knowledge.cpu.contend", processes=0, niceness=5)
    try:
        started = set(psutil.Process().children(recursive=True)) - before
        busy = [child for child in started if "while True: pass" in " ".join(child.cmdline())]
        assert len(busy) == os.cpu_count()
        _seen(lambda: all(child.nice() == 5 for child in busy))
    finally:
        fault.restore(state)
    assert not any(child.is_running() for child in busy)


def left_behind(knowledge, folder):
    """Return the rows of every table that a drill must not touch, and the names of all files."""
    knowledge.caches.flush()
    tables = ("projects", "documents", "chunks", "frequent_queries", "tuning", "engine_spaces")
    with knowledge.database.read() as connection:
        rows = {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in tables
        }
    names = {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if not file.name.endswith(("-wal", "-shm"))
    }
    # The record of deletions keeps that the drill's documents were deleted; nothing takes a line out of it.
    return rows, names - {"data/knowledge.deletions"}


def _asked(knowledge, queries, times, clock):
    for number in range(times):
        knowledge.search("sea", queries[number % len(queries)])
        clock.seconds += 1


@pytest.mark.feature("F671")
@pytest.mark.feature("F675")
@pytest.mark.feature("F676")
@pytest.mark.feature("F696")
def test_the_cache_signals_tell_too_small_from_diverse(catalog, knowledge, clock):
    knowledge.ingest_text("sea", "a.md", "Whales sing.")
    act(catalog, "knowledge.cache.resize", query=5)
    _asked(knowledge, [f"whale {number}" for number in range(20)], 100, clock)
    assert read(catalog, "knowledge.cache.hit_ratio")[""] < 0.5
    assert read(catalog, "knowledge.cache.regret_ratio")[""] > 0.5
    assert read(catalog, "knowledge.query.diversity")[""] < 0.8
    _asked(knowledge, [f"song {number}" for number in range(900)], 900, clock)
    assert read(catalog, "knowledge.query.diversity")[""] > 0.8
    assert read(catalog, "knowledge.cache.regret_ratio")[""] < 0.1


def test_a_signal_with_nothing_to_say_is_nan(catalog):
    assert math.isnan(read(catalog, "knowledge.cache.hit_ratio")[""])


@pytest.fixture
def searched(knowledge):
    """A project with something to search for."""
    for number in range(6):
        knowledge.ingest_text("sea", f"{number}.md", f"# Whale {number}\n\nWhales sing in the sea.")
    return knowledge


def _seen(found):
    """Wait for what the users of a drill do."""
    until = time.monotonic() + 30
    while not found():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def test_refused_calls_are_counted_apart_from_failures(catalog, searched):
    fault, state = inject(catalog, "knowledge.traffic.refuse")
    _seen(lambda: read(catalog, "knowledge.search.refused")[DRILL] >= 30)
    fault.restore(state)
    fault.restore(state)
    assert read(catalog, "knowledge.search.refused_rate")[DRILL] > 0.5
    assert read(catalog, "knowledge.search.error_rate") == {"": 0, DRILL: 0}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("knowledge.traffic.refuse", {}),
        ("knowledge.traffic.crowd", {"users": 2}),
        ("knowledge.traffic.search", {"per_second": 1000}),
        ("knowledge.cache.outgrow", {"per_second": 1000}),
        ("knowledge.cache.outdate", {"per_second": 1000, "distinct": 20}),
        ("knowledge.cache.overrun", {"users": 2}),
    ],
)
def test_searches_of_a_drill_move_no_figure_of_users(name, given, catalog, searched):
    searched.search("sea", "whale")
    users = searched.searcher.metrics.users
    asked = (users.outcomes.totals(), users.durations.count(), searched.searcher.cache.stats())
    fault, state = inject(catalog, name, **given)
    drills = searched.searcher.metrics.drills
    _seen(lambda: sum(drills.outcomes.totals().values()) >= 30)
    fault.restore(state)
    now = (users.outcomes.totals(), users.durations.count(), searched.searcher.cache.stats())
    assert now[:2] == asked[:2]
    assert (now[2].hits, now[2].misses) == (asked[2].hits, asked[2].misses)


def test_component_times_of_a_drill_are_apart_from_those_of_users(catalog, searched):
    with drill_traffic():
        searched.search("sea", "whale song")
    for name in ("knowledge.embedding.p95_seconds", "knowledge.index.p95_seconds"):
        found = read(catalog, name)
        assert (name, found[DRILL] >= 0) == (name, True)
    assert math.isnan(read(catalog, "knowledge.index.p95_seconds")[""])
    before = searched.encoder.durations.users.count()
    with drill_traffic():
        searched.search("sea", "another whale song")
    assert searched.encoder.durations.users.count() == before
    searched.search("sea", "a third whale song")
    assert searched.encoder.durations.users.count() == before + 1


def test_a_crowd_is_under_way_at_once_and_goes_when_it_is_told(catalog, searched):
    fault, state = inject(catalog, "knowledge.traffic.crowd", users=4)
    _seen(lambda: searched.searcher.metrics.drills.outcomes.totals()["full"] >= 40)
    fault.restore(state)
    assert read(catalog, "knowledge.query.diversity")[DRILL] > 0.8
    assert not [thread for thread in threading.enumerate() if thread.name == "drill-user"]
    assert 1 <= read(catalog, "knowledge.search.under_way")[DRILL] <= 4


def test_an_overrun_cache_misses_what_was_asked_before_until_it_has_room(catalog, searched):
    fault, state = inject(catalog, "knowledge.cache.overrun", users=4)
    _seen(lambda: searched.searcher.metrics.drills.outcomes.totals()["full"] >= 60)
    assert read(catalog, "knowledge.cache.hit_ratio")[DRILL] < 0.5
    _seen(lambda: read(catalog, "knowledge.cache.known_miss_ratio")[DRILL] >= 0.5)
    act(catalog, "knowledge.cache.resize", query=500, embedding=5000)
    before = searched.searcher.cache.stats(drill=True).misses
    _seen(lambda: searched.searcher.metrics.drills.outcomes.totals()["full"] >= 200)
    assert searched.searcher.cache.stats(drill=True).misses - before <= 24
    fault.restore(state)
    assert searched.caches.sizes().query == 100


def test_warming_a_small_cache_keeps_the_most_frequent_queries(catalog, searched):
    act(catalog, "knowledge.cache.resize", query=2)
    for times, query in ((1, "sing"), (3, "whale"), (2, "sea")):
        for _ in range(times):
            searched.search("sea", query)
    searched.caches.empty()
    act(catalog, "knowledge.cache.warm", top=3)
    assert [searched.search("sea", query).cache_hit for query in ("whale", "sea")] == [True, True]


def test_the_processors_use_is_a_share(catalog, searched):
    searched.maintenance.processor.look()
    assert 0 <= read(catalog, "knowledge.cpu.used_ratio")[""] <= 1
