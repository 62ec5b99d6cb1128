"""Storage and limits of requests at Qdrant are read over HTTP; what cannot be read is said so."""

import pytest

from tests.knowledge.engines.qdrant_server import collection, qdrant_server
from trimtab.knowledge.engines.qdrant_usage import (
    QdrantUsageMonitor,
    read_usage,
    usage_signals,
)


@pytest.mark.feature("F442")
def test_all_collections_are_added_up_and_the_least_limits_are_told():
    served = {
        "a": collection(1000, 384, "float16", reads=600, writes=50),
        "b": collection(500, 384, reads=120),
        "c": collection(10, 100, "uint8", named=True),
    }
    with qdrant_server(served, key="secret") as url:
        found = read_usage(url, 4.0)
    assert (found.collections, found.points, found.problem) == (3, 1510, "")
    expected = (1000 * 384 * 2 + 500 * 384 * 4 + 10 * 200) * 1.5
    assert round(found.stored_gb * 1e9) == expected
    assert (found.reads_per_minute, found.writes_per_minute) == (120, 50)
    assert found.ratio == found.stored_gb / 4


def test_without_a_limit_there_is_no_ratio():
    with qdrant_server({"a": collection(1000, 384)}) as url:
        found = read_usage(url, 0)
    assert (found.ratio, found.reads_per_minute, found.points) == (None, None, 1000)


@pytest.mark.parametrize(
    ("served", "problem"),
    [("no json", "JSONDecodeError"), ('{"result": 1}', "TypeError"), ("{}", "KeyError")],
)
def test_an_answer_of_another_form_is_a_problem_and_no_zero(served, problem):
    with qdrant_server(served) as url:
        found = read_usage(url, 4.0)
    assert problem in found.problem
    assert found.ratio is None


def test_nobody_there_is_a_problem():
    with qdrant_server({}) as url:
        pass
    assert "ConnectError" in read_usage(url, 4.0).problem


def test_a_wrong_key_is_told_without_the_key():
    with qdrant_server({}, key="right") as url:
        found = read_usage(url.replace("right", "wrong"), 4.0)
    assert found.problem == "Qdrant's use is not known: it refuses the API key."


def _shown(monitor):
    return {
        signal.name.removeprefix("knowledge.qdrant."): [sample.value for sample in signal.read()]
        for signal in usage_signals(monitor)
    }


@pytest.mark.feature("F442")
def test_the_signals_show_the_last_look_and_nothing_before_it():
    with qdrant_server({"a": collection(1_000_000, 384, "float16")}) as url:
        monitor = QdrantUsageMonitor(url, 2.304)
        assert _shown(monitor) == {"stored_gb": [], "storage_ratio": []}
        monitor.look()
    assert _shown(monitor) == {"stored_gb": [1.152], "storage_ratio": [0.5]}
    monitor.look()
    assert _shown(monitor) == {"stored_gb": [], "storage_ratio": []}


@pytest.mark.parametrize(
    ("url", "limit", "tasks"),
    [("", 4.0, 0), ("http://127.0.0.1:1", 0.0, 0), ("http://127.0.0.1:1", 4.0, 1)],
)
def test_it_is_looked_at_only_where_a_limit_is_configured(url, limit, tasks):
    assert len(QdrantUsageMonitor(url, limit).scheduled()) == tasks


def test_the_client_inside_the_process_has_no_storage_to_look_at():
    assert QdrantUsageMonitor(":memory:", 4.0).look() is None
