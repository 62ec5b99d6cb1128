"""Signals tell the faults apart, and the actions put them right."""

import math

import pytest

from trimtab.kernel.operable import ActionContext, Catalog, check_arguments
from trimtab.knowledge.actions import actions
from trimtab.knowledge.faults import NothingToSearch, faults
from trimtab.knowledge.signals import signals

ME = ActionContext("key", "test")


@pytest.fixture
def catalog(knowledge, clock):
    return Catalog(signals(knowledge), actions(knowledge), faults(knowledge, clock))


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


def test_the_contracts_metric_names_are_there(catalog):
    names = {signal.metric_name for signal in catalog.signals.values()}
    assert {
        "kb_query_cache_hit_ratio",
        "kb_embedding_cache_hit_ratio",
        "kb_embedding_cache_misses_total",
        "kb_cache_evictions_total",
        "kb_component_up",
    } <= names


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
    catalog.action("knowledge.cache.resize").undo(done.undo_arguments, ME)
    assert read(catalog, "knowledge.cache.capacity") == {"": 100}


def test_a_dry_run_changes_nothing(catalog, knowledge):
    for action in catalog.actions.values():
        given = {
            "knowledge.cache.resize": {"query": 7},
            "knowledge.disk.set_budget": {"megabytes": 1},
        }.get(action.name, {})
        assert action.dry_run(check_arguments(action.params, given), ME).summary
    assert knowledge.cache_sizes().query == 100


def test_the_cache_faults_need_something_to_search_for(catalog):
    with pytest.raises(NothingToSearch):
        inject(catalog, "knowledge.cache.shrink")


def test_a_shrunken_cache_gets_its_size_back(catalog, knowledge):
    knowledge.ingest_text("sea", "a.md", "# Whales\n\nWhales sing.")
    fault, before = inject(catalog, "knowledge.cache.shrink", query=5)
    assert knowledge.cache_sizes().query == 5
    fault.restore(before)
    fault.restore(before)
    assert knowledge.cache_sizes().query == 100


def _asked(knowledge, queries, times, clock):
    for number in range(times):
        knowledge.search("sea", queries[number % len(queries)])
        clock.seconds += 1


@pytest.mark.feature("F671")
@pytest.mark.feature("F675")
@pytest.mark.feature("F676")
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
