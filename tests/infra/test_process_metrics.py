"""The process knows its starts, its sudden ends, its use of the machine, and what its log has said."""

import logging
import math
import zlib

import pytest

from tests.databases import open_at
from trimtab.infra.audit import Audit
from trimtab.infra.container_memory import ContainerMemory
from trimtab.infra.process_metrics import LOST, ProcessMetrics
from trimtab.infra.storage import losses
from trimtab.infra.telemetry.log_counters import LogCounters
from trimtab.kernel.health import Status
from trimtab.testing.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def live(databases, tmp_path, clock):
    """Begin a life of the service; several share one audit chain."""
    database = databases.open(("state",))
    begun = []

    def begin(cgroup=tmp_path / "none"):
        memory = ContainerMemory(cgroup)
        process_metrics = ProcessMetrics(Audit(database, clock), clock, memory)
        process_metrics.record_start("1")
        begun.append(process_metrics)
        return process_metrics

    yield begin
    for process_metrics in begun:
        logging.getLogger().removeHandler(process_metrics.counters)
    database.close()


@pytest.fixture
def counters():
    """Count what the logger `x` says."""
    found, logger = LogCounters(), logging.getLogger("x")
    logger.addHandler(found)
    yield found
    logger.removeHandler(found)


def test_what_a_database_had_lost_at_a_start_is_in_the_audit_chain(tmp_path, clock):
    file = tmp_path / "other.db"
    open_at(file, ("state",)).close()
    # As if seven commits had been acknowledged, of which the file holds fewer.
    file.with_name("other.db-commits").write_bytes(b"0000000007 %08x\n" % zlib.crc32(b"7"))
    other = open_at(file, ("state",))
    chain = Audit(other, clock)
    process_metrics = ProcessMetrics(chain, clock)
    process_metrics.record_start("1", (other,))
    process_metrics.record_stop()
    (event,) = [event for event in chain.recent() if event.action == LOST]
    assert event.subject == "other.db"
    assert event.facts == f'{{"changes":{other.guard.lost_commits}}}'
    assert losses(other).status is Status.DEGRADED
    assert "other.db" in losses(other).detail
    other.close()


def read(process_metrics, name):
    (signal,) = [signal for signal in process_metrics.signals() if signal.name == name]
    return {",".join(sample.labels.values()): sample.value for sample in signal.read()}


@pytest.mark.feature("F567")
def test_the_starts_of_the_last_hour_are_counted_over_lives(live, clock):
    live()
    clock.advance(50 * 60)
    live()
    process_metrics = live()
    assert read(process_metrics, "service.starts") == {"": 3}
    clock.advance(11 * 60)
    assert read(process_metrics, "service.starts") == {"": 2}


def test_a_life_that_was_not_ended_in_order_was_killed(live):
    live().record_stop()
    live()
    assert read(live(), "service.kills") == {"": 1}


@pytest.mark.feature("F565")
def test_the_kernels_count_of_processes_killed_for_memory_is_read(live, tmp_path):
    events = tmp_path / "memory.events"
    events.write_text("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert read(live(tmp_path), "service.oom_kills") == {"": 2}


def test_without_a_cgroup_nothing_is_said_about_kills_for_memory(live):
    assert math.isnan(read(live(), "service.oom_kills")[""])


def test_what_is_written_to_the_disk_is_counted(live, tmp_path):
    process_metrics = live()
    before = read(process_metrics, "service.disk_bytes")
    with (tmp_path / "file").open("wb") as file:
        file.write(b"x" * 8 * 1024 * 1024)
    assert (
        read(process_metrics, "service.disk_bytes")["written"] - before["written"]
        >= 8 * 1024 * 1024
    )


def test_the_share_of_the_processors_is_between_nothing_and_all(live):
    assert 0 <= read(live(), "service.cpu_ratio")[""] <= 1


@pytest.mark.feature("F594", "F596")
def test_errors_are_grouped_by_their_type(counters):
    for error in (TimeoutError("late"), TimeoutError("later"), ValueError("odd")):
        logging.getLogger("x").error("failed", exc_info=error)
    logging.getLogger("x").error("failed", extra={"error_type": "DatabaseError"})
    logging.getLogger("x").warning("not an error", exc_info=KeyError("x"))
    assert counters.errors() == {"TimeoutError": 2, "ValueError": 1, "DatabaseError": 1}


def test_however_many_types_there_are_the_groups_stay_few(counters):
    for number in range(200):
        logging.getLogger("x").error("failed", extra={"error_type": f"Error{number}"})
    assert len(counters.errors()) <= 51
    assert sum(counters.errors().values()) == 200


@pytest.mark.parametrize(
    ("symptom", "message", "error"),
    [
        pytest.param(
            "vector_store_unreachable",
            "chromadb.errors.ConnectionError: refused",
            None,
            marks=pytest.mark.feature("F538"),
        ),
        pytest.param("out_of_memory", "failed", MemoryError(), marks=pytest.mark.feature("F566")),
        pytest.param("out_of_memory", "malloc failed", None, marks=pytest.mark.feature("F566")),
        pytest.param(
            "disk_full",
            "failed",
            OSError(28, "No space left on device"),
            marks=pytest.mark.feature("F624"),
        ),
        pytest.param(
            "database_malformed",
            "database disk image is malformed",
            None,
            marks=pytest.mark.feature("F699"),
        ),
        ("model_not_loaded", "failed", RuntimeError("Embedding model failed to load")),
        ("checkpoint_failed", "wal_checkpoint of knowledge.db failed", None),
    ],
)
def test_the_documents_texts_are_recognised_in_message_and_error(counters, symptom, message, error):
    logging.getLogger("x").warning(message, exc_info=error)
    assert counters.symptoms() == {name: int(name == symptom) for name in counters.symptoms()}


@pytest.mark.feature("F707")
def test_what_went_before_a_corruption_can_be_read_as_signals(live):
    process_metrics = live()
    logging.getLogger("trimtab").error("x", exc_info=OSError(28, "No space left on device"))
    logging.getLogger("trimtab").error("checkpoint failed: the log is in use")
    again = live()
    seen = read(process_metrics, "service.symptoms_logged")
    assert (seen["disk_full"], seen["checkpoint_failed"]) == (1, 1)
    assert read(again, "service.kills") == {"": 1}


def test_the_cause_behind_an_error_is_looked_at_too(counters):
    error = ValueError("wrapped")
    error.__cause__ = OSError(28, "No space left on device")
    logging.getLogger("x").error("failed", exc_info=error)
    assert counters.symptoms()["disk_full"] == 1
