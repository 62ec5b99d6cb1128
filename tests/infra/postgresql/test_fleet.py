"""The fleet on a real PostgreSQL: heartbeats, leader, switches, acknowledgements; each process has its own connection."""

import psycopg
import pytest

from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys, Role
from trimtab.infra.fleet import Fleet, NotInTouch, ProcessIdentity
from trimtab.infra.fleet.store import FleetStore, open_store
from trimtab.infra.web.sessions import Sessions, SignInRefused
from trimtab.kernel.errors import Unauthenticated, Unavailable
from trimtab.testing.clock import FakeClock


class Processes:
    """Processes on one database, whose rounds the test runs itself."""

    def __init__(self, server):
        self.server = server
        self.clock = FakeClock()
        self.opened = []

    def make(self, name, roles="all"):
        me = ProcessIdentity(name, roles, "1.0", "here")
        # Only the first one makes the tables: under load that takes seconds, which count as silence.
        store = (
            FleetStore(self.server.direct_url, me) if self.opened else open_store(self.server, me)
        )
        fleet = Fleet(me, store, self.clock)
        self.opened.append(fleet)
        return fleet

    def join(self, name):
        fleet = self.make(name)
        fleet.join()
        return fleet

    def pass_time(self, seconds):
        """Let time pass on every process's clock and on that of the database."""
        self.clock.advance(seconds)
        with psycopg.connect(self.server.direct_url, autocommit=True) as connection:
            connection.execute("UPDATE fleet.processes SET seen_at = seen_at - %s", (seconds,))


@pytest.fixture
def processes(postgres):
    made = Processes(postgres.server())
    yield made
    for fleet in made.opened:
        fleet.close()


def states(fleet):
    return {each.id: (each.is_live, each.leader) for each in fleet.processes()}


def test_the_first_process_leads_and_the_second_does_not(processes):
    a, b = processes.join("a"), processes.join("b")
    assert (a.leads(), b.leads()) == (True, False)
    assert states(b) == {"a": (True, True), "b": (True, False)}


def test_processes_of_other_roles_have_a_leader_of_their_own(processes):
    """The first process may not have started what the others need a leader for."""
    gateway = processes.make("g", "gateway")
    gateway.join()
    a, b = processes.join("a"), processes.join("b")
    assert (gateway.leads(), a.leads(), b.leads()) == (True, True, False)


def test_another_leads_when_the_leader_leaves(processes):
    a, b = processes.join("a"), processes.join("b")
    a.close()
    processes.pass_time(5)
    b.round()
    assert b.leads()
    assert states(b) == {"a": (False, False), "b": (True, True)}


def test_a_leader_whose_session_ended_does_not_lead_after_its_next_heartbeat(processes):
    a, b = processes.join("a"), processes.join("b")
    with psycopg.connect(processes.server.direct_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trimtab leader a'"
        )
    processes.pass_time(5)
    b.round()
    with pytest.raises(Unavailable):
        a.round()
    a.round()
    assert (a.leads(), b.leads()) == (False, True)


def test_a_frozen_leader_trusts_its_lock_no_more_before_another_takes_it(processes):
    a, b = processes.join("a"), processes.join("b")
    processes.pass_time(14)
    b.round()
    assert (a.leads(), b.leads()) == (True, False)
    processes.pass_time(2)
    b.round()
    assert (a.leads(), b.leads()) == (False, False)
    processes.pass_time(15)
    b.round()
    assert (a.leads(), b.leads()) == (False, True)
    with pytest.raises(Unavailable):
        a.round()
    a.round()
    assert (a.leads(), b.leads()) == (False, True)


def test_a_process_refuses_to_answer_before_it_counts_as_lost(processes):
    a, b = processes.join("a"), processes.join("b")
    processes.pass_time(19)
    b.round()
    assert a.refusal() is None
    processes.pass_time(2)
    assert isinstance(a.refusal(), NotInTouch)
    assert states(b)["a"][0]
    processes.pass_time(10)
    assert not states(b)["a"][0]


