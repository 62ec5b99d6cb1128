"""Exports the audit chain to write-once files with signed checkpoints.

A chain in a database proves that no event was changed, but a user who can write the database can
remove its newest events or rebuild all of it. Each event is therefore also a read-only file in
``audit_logs/local/``, and each checkpoint signs the number of events and the newest one. The chain
itself records which files and checkpoints must exist: each seal is an event. A user who can write
all three can still rebuild them; `audit_anchor` publishes the head elsewhere.
"""

import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from trimtab.infra.audit import Audit, AuditEvent
from trimtab.infra.audit_anchor import Anchor, AnchoredHead, missing_anchors
from trimtab.infra.signing import Envelope, Signer, open_envelope
from trimtab.infra.storage import translate_errors
from trimtab.kernel.errors import Corrupt

_log = logging.getLogger(__name__)
CHECKPOINT = "application/vnd.trimtab.audit-checkpoint+json"
STARTED = "service.started"
"""Audit action of a start, which explains a gap in time before it."""
SEALED = "audit.sealed"


@dataclass(frozen=True, slots=True)
class SealReport:
    """Result of verifying chain, files and checkpoints; intact when ``problems`` is empty."""

    events: int
    files: int
    checkpoints: int
    head: str
    problems: tuple[str, ...]
    gaps: tuple[str, ...]
    """Gaps in time without a restart, an old checkpoint, an unpublished head: for an operator to
    judge.
    """


