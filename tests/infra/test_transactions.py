"""Running and slow transactions of a database, their interruption, and an exhausted pool."""

import threading

import pytest

from tests.databases import open_at
from trimtab.infra.database_catalog import actions, faults, run_endless_query, signals
from trimtab.infra.storage.transactions import SLOW_SECONDS, Transactions
from trimtab.infra.telemetry.log_counters import LogCounters
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.operable import ActionContext, check_arguments
from trimtab.testing.clock import FakeClock


@pytest.fixture
def database(tmp_path):
    made = open_at(tmp_path / "state.db", ("notify",))
    yield made
    made.close()


def reading(database, started, go_on):
    with database.read():
        started.set()
        go_on.wait(30)


@pytest.fixture
def held(database):
    """Hold a read transaction open in another thread."""
    started, go_on = threading.Event(), threading.Event()
    thread = threading.Thread(target=reading, args=(database, started, go_on))
    thread.start()
    assert started.wait(30)
    yield
    go_on.set()
    thread.join()


@pytest.mark.feature("F220")
@pytest.mark.usefixtures("held")
def test_a_running_transaction_is_listed_with_its_caller(database):
    [found] = database.transactions.open()
    assert (found.database, found.caller) == ("state.db", "reading")
    assert database.transactions.longest_seconds() >= found.seconds >= 0


def test_a_transaction_that_has_ended_is_not_listed(database):
    with database.read():
        pass
    with pytest.raises(ZeroDivisionError), database.write():
        raise ZeroDivisionError
    assert database.transactions.open() == []
    assert database.transactions.longest_seconds() == 0


@pytest.mark.feature("F180", "F216", "F233")
def test_the_ten_slowest_callers_are_listed_by_mean_time():
    found = Transactions("state.db")
    for number in range(12):
        function = eval(f"lambda: {number}")
        code = function.__code__.replace(co_qualname=f"f{number:02}")
        found.note(code, SLOW_SECONDS + number)
        found.note(code, SLOW_SECONDS + number + 2)
    slowest = found.slowest()
    assert [each.caller for each in slowest] == [f"f{number:02}" for number in range(11, 1, -1)]
    assert (slowest[0].count, slowest[0].mean_seconds, slowest[0].longest_seconds) == (
        2,
        SLOW_SECONDS + 12,
        SLOW_SECONDS + 13,
    )
    assert found.slow_count == 24


@pytest.mark.feature("F222")
def test_a_query_that_does_not_end_is_interrupted_and_others_are_not(database):
    clock, errors = FakeClock(), []
    clock.rate = 1e9  # A moment is long enough.
    thread = threading.Thread(target=run_endless_query, args=(database,))
    thread.start()
    while not any(each.caller == "run_endless_query" for each in database.transactions.open()):
        thread.join(0.01)
    [action] = actions([database], clock)
    given = check_arguments(action.params, {})
    assert given == {"older_seconds": 600.0}
    context = ActionContext("key", "tester")
    assert "1 queries would be ended: run_endless_query" in action.dry_run(given, context).summary
    while thread.is_alive():
        action.run(given, context)
        thread.join(0.05)
    assert errors == []
    assert action.run(given, context).changes is False


def test_the_caller_of_an_interrupted_query_is_told_to_repeat_it(database):
    def run():
        with database.read() as connection:
            connection.connection.driver_connection.set_progress_handler(lambda: 1, 1)
            try:
                connection.exec_driver_sql("SELECT count(*) FROM notify_tests").fetchall()
            finally:
                connection.connection.driver_connection.set_progress_handler(None, 0)

    with pytest.raises(Unavailable, match="ran too long"):
        run()


@pytest.mark.feature("F219", "F218")
@pytest.mark.usefixtures("held")
def test_connections_in_use_and_idle_are_counted(database):
    found = {signal.name: signal for signal in signals([database], FakeClock())}
    samples = found["service.database.connections"].read()
    states = {each.labels["state"]: each.value for each in samples}
    assert found["service.database.connections"].metric_name == "db_connections"
    assert states["in_use"] == 1


@pytest.mark.feature("F215")
def test_an_exhausted_pool_says_so_and_is_counted_as_a_symptom(database, caplog):
    database.engine.pool._timeout = 0.01
    counters = LogCounters()
    with pytest.raises(Unavailable, match="Connection pool exhausted"):
        hold_all(database, 40)
    for record in caplog.records:
        counters.emit(record)
    assert counters.symptoms()["connection_pool_exhausted"] == 1
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def hold_all(database, count):
    with database.read():
        if count:
            hold_all(database, count - 1)


def test_the_fault_runs_a_query_until_it_is_restored(database):
    [fault] = faults(database)
    state = fault.inject({})
    while not database.transactions.open():
        threading.Event().wait(0.01)
    fault.restore(state)
    fault.restore(state)
    assert database.transactions.open() == []
