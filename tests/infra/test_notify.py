import io

import httpx
import pytest

from trimtab.infra.notify import (
    ConsoleChannel,
    Delivery,
    Kind,
    Message,
    Outbox,
    WebhookChannel,
    actions,
    channels_for,
)
from trimtab.infra.notify.channels import NotDelivered
from trimtab.infra.storage import Database
from trimtab.kernel.operable import ActionContext, check_arguments
from trimtab.testing.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def outbox(tmp_path):
    database = Database(tmp_path / "state.db", ("incidents",))
    yield Outbox(database)
    database.close()


def message(key="one", channel="#incidents"):
    return Message(channel, Kind.ALERT, f"text of {key}", key, "INC-1")


class Flaky:
    """A channel that fails a given number of times."""

    def __init__(self, failures=0):
        self.failures = failures
        self.taken = []

    def send(self, sent):
        if self.failures:
            self.failures -= 1
            raise NotDelivered("not now")
        self.taken.append(sent.key)


def test_a_message_is_delivered_once(outbox, clock):
    channel = Flaky()
    outbox.add(message(), clock.now())
    outbox.add(message(), clock.now())
    delivery = Delivery(outbox, [channel], clock)
    assert (delivery.deliver_due(), delivery.deliver_due()) == (1, 0)
    assert channel.taken == ["one"]


def test_a_failed_message_is_tried_again_later_and_holds_up_nobody(outbox, clock):
    channel = Flaky(failures=1)
    outbox.add(message("one"), clock.now())
    outbox.add(message("two"), clock.now())
    delivery = Delivery(outbox, [channel], clock)
    assert delivery.deliver_due() == 1
    assert delivery.deliver_due() == 0
    clock.advance(2)
    assert delivery.deliver_due() == 1
    assert channel.taken == ["two", "one"]


def test_the_pause_between_two_tries_grows_to_ten_minutes(outbox, clock):
    outbox.add(message(), clock.now())
    delivery = Delivery(outbox, [Flaky(failures=1000)], clock)
    pauses = []
    for _ in range(12):
        waited = 0
        while not outbox.due(clock.now()):
            clock.advance(1)
            waited += 1
        pauses.append(waited)
        delivery.deliver_due()
    assert pauses[1:4] == [2, 4, 8]
    assert pauses[-1] == 600


def test_what_waits_survives_a_restart(tmp_path, clock):
    first = Database(tmp_path / "state.db", ("incidents",))
    Outbox(first).add(message(), clock.now())
    first.close()
    second = Database(tmp_path / "state.db", ("incidents",))
    assert Outbox(second).undelivered() == 1
    second.close()


def test_a_rolled_back_transaction_sends_nothing(tmp_path, clock):
    database = Database(tmp_path / "state.db", ("incidents",))
    outbox = Outbox(database)

    def fail():
        with database.write() as connection:
            outbox.put(connection, message(), clock.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert outbox.undelivered() == 0
    database.close()


@pytest.mark.feature("F358")
def test_a_runbooks_message_is_written_once_for_each_intended_effect(outbox, clock):
    (send,) = actions(outbox, clock)
    given = check_arguments(send.params, {"channel": "#ml-alerts", "text": "hello"})
    for key in ("a", "a", "b"):
        send.run(given, ActionContext(key, "runbook:x"))
    assert [waiting.message.text for waiting in outbox.due(clock.now())] == ["hello", "hello"]
    assert "#ml-alerts would be told: hello" in send.dry_run(given, ActionContext("c", "x")).summary
    assert outbox.undelivered() == 2


def webhook(answer):
    seen = []

    def take(request):
        seen.append(request)
        return answer(request) if callable(answer) else httpx.Response(answer)

    client = httpx.Client(transport=httpx.MockTransport(take))
    return WebhookChannel("https://hooks.example/T/secret", client), seen


def test_the_webhook_gets_channel_and_text_as_slack_wants_them():
    channel, seen = webhook(200)
    channel.send(message())
    assert seen[0].content == b'{"channel":"#incidents","text":"text of one"}'
    assert seen[0].headers["Idempotency-Key"] == "#incidents|one"


def test_a_webhook_that_refuses_or_is_silent_is_not_delivered_and_its_url_stays_secret():
    def silent(request):
        raise httpx.ConnectTimeout("no answer from https://hooks.example/T/secret")

    for answer in (500, silent):
        channel, _ = webhook(answer)
        with pytest.raises(NotDelivered) as refused:
            channel.send(message())
        assert "secret" not in str(refused.value)


def test_the_console_shows_the_channel_first():
    stream = io.StringIO()
    ConsoleChannel(stream).send(message())
    assert stream.getvalue() == "[#incidents] text of one\n"


@pytest.mark.feature("F358", "F369")
@pytest.mark.parametrize("severity", ["P1", "P2"])
@pytest.mark.parametrize("kind", [Kind.ALERT, Kind.RESOLUTION])
def test_all_high_alerts_and_resolutions_go_to_ml_alerts(kind, severity):
    assert "#ml-alerts" in channels_for(kind, severity, "AOPS")


def test_notable_events_disturb_no_channel():
    assert channels_for(Kind.ALERT, "P3", "AOPS") == ()


@pytest.mark.feature("F370")
def test_data_quality_goes_to_data_alerts():
    assert "#data-alerts" in channels_for(Kind.ALERT, "P2", "AOPS", topic="data")
    assert "#data-alerts" not in channels_for(Kind.ALERT, "P2", "AOPS", topic="model")


@pytest.mark.feature("F739")
def test_knowledge_incidents_are_told_in_incidents_and_paged_on_call():
    assert channels_for(Kind.ALERT, "P2", "KB") == ("#incidents",)
    assert channels_for(Kind.PAGE, "P1", "KB") == ("#on-call",)


@pytest.mark.feature("F371")
def test_post_mortems_are_tracked_on_github():
    assert channels_for(Kind.POSTMORTEM, "P3", "KB") == ("github",)


@pytest.mark.feature("F372")
def test_management_hears_of_p1_escalations_and_of_their_end_by_email():
    assert "email" in channels_for(Kind.ESCALATION, "P1", "AOPS")
    assert "email" in channels_for(Kind.RESOLUTION, "P1", "AOPS")
    assert "email" not in channels_for(Kind.ESCALATION, "P2", "AOPS")


def test_pages_go_to_the_on_call_channel():
    assert channels_for(Kind.PAGE, "P2", "KB") == ("#on-call",)