@dataclass(slots=True)
class AnchorState:
    """Result of the newest publication of the head since the start."""

    seq: int = 0
    """The newest head that was published; 0 before the first."""
    error: str = ""
    """Reason why the last attempt failed; empty on success."""


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """Writes and verifies the event files and checkpoints of the audit chain.

    Args:
        folder: ``audit_logs/local`` in the data directory.
        audit: The chain.
        signer: Signs the checkpoints.
    """

    folder: Path
    audit: Audit
    signer: Signer
    anchor: Anchor | None = None
    """Where each sealed head is published; None publishes nothing."""
    anchored: AnchorState = field(default_factory=AnchorState)

    def seal(self) -> AuditEvent:
        """Export new events to files and sign a checkpoint of the head.

        Runs every hour: its own event is the heartbeat that reveals a gap in time. Repeating an
        interrupted seal is safe. Each checkpoint is written before the file of its event, so that a
        file without its checkpoint means that the checkpoint was removed.

        Raises:
            StorageFull: Some files were not written; the next seal writes the rest.
        """
        with translate_errors(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            last = self.audit.append("trimtab", SEALED, "audit")
            for event in self.audit.after(self._exported()):
                if event.action == SEALED:
                    envelope = self._statement(event)
                    _write_once(self._checkpoint_file(event.seq), json.dumps(envelope).encode())
                _write_once(self._event_file(event.seq), _line(event))
        self._publish(last)
        return last

    def _statement(self, event: AuditEvent) -> Envelope:
        statement: dict[str, object] = {"seq": event.seq, "hash": event.hash, "at": event.at}
        return self.signer.sign(CHECKPOINT, statement)

    def _publish(self, head: AuditEvent) -> None:
        if self.anchor is None:
            return
        try:
            self.anchor.publish(head, self._statement(head))
        except OSError as error:
            # The seal succeeded; the next one publishes a newer head, which covers this one.
            self.anchored.error = f"the {self.anchor.name} failed: {error}"
            _log.warning("the audit head was not anchored", extra={"error": self.anchored.error})
        else:
            self.anchored.seq, self.anchored.error = head.seq, ""

    def review(
        self,
        max_gap: timedelta,
        *,
        now: datetime | None = None,
        anchors: Sequence[AnchoredHead] = (),
    ) -> SealReport:
        """Verify that chain, files and checkpoints are complete and agree.

        Args:
            max_gap: The longest gap in time, and the maximum age of the newest checkpoint.
            now: If given, events unsealed for longer than `max_gap` are reported.
            anchors: Heads whose copies were kept elsewhere.
        """
        chain = self.audit.verify()
        events = self.audit.after(0)
        problems = [*chain.problems, *self._against_files(events), *self._missing(events)]
        checkpoints = sorted(self.folder.glob("checkpoint-*.json"))
        hashes = {event.seq: event.hash for event in events}
        for file in checkpoints:
            problems += self._against_checkpoint(file, hashes)
        problems += missing_anchors(hashes, anchors)
        files = len(self._event_files())
        gaps = (*time_gaps(events, max_gap), *_unsealed(events, now, max_gap), *self._unanchored())
        return SealReport(chain.events, files, len(checkpoints), chain.head, tuple(problems), gaps)

    def _missing(self, events: Sequence[AuditEvent]) -> Iterable[str]:
        """Yield each missing file and checkpoint that a seal in the chain recorded."""
        exported = self._exported()
        sealed = [event.seq for event in events if event.action == SEALED]
        beyond = [event.seq for event in events if exported < event.seq <= max(sealed, default=0)]
        if beyond:
            yield (
                f"the files of events {beyond[0]} to {beyond[-1]} are missing, and they were sealed"
            )
        for seq in sealed:
            if not self._checkpoint_file(seq).exists():
                yield f"{self._checkpoint_file(seq).name} is missing, and event {seq} sealed it"

    def _unanchored(self) -> Iterable[str]:
        if self.anchored.error:
            yield f"the head is not anchored outside: {self.anchored.error}"

    def _against_files(self, events: Sequence[AuditEvent]) -> Iterable[str]:
        sealed = self._exported()
        known = {event.seq for event in events}
        for event in events:
            if event.seq > sealed:
                break
            file = self._event_file(event.seq)
            if not file.exists():
                yield f"the file of event {event.seq} is missing"
            elif file.read_bytes() != _line(event):
                yield f"event {event.seq} differs from its file"
        for seq in self._event_files():
            if seq not in known:
                yield f"event {seq} is in a file but not in the chain"

    def _against_checkpoint(self, file: Path, hashes: dict[int, str]) -> Iterable[str]:
        try:
            envelope = json.loads(file.read_text(encoding="utf-8"))
            statement = open_envelope(envelope, self.signer.public_pem, CHECKPOINT)
        except (Corrupt, ValueError):
            yield f"{file.name} was changed, or was signed with another key"
            return
        seq = statement.get("seq")
        found = hashes.get(seq) if isinstance(seq, int) else None
        if found != statement.get("hash"):
            yield f"the chain does not hold what {file.name} signed"

    def _exported(self) -> int:
        return max(self._event_files(), default=0)

    def _event_files(self) -> list[int]:
        return [int(file.stem) for file in self.folder.glob("[0-9]*.json")]

    def _event_file(self, seq: int) -> Path:
        return self.folder / f"{seq:010}.json"

    def _checkpoint_file(self, seq: int) -> Path:
        return self.folder / f"checkpoint-{seq:010}.json"


def _unsealed(
    events: Sequence[AuditEvent], now: datetime | None, max_gap: timedelta
) -> Iterable[str]:
    """Yield a gap when the newest seal is too old.

    Events after it can be removed without a trace.
    """
    if now is None or not events:
        return
    seals = [event for event in events if event.action == SEALED]
    if not seals:
        if now - datetime.fromisoformat(events[0].at) <= max_gap:
            return
        yield "the chain was never sealed: nothing outside the database says what it held"
        return
    age = now - datetime.fromisoformat(seals[-1].at)
    if age > max_gap:
        yield f"the newest checkpoint is {age.total_seconds() / 60:.0f} minutes old"


def time_gaps(events: Sequence[AuditEvent], max_gap: timedelta) -> Iterable[str]:
    """Yield each gap longer than `max_gap` that no start of the service explains."""
    for before, after in pairwise(events):
        silence = datetime.fromisoformat(after.at) - datetime.fromisoformat(before.at)
        if silence > max_gap and after.action != STARTED:
            minutes = silence.total_seconds() / 60
            yield f"nothing was recorded for {minutes:.0f} minutes before event {after.seq}"


def _line(event: AuditEvent) -> bytes:
    return (json.dumps(asdict(event), sort_keys=True, separators=(",", ":")) + "\n").encode()


def _write_once(file: Path, content: bytes) -> None:
    """Write a read-only file; keep an existing one, for the review to compare."""
    if file.exists():
        return
    temporary = file.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o400)
    with os.fdopen(handle, "wb") as opened_file:
        opened_file.write(content)
        opened_file.flush()
        os.fsync(opened_file.fileno())
    temporary.rename(file)
