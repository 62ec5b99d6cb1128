"""Delivery status of the calls of an incident, from its journal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import Field

from trimtab.incidents.model import Entry
from trimtab.incidents.transition import NewEntry
from trimtab.infra.notify import Kind, Receipt

_RECORDED = {
    Kind.ALERT: "the alert",
    Kind.APPROVAL: "the request for approval",
    Kind.ESCALATION: "",
    Kind.PAGE: "",
}
"""Kinds of messages whose delivery is recorded, with their names in the journal; calls name their
role.
"""


@dataclass(frozen=True, slots=True)
class Notification:
    """One call for a role, with its delivery status."""

    role: Annotated[str, Field(alias="who")]
    why: str
    at: datetime
    paged: bool
    """False for what is only written to channels, as all of P3 is."""
    receivers: tuple[str, ...]
    """The configured channels for this call; empty when none is configured."""
    accepted: tuple[tuple[str, datetime], ...] = ()
    """The channels that have accepted it, and when."""
    failed: tuple[str, ...] = field(default=())
    """Channels that have not accepted it so far; delivery is retried."""
    person: str = ""
    """Who was on call for the role; empty when no schedule knows."""

    @property
    def status(self) -> str:
        """Return ``accepted``, ``failed``, ``waiting`` or ``no_channel``."""
        if self.accepted:
            return "accepted"
        if not self.receivers:
            return "no_channel"
        return "failed" if self.failed else "waiting"

    @property
    def text(self) -> str:
        """Return the delivery status as a sentence."""
        what = "page" if self.paged else "message"
        name = f"{self.role} ({self.person})" if self.person else self.role
        match self.status:
            case "accepted":
                taken = ", ".join(f"{name} at {at:%H:%M}" for name, at in self.accepted)
                return f"{name}: {what} accepted by {taken}"
            case "no_channel":
                return f"{name}: not notified, no on-call channel is configured"
            case "failed":
                return f"{name}: {what} not accepted by {', '.join(self.failed)}"
            case _:
                return f"{name}: {what} not delivered yet ({', '.join(self.receivers)})"


def notifications(entries: Sequence[Entry], episode: int) -> tuple[Notification, ...]:
    """Return the calls of one episode of an incident, the oldest first."""
    return tuple(
        _notification(entry, entries)
        for entry in entries
        if "who" in entry.facts and entry.facts.get("opening", episode) == episode
    )


def _notification(call: Entry, entries: Sequence[Entry]) -> Notification:
    key = call.facts.get("message_key")
    receipts = [entry for entry in entries if key and entry.facts.get("receipt_of") == key]
    accepted = tuple(
        (str(entry.facts["receiver"]), entry.at) for entry in receipts if entry.facts["accepted"]
    )
    taken = {name for name, _ in accepted}
    return Notification(
        role=str(call.facts["who"]),
        person=str(call.facts.get("person", "")),
        why=str(call.facts.get("why", "")),
        at=call.at,
        paged=bool(call.facts.get("paged", True)),
        receivers=tuple(call.facts.get("receivers", ())),
        accepted=accepted,
        failed=tuple(
            dict.fromkeys(
                str(entry.facts["receiver"])
                for entry in receipts
                if entry.facts["receiver"] not in taken
            )
        ),
    )


def people_told(entries: Sequence[Entry]) -> bool:
    """Return whether a channel that reaches people has accepted anything about the incident."""
    return any(entry.facts.get("accepted") is True for entry in entries)


def receipt_entry(receipt: Receipt) -> NewEntry | None:
    """Return the journal entry of a delivery, or None for messages of other kinds."""
    message = receipt.message
    if message.kind not in _RECORDED:
        return None
    accepted = not receipt.error
    # The messages of one call share their key, so each channel is recorded once for the whole call.
    key = f"receipt.{message.key}.{receipt.receiver}.{'accepted' if accepted else 'failed'}"
    what = _RECORDED[message.kind] or message.text.splitlines()[-1]
    text = (
        f"Delivered to {receipt.receiver}: {what}."
        if accepted
        else f"Not delivered to {receipt.receiver} ({receipt.error} It is tried again): {what}."
    )
    facts = {"receipt_of": message.key, "receiver": receipt.receiver, "accepted": accepted}
    return NewEntry(key, text, "notify", facts)