def test_a_frozen_process_forgets_before_it_answers_again(processes):
    a, b = processes.join("a"), processes.join("b")
    dropped = []
    a.on_forget("cache", lambda: dropped.append(a.refusal()))
    number = b.order_to_forget()
    b.round()
    assert b.behind(number) == ["a"]
    processes.pass_time(31)
    b.round()
    assert b.behind(number) == []
    a._store.close()
    a.round()
    assert [type(each) for each in dropped] == [NotInTouch]
    assert a.refusal() is None


def test_a_change_is_acknowledged_once_applied(processes):
    a, b = processes.join("a"), processes.join("b")
    dropped = []
    a.on_forget("cache", lambda: dropped.append("a"))
    b.on_forget("cache", lambda: dropped.append("b"))
    number = a.order_to_forget()
    assert a.behind(number) == ["a", "b"]
    a.round()
    assert (a.behind(number), dropped) == (["b"], ["a"])
    b.round()
    b.round()
    assert (a.behind(number), dropped) == ([], ["a", "b"])


def test_a_process_that_cannot_apply_a_change_does_not_beat(processes):
    a, b = processes.join("a"), processes.join("b")
    a.on_forget("cache", lambda: 1 / 0)
    number = b.order_to_forget()
    processes.pass_time(25)
    b.round()
    with pytest.raises(ZeroDivisionError):
        a.round()
    assert isinstance(a.refusal(), NotInTouch)
    assert b.behind(number) == ["a"]
    processes.pass_time(6)
    b.round()
    assert b.behind(number) == []


class Value:
    """A value in a process's memory."""

    def __init__(self, fleet):
        self.now = 0
        fleet.share("rules", lambda: self.now, self.put)

    def put(self, value):
        self.now = value


def test_a_shared_value_reaches_the_others_and_those_that_join_later(processes):
    a, b, late = (processes.make(name) for name in "abc")
    here, there, joined = (Value(each) for each in (a, b, late))
    a.join()
    b.join()
    here.now = 1
    a.round()
    here.now = 2
    a.round()
    b.round()
    assert there.now == 2
    there.now = 3
    b.round()
    a.round()
    late.join()
    assert (here.now, there.now, joined.now) == (3, 3, 3)


def test_a_claim_is_held_by_one_process_until_it_ends(processes):
    a, b = processes.join("a"), processes.join("b")
    with a.claimed("outbox", 60) as first, b.claimed("outbox", 60) as second:
        assert (first, second) == (True, False)
    with b.claimed("outbox", 60) as again:
        assert again
    assert a._store.claim("export", "a", 0)
    with b.claimed("export", 60) as after_its_time:
        assert after_its_time


def test_a_process_without_its_database_stops_leading_and_then_answering(processes):
    a = processes.join("a")
    a._store._url = "postgresql://127.0.0.1:1/none"
    a._store.close()
    processes.clock.advance(16)
    with pytest.raises(Unavailable):
        a.round()
    assert (a.leads(), a.refusal()) == (False, None)
    processes.clock.advance(5)
    assert isinstance(a.refusal(), NotInTouch)
    a._store._url = processes.server.direct_url
    a.round()
    assert (a.leads(), a.refusal()) == (True, None)


def test_a_key_revoked_in_one_process_is_refused_by_the_next_call_in_another(postgres):
    chains = ("state",)
    clock = FakeClock()
    here, there = (
        Keys(database, clock, Audit(database, clock), shared=True)
        for database in (postgres.open(chains), postgres.open(chains))
    )
    key = here.create("ci", Role.READER, actor="test")
    assert there.authenticate(key).name == "ci"
    assert there.recall(key) is None
    assert there.active == 1
    here.revoke("ci", actor="test")
    with pytest.raises(Unauthenticated):
        there.authenticate(key)
    assert there.active == 0


def test_a_link_made_in_one_process_signs_in_once_through_another(postgres):
    clock, made = FakeClock(), []
    for database in (postgres.open(("state",)), postgres.open(("state",))):
        keys = Keys(database, clock, Audit(database, clock), shared=True)
        made.append((keys, Sessions(database, keys, clock, b"s" * 32, 1)))
    (keys, here), (_, there) = made
    keys.create("ci", Role.READER, actor="test")
    link = here.new_link("ci")
    assert there.redeem(link).name == "ci"
    for sessions in (here, there):
        with pytest.raises(SignInRefused):
            sessions.redeem(link)
