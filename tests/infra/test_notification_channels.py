"""Channels against receivers on loopback: a real SMTP server, and HTTP servers that refuse, redirect or hang."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MailHandler

from tests.infra.test_notify import Flaky, message
from trimtab.infra.notify import Kind, Message, Outbox, Reach
from trimtab.infra.notify.channels import NotDelivered, SlackChannel, WebhookChannel
from trimtab.infra.notify.deliveries import DeliveryState
from trimtab.infra.notify.delivery import Delivery
from trimtab.infra.notify.mail import BadAddress, EmailChannel
from trimtab.infra.notify.pagerduty import PagerDutyChannel
from trimtab.infra.notify.service import ChannelUnknown, DeadLetterUnknown, Notifications
from trimtab.infra.notify.signals import signals
from trimtab.infra.notify.tracker import GitHubChannel
from trimtab.testing.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def outbox(databases):
    return Outbox(databases.open(("incidents", "notify")))


class Receiver:
    """Answers with `status`, and keeps what it gets."""

    def __init__(self):
        self.status, self.location, self.got = 200, "", []

    @contextmanager
    def serve(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self):
                size = int(self.headers.get("content-length", 0))
                receiver.got.append((self.command, self.path, self.rfile.read(size)))
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET = do_HEAD = _answer  # noqa: N815 - the names of the server.

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def url(receiver):
    with receiver.serve() as found:
        yield found


@pytest.fixture
def client():
    with httpx.Client(timeout=5) as client:
        yield client


class Mails(MailHandler):
    def __init__(self):
        super().__init__()
        self.mails = []

    def handle_message(self, mail):
        self.mails.append(mail)


@pytest.fixture
def smtp():
    """A real SMTP server; its handler keeps the mails."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Mails(), hostname="127.0.0.1", port=port)
    controller.start()
    controller.where = f"127.0.0.1:{port}"
    yield controller
    controller.stop()


def notifications(outbox, clock, *channels, hours=0.0):
    return Notifications(outbox, Reach(channels), clock, hours)


@pytest.mark.feature("F274")
def test_a_test_mail_arrives_at_a_real_server(smtp, outbox, clock):
    mail = EmailChannel(smtp.where, "trimtab@ship", ("boss@ship",), 5)
    (result,) = notifications(outbox, clock, mail).test("email")
    assert result.error == ""
    (arrived,) = smtp.handler.mails
    assert (arrived["To"], arrived["Subject"][:12]) == ("boss@ship", "Test message")


@pytest.mark.parametrize("address", ["a@b\nBcc: x@y", "a@b\rX: y", "a@b, c@d", "nobody", "a@b\0"])
def test_an_address_with_a_line_break_or_more_is_refused_at_the_start(address):
    with pytest.raises(BadAddress):
        EmailChannel("127.0.0.1:1", "trimtab@ship", (address,), 1)


def test_a_line_break_in_a_text_adds_no_header(smtp):
    channel = EmailChannel(smtp.where, "trimtab@ship", ("boss@ship",), 5)
    channel.send(Message("email", Kind.ESCALATION, "P1\r\nBcc: x@y\r\nrest", "a", "I"))
    assert smtp.handler.mails[0]["Bcc"] is None


@pytest.mark.feature("F275")
def test_slack_gets_its_own_form(receiver, url, client, outbox, clock):
    (result,) = notifications(outbox, clock, SlackChannel(url, client)).test("slack")
    assert result.error == ""
    assert json.loads(receiver.got[0][2])["text"].startswith("*#incidents* Test message")


def test_a_redirect_to_another_address_is_not_followed(receiver, url, client):
    receiver.status, receiver.location = 307, f"{url}/private"
    with pytest.raises(NotDelivered, match="redirect, which is not followed"):
        WebhookChannel(f"{url}/hook", client).send(message())
    assert [path for _, path, _ in receiver.got] == ["/hook"]


def test_a_silent_receiver_is_a_failure_that_names_no_address(outbox, clock):
    with httpx.Client(timeout=0.2) as client:
        channel = WebhookChannel("http://127.0.0.1:9/T/secret", client)
        (result,) = notifications(outbox, clock, channel).test()
    assert result.error.startswith("The webhook did not answer")
    assert "secret" not in result.error


def test_pagerduty_and_github_are_tested_without_paging_or_opening(receiver, url, client):
    PagerDutyChannel(url, "key", client).test("text", "k")
    GitHubChannel(url, "a/b", "token", client).test("text", "k")
    (_, _, event), (method, path, _) = receiver.got
    assert json.loads(event)["event_action"] == "resolve"
    assert (method, path) == ("GET", "/repos/a/b")


