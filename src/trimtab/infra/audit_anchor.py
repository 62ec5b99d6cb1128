"""Publishes the audit chain's head to a webhook or syslog to detect tampering.

A user with control of the data directory has the chain, its files and the key that signs the
checkpoints, and can rebuild all three without a trace. Only a copy of the head elsewhere reveals
that. It is sent to a webhook or to syslog at each seal; `trimtab audit verify --anchor SEQ:HASH`
compares a kept copy with the chain.
"""

import logging
import logging.handlers
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from trimtab.infra.audit import AuditEvent
from trimtab.infra.dependencies import Dependencies, DependencyUnavailable
from trimtab.infra.signing import Envelope
from trimtab.kernel.errors import InvalidInput, Misconfigured

_log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 10.0
_RETRY_SECONDS = 15.0
"""The scheduler runs its tasks one after the other: a silent receiver may not hold it for long."""
_SYSLOG_PORT = 514


@dataclass(frozen=True, slots=True)
class AnchoredHead:
    """A head of the chain whose copy was kept elsewhere."""

    seq: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> "AnchoredHead":
        """Parse a head of the form ``SEQ:HASH``.

        Raises:
            InvalidInput: The text has another format.
        """
        seq, _, digest = text.strip().partition(":")
        if not (seq.isascii() and seq.isdigit() and len(seq) <= 12 and len(digest) == 64):
            raise InvalidInput(
                f"Invalid audit anchor {text[:80]!r}.",
                hint="Use SEQ:HASH from the webhook or syslog line, such as 42:9f2b....",
            )
        return cls(int(seq), digest)


class Anchor(Protocol):
    """A destination for heads of the audit chain."""

    @property
    def name(self) -> str:
        """Return the kind of destination, such as `webhook`."""
        ...

    def publish(self, event: AuditEvent, envelope: Envelope) -> None:
        """Publish a sealed head; raise `OSError` on failure."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookAnchor:
    """Posts each head to a webhook as JSON."""

    url: str
    name: str = "webhook"

    def publish(self, event: AuditEvent, envelope: Envelope) -> None:
        """Post the head to the webhook; raise `OSError` on failure."""
        # Imported late: the HTTP client loads slowly and is needed once an hour.
        import httpx

        body = {
            "kind": "trimtab.audit.head",
            "text": head_line(event),
            "seq": event.seq,
            "hash": event.hash,
            "at": event.at,
            "envelope": dict(envelope),
        }
        try:
            httpx.post(self.url, json=body, timeout=TIMEOUT_SECONDS).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The URL may contain a secret, and the client's message quotes the URL.
            raise OSError(f"the webhook did not take it ({type(error).__name__})") from None


@dataclass(frozen=True, slots=True)
class SyslogAnchor:
    """Sends each head as a syslog line with facility `authpriv`.

    Args:
        address: The local socket, or host and port for UDP, which does not confirm delivery.
    """

    address: str | tuple[str, int]
    name: str = "syslog"

    def publish(self, event: AuditEvent, envelope: Envelope) -> None:
        """Send the head to syslog; raise `OSError` on failure."""
        priority = (logging.handlers.SysLogHandler.LOG_AUTHPRIV << 3) | (
            logging.handlers.SysLogHandler.LOG_NOTICE
        )
        line = f"<{priority}>trimtab: {head_line(event)}".encode()
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.settimeout(TIMEOUT_SECONDS)
            sender.sendto(line, self.address)


@dataclass(frozen=True, slots=True)
class RetryingAnchor:
    """Publishes to another anchor up to three times, behind a circuit breaker."""

    anchor: Anchor
    dependencies: Dependencies

    @property
    def name(self) -> str:
        """Return the kind of the destination."""
        return self.anchor.name

    def publish(self, event: AuditEvent, envelope: Envelope) -> None:
        """Publish a sealed head; raise `OSError` on failure."""

        def publish() -> None:
            self.anchor.publish(event, envelope)

        name = f"audit {self.name}"
        try:
            self.dependencies.call_in_background(name, publish, OSError, _RETRY_SECONDS)
        except DependencyUnavailable as error:
            raise OSError(error.message) from error


def head_line(event: AuditEvent) -> str:
    """Return the head as a line; the word after `head` fits `audit verify --anchor`."""
    return f"audit head {event.seq}:{event.hash} at {event.at}"


def anchor_of(setting: str) -> Anchor | None:
    """Return the anchor for the setting `trust.audit_anchor`; None when it is empty.

    Raises:
        Misconfigured: The setting is neither an HTTP URL nor a syslog address.
    """
    if not setting:
        return None
    if setting == "syslog":
        return SyslogAnchor("/dev/log")
    parts = urlsplit(setting)
    if parts.scheme in ("http", "https") and parts.hostname:
        return WebhookAnchor(setting)
    if parts.scheme == "syslog" and (parts.hostname or parts.path):
        address = (parts.hostname, parts.port or _SYSLOG_PORT) if parts.hostname else parts.path
        return SyslogAnchor(address)
    raise Misconfigured(
        "Invalid setting trust.audit_anchor: neither an HTTP URL nor a syslog address.",
        hint="Set an https:// webhook, `syslog`, `syslog:///dev/log` or `syslog://host:514`.",
    )


def missing_anchors(hashes: dict[int, str], anchors: Sequence[AnchoredHead]) -> list[str]:
    """Return a problem for each anchored head missing from the chain."""
    last = max(hashes, default=0)
    return [
        f"the chain ends at event {last}, but event {head.seq} was anchored: its tail was cut off"
        if head.seq > last
        else f"event {head.seq} is not the one that was anchored: the chain was rebuilt"
        for head in anchors
        if hashes.get(head.seq) != head.hash
    ]
