"""Notification channels: log, console and webhook."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TextIO

from trimtab.infra.notify.routes import Kind, Message
from trimtab.kernel.errors import Unavailable

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger(__name__)


class NotDelivered(Unavailable):
    """A channel rejected a message; it stays in the outbox for a retry."""

    code = "notify.not_delivered"
    default_hint = (
        "Check the `notify` settings of the channel; the message is sent again automatically."
    )


class Channel(Protocol):
    """Delivers messages; after a crash one may come twice with the same key."""

    @property
    def name(self) -> str:
        """The channel's name in journals and post-mortems, such as ``pagerduty``."""
        ...

    def reaches_people(self, message: Message) -> bool:
        """Return whether the channel forwards the message to people outside this process."""
        ...

    def send(self, message: Message) -> None:
        """Deliver the message; raise `NotDelivered` on failure."""
        ...


class TestableChannel(Channel, Protocol):
    """A channel that reaches people, and can be tested without disturbing them more than needed."""

    def test(self, text: str, key: str) -> None:
        """Send a test message or prove the connection; raise `NotDelivered` on failure."""
        ...


class LogChannel:
    """Writes messages to the service log."""

    name = "log"

    def reaches_people(self, _message: Message) -> bool:
        """Return False: a log line notifies no one."""
        return False

    def send(self, message: Message) -> None:
        """Log channel, kind and subject of a message, without its text."""
        _log.info(
            "notification",
            extra={"channel": message.channel, "kind": message.kind, "subject": message.subject},
        )


class ConsoleChannel:
    """Writes messages to a stream, such as standard error."""

    name = "console"

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def reaches_people(self, _message: Message) -> bool:
        """Return False: it is unknown whether a person reads the stream."""
        return False

    def send(self, message: Message) -> None:
        """Write the message with its channel in front."""
        self._stream.write(f"[{message.channel}] {message.text}\n")
        self._stream.flush()


class WebhookChannel:
    """Posts messages to an incoming webhook.

    Args:
        url: The URL of the webhook; a secret that is never logged.
        client: HTTP client with the timeout; it follows no redirects.
        headers: Sent with every post.
    """

    name = "webhook"
    _receiver = "The webhook"

    def __init__(
        self, url: str, client: "httpx.Client", headers: Mapping[str, str] | None = None
    ) -> None:
        self._url = url
        self._client = client
        self._headers = dict(headers or {})

    def reaches_people(self, _message: Message) -> bool:
        """Return True: every message is posted."""
        return True

    def send(self, message: Message) -> None:
        """Post the message as ``{"channel": ..., "text": ...}``."""
        body = {"channel": message.channel, "text": message.text}
        key = {"Idempotency-Key": f"{message.channel}|{message.key}"}
        post(self._receiver, self._client, self._url, body, {**self._headers, **key})

    def test(self, text: str, key: str) -> None:
        """Post a test message."""
        self.send(Message("#incidents", Kind.NOTE, text, key))


class SlackChannel(WebhookChannel):
    """Posts messages to Slack's incoming webhook, which names its own channel."""

    name = "slack"
    _receiver = "Slack"

    def send(self, message: Message) -> None:
        """Post the message as Slack's ``{"text": ...}`` with its channel in front."""
        body = {"text": f"*{message.channel}* {message.text}"}
        post(self._receiver, self._client, self._url, body, self._headers)


def post(
    receiver: str,
    client: "httpx.Client",
    url: str,
    body: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Post a body as JSON; raise `NotDelivered` with the receiver's name on failure."""
    import httpx

    try:
        answer = client.post(url, json=body, headers=headers)
    except httpx.HTTPError as error:
        raise NotDelivered(f"{receiver} did not answer: {type(error).__name__}.") from error
    if answer.has_redirect_location:
        # The new address could be a private one, and would receive the message and its headers.
        raise NotDelivered(
            f"{receiver} answered {answer.status_code} with a redirect, which is not followed.",
            hint="Configure the address that it redirects to, if you trust it.",
        )
    if not answer.is_success:
        raise NotDelivered(f"{receiver} answered {answer.status_code}.")
