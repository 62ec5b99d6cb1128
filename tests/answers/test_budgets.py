import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.databases import open_at
from trimtab.answers.budgets import Budget, BudgetStore, Price
from trimtab.answers.drafts import Usage
from trimtab.answers.errors import BudgetExhausted


class MovingClock:
    def __init__(self):
        self.offset = timedelta()

    def now(self):
        return datetime(2026, 11, 22, 12, tzinfo=UTC) + self.offset


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("budgets") / "state.db"
    open_at(file, ("answers",)).close()
    return file


@pytest.fixture
def database(databases):
    return databases.open(("answers",))


def budget(database, limit=1.0, name="answers", clock=None, period="day"):
    return Budget(name, limit, period, BudgetStore(database), clock or MovingClock())


def test_a_call_that_does_not_fit_is_refused_until_another_is_settled_lower(database):
    own = budget(database)
    first = own.reserve(0.8)
    with pytest.raises(BudgetExhausted, match="'answers' of 1 USD a day is used up"):
        own.reserve(0.3)
    own.settle(first, 0.1)
    own.reserve(0.9)
    assert own.standing().share == 1.0


def test_the_standing_tells_money_calls_and_tokens(database):
    own = budget(database)
    own.settle(own.reserve(0.5), 0.25, Usage(100, 20))
    own.reserve(0.1)
    standing = own.standing()
    assert (standing.spent_usd, standing.reserved_usd, standing.calls) == (0.25, 0.1, 1)
    assert (standing.input_tokens, standing.output_tokens) == (100, 20)


def test_settling_twice_counts_once(database):
    own = budget(database)
    reservation = own.reserve(0.5)
    own.settle(reservation, 0.5)
    own.settle(reservation, 0.5)
    assert own.standing().spent_usd == 0.5


def test_budgets_and_periods_are_apart(database):
    clock = MovingClock()
    own = budget(database, clock=clock)
    own.reserve(1.0)
    budget(database, name="shadow", clock=clock).reserve(1.0)
    clock.offset = timedelta(hours=12)
    own.reserve(1.0)


def test_a_month_is_one_period(database):
    clock = MovingClock()
    own = budget(database, clock=clock, period="month")
    own.settle(own.reserve(0.6), 0.6)
    clock.offset = timedelta(days=1)
    with pytest.raises(BudgetExhausted):
        own.reserve(0.6)


def test_a_reservation_that_a_crash_left_counts_as_spent(database):
    clock = MovingClock()
    own = budget(database, clock=clock)
    own.reserve(0.4)
    clock.offset = timedelta(minutes=16)
    own.reserve(0.1)
    assert (own.standing().spent_usd, own.standing().reserved_usd) == (0.4, 0.1)


def test_the_smallest_cost_is_never_lost(database):
    own = budget(database)
    own.settle(own.reserve(1e-9), 1e-9)
    assert own.standing().spent_usd == 1e-6


def test_a_price_is_for_a_million_tokens():
    assert Price(2.0, 10.0).of(Usage(500_000, 100_000)) == 2.0


SPENDER = """
import sys
from pathlib import Path
from tests.answers.test_budgets import budget, reserve_until_refused
from trimtab.infra.storage import SqliteDatabase

database = SqliteDatabase(Path(sys.argv[1]), ("answers",))
own = budget(database)
print("ready", flush=True)
sys.stdin.readline()
print(reserve_until_refused(own, 15))
database.close()
"""


def reserve_until_refused(own, times):
    for granted in range(times):
        try:
            own.reserve(0.05)
        except BudgetExhausted:
            return granted
    return times


@pytest.mark.feature("F490")
def test_many_processes_together_never_overspend(tmp_path):
    file = tmp_path / "state.db"
    shared = open_at(file, ("answers",))
    command = [sys.executable, "-W", "ignore", "-c", SPENDER, str(file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    spenders = [subprocess.Popen(command, **pipes) for _ in range(3)]
    assert [spender.stdout.readline() for spender in spenders] == ["ready\n"] * 3
    for spender in spenders:
        spender.stdin.write("go\n")
        spender.stdin.flush()
    granted = [int(spender.communicate(timeout=60)[0]) for spender in spenders]
    assert sum(granted) == 20
    assert budget(shared).standing().reserved_usd == pytest.approx(1.0)
    shared.close()


@given(
    calls=st.lists(st.tuples(st.floats(0, 0.6), st.floats(0, 1), st.booleans()), max_size=8),
    name=st.uuids(),
)
def test_spent_and_reserved_never_pass_the_limit_when_no_call_costs_more_than_reserved(
    file, calls, name
):
    database = open_at(file, ("answers",))
    own = budget(database, name=str(name))
    try:
        for worst, share, settled in calls:
            try:
                reservation = own.reserve(worst)
            except BudgetExhausted:
                continue
            if settled:
                own.settle(reservation, worst * share)
            assert own.standing().spent_usd + own.standing().reserved_usd <= 1.0 + 1e-9
    finally:
        database.close()
