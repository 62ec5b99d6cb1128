"""Publishes the head of the audit chain outside this machine, so that a chain cut or rebuilt here is found.

Whoever controls the data directory holds the chain, its files and the key that signs the checkpoints, and can rebuild
all three without a trace. Only a copy of the head that they cannot reach tells. It goes to a webhook or to syslog at
each seal; `trimtab audit verify --anchor SEQ:HASH` compares a kept copy with the chain.
"""

import logging
import logging.handlers
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from trimtab.infra.audit import AuditEvent
from trimtab.infra.signing import Envelope
from trimtab.kernel.errors import InvalidInput, Misconfigured

_log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 10.0
_SYSLOG_PORT = 514


@dataclass(frozen=True, slots=True)
class AnchoredHead:
    """A head of the chain that was kept elsewhere."""

    seq: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> "AnchoredHead":
        """Return the head of ``SEQ:HASH``.

        Raises:
            InvalidInput: It has another form.
        """
        seq, _, digest = text.strip().partition(":")
        if not (seq.isascii() and seq.isdigit() and len(seq) <= 12 and len(digest) == 64):
            raise InvalidInput(
                f"Invalid audit anchor {text[:80]!r}.",
                hint="Give SEQ:HASH as the webhook or syslog line states them, such as 42:9f2b....",
            )
        return cls(int(seq), digest)


class Anchor(Protocol):
    """Where heads of the audit chain are published."""

    @property
    def name(self) -> str:
        """Return what kind of place it is."""
        ...

    def publish(self, event: AuditEvent, envelope: Envelope) -> None:
        """Publish a sealed head, or raise `OSError`."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookAnchor:
    """Posts each head as JSON."""

    url: str
    name: str = "webhook"

    def publish(self, event: AuditEvent, envelope: Envelope) -> None:
        """Post the head."""
        # The HTTP client takes longer to load than everything else here, and is needed once an hour.
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
            # The address may hold a secret, and the client's own message quotes it.
            raise OSError(f"the webhook did not take it ({type(error).__name__})") from None


@dataclass(frozen=True, slots=True)
class SyslogAnchor:
    """Sends each head as one syslog line of the facility `authpriv`.

    Args:
        address: The local socket, or host and port for UDP, which cannot tell whether a line arrived.
    """

    address: str | tuple[str, int]
    name: str = "syslog"

    def publish(self, event: AuditEvent, envelope: Envelope) -> None:
        """Send the line."""
        priority = (logging.handlers.SysLogHandler.LOG_AUTHPRIV << 3) | (
            logging.handlers.SysLogHandler.LOG_NOTICE
        )
        line = f"<{priority}>trimtab: {head_line(event)}".encode()
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.settimeout(TIMEOUT_SECONDS)
            sender.sendto(line, self.address)


def head_line(event: AuditEvent) -> str:
    """Return the head in one line; the word after `head` is what `audit verify --anchor` takes."""
    return f"audit head {event.seq}:{event.hash} at {event.at}"


def anchor_of(setting: str) -> Anchor | None:
    """Return the anchor that the setting names; None for an empty setting.

    Raises:
        Misconfigured: It is neither an HTTP address nor syslog.
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
        "trust.audit_anchor is no address that heads can be sent to.",
        hint="Set an https:// webhook, `syslog`, `syslog:///dev/log` or `syslog://host:514`.",
    )


def missing_anchors(hashes: dict[int, str], anchors: Sequence[AnchoredHead]) -> list[str]:
    """Return a problem for each anchored head that the chain does not hold."""
    last = max(hashes, default=0)
    return [
        f"the chain ends at event {last}, but event {head.seq} was anchored: its tail was cut off"
        if head.seq > last
        else f"event {head.seq} is not the one that was anchored: the chain was rebuilt"
        for head in anchors
        if hashes.get(head.seq) != head.hash
    ]
