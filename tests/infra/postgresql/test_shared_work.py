"""Two processes on one PostgreSQL take up the same work at the same moment, or disagree about the time: it is done once."""

import threading
from datetime import timedelta

import pytest

from tests.incidents.intake.desk import make_desk, posted
from tests.incidents.operator import until
from tests.incidents.test_notifications import paged_page
from tests.infra.test_notify import Flaky, message
from trimtab.incidents import State
from trimtab.infra.fleet import Fleet, ProcessIdentity
from trimtab.infra.fleet.store import FleetStore, open_store
from trimtab.infra.notify import Kind, Outbox
from trimtab.infra.notify.delivery import Delivery
from trimtab.testing.clock import FakeClock

AHEAD = timedelta(minutes=5)
CHAINS = ("state", "incidents", "notify")


def at_once(*calls):
    """Call functions in threads of their own that begin together."""
    barrier = threading.Barrier(len(calls))

    def begin(call):
        barrier.wait(10)
        call()

    threads = [threading.Thread(target=begin, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.fixture
def fleets(postgres):
    """Return two processes of a fleet; the wall clock of the second is five minutes ahead."""
    server, clock = postgres.server(postgres.folder / "state.db", CHAINS), FakeClock()
    made = []
    for name, own in (("a", clock), ("b", FakeClock(clock.now() + AHEAD))):
        me = ProcessIdentity(name, "all", "1.0", "here")
        store = FleetStore(server.direct_url, me) if made else open_store(server, me)
        made.append((Fleet(me, store, own), own))
        made[-1][0].join()
    yield made
    for fleet, _ in made:
        fleet.close()


def test_a_channel_that_fails_at_first_gets_each_message_once_from_two_processes(postgres, fleets):
    channel = Flaky(failures=7)
    outboxes = [Outbox(postgres.open(CHAINS), fleet) for fleet, _ in fleets]
    sent = [f"number-{number}" for number in range(10)]
    for key in sent:
        outboxes[0].add(message(key), fleets[0][1].now())
    deliveries = [
        Delivery(outbox, [channel], clock)
        for outbox, (_, clock) in zip(outboxes, fleets, strict=True)
    ]
    for _ in range(8):
        at_once(*(delivery.deliver_due for delivery in deliveries))
        for _, clock in fleets:
            clock.advance(60)
    assert sorted(channel.taken) == sorted(sent)


def test_a_process_whose_clock_is_ahead_lives_and_takes_no_claim_of_another(fleets):
    (a, _), (b, _) = fleets
    b.round()
    assert {each.id: each.is_live for each in b.processes()} == {"a": True, "b": True}
    assert [each.silent_seconds < 30 for each in a.processes()] == [True, True]
    with a.claimed("outbox 1", 120) as mine, b.claimed("outbox 1", 120) as too:
        assert (mine, too) == (True, False)


def told_about_the_tank(desks):
    """Let the desks receive the tank's alert at once; return the only incident's messages."""
    desks[0].operator.world.put(level=1)
    at = desks[0].clock.now()
    alert = posted("TankLow", at=at, component="tank")
    at_once(*(lambda desk=desk: desk.post(alert) for desk in desks))
    assert len({incident.id for desk in desks for incident in desk.open()}) == 1
    (incident,) = desks[0].open()
    for desk in desks:  # Each may have the incident's job, which a real job's id makes one.
        until(desk.operator, incident, State.ESCALATED)
    sent = desks[0].operator.outbox.about(incident.id)
    assert Kind.PAGE in {each.kind for each in sent}
    return sorted((each.channel, each.kind, each.key) for each in sent)


def test_an_alert_that_two_processes_receive_is_one_incident_told_and_paged_as_by_one_process(
    postgres, tmp_path
):
    (tmp_path / "alone").mkdir()
    alone = told_about_the_tank([make_desk(tmp_path / "alone", page=paged_page())])
    two = told_about_the_tank([make_desk(tmp_path, page=paged_page()) for _ in range(2)])
    assert two == alone