@pytest.mark.feature("F280")
def test_each_channel_is_tested_at_its_interval_and_the_result_is_kept(
    receiver, url, client, outbox, clock
):
    found = notifications(outbox, clock, WebhookChannel(url, client), hours=24)
    assert len(found.test_due()) == 1
    assert found.test_due() == []
    clock.advance(24 * 3600 - 1)
    assert found.test_due() == []
    receiver.status = 500
    clock.advance(1)
    assert found.test_due()[0].error == "The webhook answered 500."
    assert outbox.deliveries.tests()[0].error == "The webhook answered 500."


def test_a_failed_self_test_is_forgotten_with_its_channel(receiver, url, client, outbox, clock):
    receiver.status = 500
    found = notifications(outbox, clock, WebhookChannel(url, client), hours=24)
    found.test_due()

    def tested(service):
        (signal,) = [each for each in signals(service) if each.name == "notify.self_test_ok"]
        return [(sample.labels["channel"], sample.value) for sample in signal.read()]

    assert tested(found) == [("webhook", 0.0)]
    assert tested(notifications(outbox, clock)) == []


def test_without_channels_nothing_is_tested_and_nothing_claims_it(outbox, clock):
    found = notifications(outbox, clock)
    assert (found.channels, found.test(), found.test_due()) == ((), [], [])
    with pytest.raises(ChannelUnknown, match="slack"):
        found.test("slack")


def test_the_state_of_each_message_on_each_channel_is_kept(outbox, clock):
    broken, well = Flaky(failures=1), Flaky()
    broken.name = "broken"
    outbox.add(message(), clock.now())
    Delivery(outbox, [broken, well], clock).deliver_due()
    states = {each.channel: each.state for each in outbox.deliveries.newest()}
    assert states == {"broken": DeliveryState.RETRYING, "flaky": DeliveryState.DELIVERED}


def test_a_restart_sends_only_what_is_missing(outbox, clock):
    broken, well = Flaky(failures=1), Flaky()
    broken.name = "broken"
    outbox.add(message(), clock.now())
    Delivery(outbox, [broken, well], clock).deliver_due()
    clock.advance(2)
    Delivery(outbox, [broken, well], clock).deliver_due()
    assert (broken.taken, well.taken) == (["one"], ["one"])


def test_a_message_is_given_up_after_the_last_attempt_and_replayed(outbox, clock):
    channel = Flaky(failures=3)
    outbox.add(message(), clock.now())
    delivery = Delivery(outbox, [channel], clock, max_attempts=3)
    for _ in range(3):
        assert outbox.undelivered() == 1
        delivery.deliver_due()
        clock.advance(600)
    (dead,) = outbox.deliveries.newest("dead")
    assert (dead.attempts, dead.last_error, channel.taken) == (3, "not now", [])
    delivery.deliver_due()
    assert channel.taken == []
    found = notifications(outbox, clock)
    with pytest.raises(DeadLetterUnknown):
        found.replay(99)
    with pytest.raises(DeadLetterUnknown):
        found.replay(2**63)  # More than the database can hold.
    assert found.replay(dead.message) == 1
    delivery.deliver_due()
    assert channel.taken == ["one"]
    assert outbox.deliveries.newest("dead") == []


@pytest.mark.feature("F260")
def test_a_channel_that_fails_three_times_is_reported_through_the_others(outbox, clock):
    broken, well = Flaky(failures=99), Flaky()
    broken.name = "broken"
    sent = []
    well.send = sent.append
    outbox.add(message(), clock.now())
    delivery = Delivery(outbox, [broken, well], clock)
    for _ in range(3):
        assert all(each.subject == "INC-1" for each in sent)
        delivery.deliver_due()
        clock.advance(600)
    delivery.deliver_due()
    reports = [each for each in sent if each.subject == "channel:broken"]
    assert "The notification channel broken fails: not now" in reports[0].text
    assert {each.channel for each in reports} == {"#incidents", "email"}


def test_an_erased_person_leaves_no_delivery(outbox, clock):
    outbox.add(Message("#incidents", Kind.NOTE, "ann asked", "k"), clock.now())
    Delivery(outbox, [Flaky()], clock).deliver_due()
    assert outbox.forget("ann") == 1
    assert outbox.deliveries.newest() == []
