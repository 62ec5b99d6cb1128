"""One page for an outage, however often it is asked for."""

import httpx
import pytest

from tests.infra.test_notification_channels import Receiver
from trimtab.infra.notify import Delivery, Outbox, Reach
from trimtab.infra.notify.actions import outage_actions
from trimtab.infra.notify.outage import OutagePages
from trimtab.infra.notify.pagerduty import PagerDutyChannel
from trimtab.kernel.operable import ActionContext, check_arguments
from trimtab.testing.clock import FakeClock


@pytest.fixture
def database(databases):
    return databases.open(("incidents", "notify"))


@pytest.mark.feature("F283")
def test_an_outage_is_one_event_at_pagerduty_until_it_is_resolved(database):
    receiver, clock = Receiver(), FakeClock()
    with receiver.serve() as url:
        reach = Reach([PagerDutyChannel(url, "key", httpx.Client())])
        pages = OutagePages(Outbox(database), reach, clock)
        first, second = pages.trigger(), pages.trigger("Everything is down")
        end, again, third = pages.resolve(), pages.resolve(), pages.trigger()
        Delivery(Outbox(database), reach.channels, clock).deliver_due()
    assert [call.sent for call in (first, second, end, again, third)] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert first.message == "Sent to pagerduty."
    bodies = [body.decode() for _, _, body in receiver.got]
    assert [body.count("trigger") for body in bodies] == [1, 0, 1]
    assert all('"System-wide outage' in body for body in bodies)


def test_an_open_outage_is_known_after_a_restart(database):
    OutagePages(Outbox(database), Reach(), FakeClock()).trigger()
    assert OutagePages(Outbox(database), Reach(), FakeClock()).trigger().sent is False


def test_without_a_channel_nobody_is_said_to_be_called(database):
    [action] = outage_actions(OutagePages(Outbox(database), Reach(), FakeClock()))
    given = check_arguments(action.params, {})
    context = ActionContext("key", "tester")
    assert given["description"] == "System-wide outage"
    assert "would be paged" in action.dry_run(given, context).summary
    assert "no one was called" in action.run(given, context).summary
    assert action.dry_run(given, context).changes is False
