import io
import json
import socketserver
import threading

import httpx
import pytest

from tests.databases import open_at
from trimtab.infra.notify import Kind, Message, Outbox, channels_for
from trimtab.infra.notify.actions import actions
from trimtab.infra.notify.channels import ConsoleChannel, NotDelivered, WebhookChannel
from trimtab.infra.notify.delivery import Delivery
from trimtab.infra.notify.mail import EmailChannel
from trimtab.infra.notify.pagerduty import PagerDutyChannel
from trimtab.infra.notify.tracker import GitHubChannel
from trimtab.kernel.operable import ActionContext, check_arguments
from trimtab.testing.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def outbox(databases):
    return Outbox(databases.open(("incidents", "notify")))


def message(key="one", channel="#incidents"):
    return Message(channel, Kind.ALERT, f"text of {key}", key, "INC-1")


class Flaky:
    """A channel that fails a given number of times."""

    name = "flaky"

    def reaches_people(self, sent):
        return True

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


def test_a_broken_channel_keeps_no_message_from_the_others_and_doubles_none(outbox, clock):
    broken, well = Flaky(failures=2), Flaky()
    broken.name = "broken"
    outbox.add(message(), clock.now())
    delivery = Delivery(outbox, [broken, well], clock)
    for _ in range(4):
        assert well.taken in ([], ["one"])
        delivery.deliver_due()
        assert well.taken == ["one"]
        clock.advance(600)
    assert broken.taken == ["one"]
    assert outbox.undelivered() == 0


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
    first = open_at(tmp_path / "state.db", ("incidents", "notify"))
    Outbox(first).add(message(), clock.now())
    first.close()
    second = open_at(tmp_path / "state.db", ("incidents", "notify"))
    assert Outbox(second).undelivered() == 1
    second.close()


def test_a_rolled_back_transaction_sends_nothing(tmp_path, clock):
    database = open_at(tmp_path / "state.db", ("incidents", "notify"))
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
    assert "#ml-alerts would receive: hello" in send.dry_run(given, ActionContext("c", "x")).summary
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


def pagerduty(answer=202):
    seen = []

    def take(request):
        seen.append(json.loads(request.content))
        return httpx.Response(answer)

    client = httpx.Client(transport=httpx.MockTransport(take))
    return PagerDutyChannel("https://events.example/v2/enqueue", "routing-key", client), seen


@pytest.mark.feature("F506")
def test_a_page_calls_whoever_pagerdutys_rotation_names_once_an_incident():
    channel, seen = pagerduty()
    channel.send(Message("#on-call", Kind.PAGE, "The database is damaged.", "a", "INC-1"))
    assert seen == [
        {
            "routing_key": "routing-key",
            "event_action": "trigger",
            "dedup_key": "INC-1",
            "payload": {
                "summary": "The database is damaged.",
                "source": "trimtab",
                "severity": "critical",
            },
        }
    ]


def test_pagerduty_hears_of_the_end_and_of_nothing_else():
    channel, seen = pagerduty()
    for kind in Kind:
        channel.send(Message("#incidents", kind, "text", str(kind), "INC-1"))
    assert [event["event_action"] for event in seen] == ["resolve", "trigger"]


def test_a_page_that_pagerduty_refuses_is_tried_again():
    channel, _ = pagerduty(429)
    with pytest.raises(NotDelivered, match="429"):
        channel.send(Message("#on-call", Kind.PAGE, "text", "a", "INC-1"))


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
def test_post_mortems_become_issues_on_github():
    seen = []
    client = httpx.Client(
        transport=httpx.MockTransport(lambda request: seen.append(request) or httpx.Response(201))
    )
    (channel,) = channels_for(Kind.POSTMORTEM, "P3", "KB")
    github = GitHubChannel("https://api.example", "ship/trimtab", "token", client)
    text = "# Post-Mortem: INC-2026-0314\n\n## What Happened\nThe tank ran empty."
    github.send(Message(channel, Kind.POSTMORTEM, text, "a", "INC-2026-0314"))
    github.send(message(channel="#incidents"))
    (request,) = seen
    assert str(request.url) == "https://api.example/repos/ship/trimtab/issues"
    assert json.loads(request.content) == {
        "title": "Post-Mortem: INC-2026-0314",
        "body": text,
        "labels": ["incident"],
    }


class Mailbox(socketserver.StreamRequestHandler):
    """As much of an SMTP server as takes one mail."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            if line.strip().upper() == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.mail = b"".join(iter(self.rfile.readline, b".\r\n")).decode()
            self.wfile.write(b"221 bye\r\n" if line[:4].upper() == b"QUIT" else b"250 ok\r\n")


@pytest.mark.feature("F372")
def test_management_hears_of_p1_escalations_and_of_their_end_by_email():
    assert "email" in channels_for(Kind.ESCALATION, "P1", "AOPS")
    assert "email" in channels_for(Kind.RESOLUTION, "P1", "AOPS")
    assert "email" not in channels_for(Kind.ESCALATION, "P2", "AOPS")
    with socketserver.TCPServer(("127.0.0.1", 0), Mailbox) as server:
        taking = threading.Thread(target=server.handle_request)
        taking.start()
        where = f"127.0.0.1:{server.server_address[1]}"
        mail = EmailChannel(where, "trimtab@ship", ("boss@ship", "cto@ship"), 5.0)
        mail.send(message(channel="#incidents"))
        mail.send(Message("email", Kind.ESCALATION, "P1: the tank\nunresolved for 1 h", "a", "I"))
        taking.join()
    assert "Subject: P1: the tank\r\n" in server.mail
    assert "To: boss@ship, cto@ship\r\n" in server.mail
    assert "unresolved for 1 h" in server.mail


def test_a_mail_server_that_is_not_there_is_tried_again():
    with pytest.raises(NotDelivered):
        EmailChannel("127.0.0.1:1", "a@b", ("c@d",), 1.0).send(message(channel="email"))


def test_pages_go_to_the_on_call_channel():
    assert channels_for(Kind.PAGE, "P2", "KB") == ("#on-call",)
