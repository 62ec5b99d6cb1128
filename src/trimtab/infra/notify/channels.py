"""Where a message can go."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TextIO

from trimtab.infra.notify.routes import Message
from trimtab.kernel.errors import Unavailable

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger(__name__)


class NotDelivered(Unavailable):
    """A channel did not take a message; it stays in the outbox and is tried again."""

    code = "notify.not_delivered"
    default_hint = "Check `notify.webhook_url`; the message is tried again by itself."


class Channel(Protocol):
    """Takes messages. A message may come twice after a crash; its key tells."""

    @property
    def name(self) -> str:
        """What the channel is called in journals and post-mortems, such as ``pagerduty``."""
        ...

    def reaches_people(self, message: Message) -> bool:
        """Return whether the message is passed on to people outside of this process."""
        ...

    def send(self, message: Message) -> None:
        """Deliver the message, or raise `NotDelivered`."""
        ...


class LogChannel:
    """Writes messages to the log."""

    name = "log"

    def reaches_people(self, _message: Message) -> bool:
        """Return False: nobody is told by a line in the log."""
        return False

    def send(self, message: Message) -> None:
        """Log that a message was sent; the text is on the incident's page."""
        _log.info(
            "notification",
            extra={"channel": message.channel, "kind": message.kind, "subject": message.subject},
        )


class ConsoleChannel:
    """Writes messages to a stream for a person who watches."""

    name = "console"

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def reaches_people(self, _message: Message) -> bool:
        """Return False: whether somebody watches the stream is not known."""
        return False

    def send(self, message: Message) -> None:
        """Write the message, its channel first."""
        self._stream.write(f"[{message.channel}] {message.text}\n")
        self._stream.flush()


class WebhookChannel:
    """Posts messages to a Slack-compatible incoming webhook.

    Args:
        url: The webhook; it is a secret and never logged.
        client: Carries the timeout.
        headers: Sent with every post.
    """

    name = "webhook"

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
        post("The webhook", self._client, self._url, body, {**self._headers, **key})


def post(
    receiver: str,
    client: "httpx.Client",
    url: str,
    body: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> None:
    """Post a body as JSON, or raise `NotDelivered` with the receiver's name when it is not taken."""
    import httpx

    try:
        answer = client.post(url, json=body, headers=headers)
    except httpx.HTTPError as error:
        raise NotDelivered(f"{receiver} did not answer: {type(error).__name__}.") from error
    if not answer.is_success:
        raise NotDelivered(f"{receiver} answered {answer.status_code}.")
