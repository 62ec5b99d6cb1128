"""The process knows its starts, its sudden ends, its use of the machine, and what its log has said."""

import logging
import math

import pytest

from trimtab.infra.audit import Audit
from trimtab.infra.process_metrics import LOST, Vitals
from trimtab.infra.storage import Database, losses
from trimtab.infra.storage.sqlite.integrity.commit_counter import Acknowledged
from trimtab.infra.telemetry.log_counters import LogTally
from trimtab.kernel.health import Status
from trimtab.testing.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def live(tmp_path, clock):
    """Begin a life of the service; several share one audit chain."""
    database = Database(tmp_path / "state.db", ("state",))
    begun = []

    def begin(events=tmp_path / "none"):
        vitals = Vitals(Audit(database, clock), clock, events)
        vitals.started("1")
        begun.append(vitals)
        return vitals

    yield begin
    for vitals in begun:
        logging.getLogger().removeHandler(vitals.tally)
    database.close()


@pytest.fixture
def tally():
    """Count what the logger `x` says."""
    found, logger = LogTally(), logging.getLogger("x")
    logger.addHandler(found)
    yield found
    logger.removeHandler(found)


def test_what_a_database_had_lost_at_a_start_is_in_the_audit_chain(tmp_path, clock):
    file = tmp_path / "other.db"
    Database(file, ("state",)).close()
    Acknowledged(file).note(
        7
    )  # As if seven commits had been acknowledged, of which the file holds fewer.
    other = Database(file, ("state",))
    chain = Audit(other, clock)
    vitals = Vitals(chain, clock)
    vitals.started("1", (other,))
    vitals.stopped()
    (event,) = [event for event in chain.recent() if event.action == LOST]
    assert event.subject == "other.db"
    assert event.facts == f'{{"changes":{other.guard.lost_commits}}}'
    assert losses(other).status is Status.DEGRADED
    assert "other.db" in losses(other).detail
    other.close()


def read(vitals, name):
    (signal,) = [signal for signal in vitals.signals() if signal.name == name]
    return {",".join(sample.labels.values()): sample.value for sample in signal.read()}


@pytest.mark.feature("F567")
def test_the_starts_of_the_last_hour_are_counted_over_lives(live, clock):
    live()
    clock.advance(50 * 60)
    live()
    vitals = live()
    assert read(vitals, "service.starts") == {"": 3}
    clock.advance(11 * 60)
    assert read(vitals, "service.starts") == {"": 2}


def test_a_life_that_was_not_ended_in_order_was_killed(live):
    live().stopped()
    live()
    assert read(live(), "service.kills") == {"": 1}


@pytest.mark.feature("F565")
def test_the_kernels_count_of_processes_killed_for_memory_is_read(live, tmp_path):
    events = tmp_path / "memory.events"
    events.write_text("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert read(live(events), "service.oom_kills") == {"": 2}


def test_without_a_cgroup_nothing_is_said_about_kills_for_memory(live):
    assert math.isnan(read(live(), "service.oom_kills")[""])


def test_what_is_written_to_the_disk_is_counted(live, tmp_path):
    vitals = live()
    before = read(vitals, "service.disk_bytes")
    with (tmp_path / "file").open("wb") as file:
        file.write(b"x" * 8 * 1024 * 1024)
    assert read(vitals, "service.disk_bytes")["written"] - before["written"] >= 8 * 1024 * 1024


def test_the_share_of_the_processors_is_between_nothing_and_all(live):
    assert 0 <= read(live(), "service.cpu_ratio")[""] <= 1


@pytest.mark.feature("F594", "F596")
def test_errors_are_grouped_by_their_type(tally):
    for error in (TimeoutError("late"), TimeoutError("later"), ValueError("odd")):
        logging.getLogger("x").error("failed", exc_info=error)
    logging.getLogger("x").error("failed", extra={"error_type": "DatabaseError"})
    logging.getLogger("x").warning("not an error", exc_info=KeyError("x"))
    assert tally.errors() == {"TimeoutError": 2, "ValueError": 1, "DatabaseError": 1}


def test_however_many_types_there_are_the_groups_stay_few(tally):
    for number in range(200):
        logging.getLogger("x").error("failed", extra={"error_type": f"Error{number}"})
    assert len(tally.errors()) <= 51
    assert sum(tally.errors().values()) == 200


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
def test_the_documents_texts_are_recognised_in_message_and_error(tally, symptom, message, error):
    logging.getLogger("x").warning(message, exc_info=error)
    assert tally.symptoms() == {name: int(name == symptom) for name in tally.symptoms()}


@pytest.mark.feature("F707")
def test_what_went_before_a_corruption_can_be_read_as_signals(live):
    vitals = live()
    logging.getLogger("trimtab").error("x", exc_info=OSError(28, "No space left on device"))
    logging.getLogger("trimtab").error("checkpoint failed: the log is in use")
    again = live()
    seen = read(vitals, "service.symptoms_logged")
    assert (seen["disk_full"], seen["checkpoint_failed"]) == (1, 1)
    assert read(again, "service.kills") == {"": 1}


def test_the_cause_behind_an_error_is_looked_at_too(tally):
    error = ValueError("wrapped")
    error.__cause__ = OSError(28, "No space left on device")
    logging.getLogger("x").error("failed", exc_info=error)
    assert tally.symptoms()["disk_full"] == 1
