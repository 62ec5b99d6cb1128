"""Creates, changes and ends silences and announced maintenance windows."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trimtab.incidents.errors import SilenceRefused, SilenceUnknown
from trimtab.incidents.intake.matchers import check_matchers, matcher_text
from trimtab.incidents.intake.model import Matcher, Silence, SilenceState
from trimtab.incidents.intake.store import AlertStore
from trimtab.infra.audit import Audit
from trimtab.kernel.clock import Clock

_KEEP = timedelta(days=30)
_MAX_ACTIVE = 1000
_MAX_TEXT = 1000


@dataclass(frozen=True, slots=True)
class SilenceRequest:
    """Request of a person for a silence."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    maintenance: bool = False
    id: str = ""
    """The silence that it changes; empty for a new one."""


class Silences:
    """Silences of alerts; every change is in the audit chain.

    Args:
        store: Keeps them.
        audit: Names the key with which each change was made.
        clock: Of the service.
        changed: Called with all silences after each change.
    """

    def __init__(
        self,
        store: AlertStore,
        audit: Audit,
        clock: Clock,
        changed: Callable[[Sequence[Silence]], None],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._changed = changed

    def all(self) -> list[Silence]:
        """Return every silence, the one that ends last first."""
        return self._store.silences()

    def get(self, silence_id: str) -> Silence:
        """Return the silence, or raise `SilenceUnknown`."""
        for silence in self._store.silences():
            if silence.id == silence_id:
                return silence
        raise SilenceUnknown(f"There is no silence {silence_id[:60]!r}.")

    def put(self, request: SilenceRequest, principal: str) -> Silence:
        """Create a silence or change one; a change of its matchers ends the old one.

        Args:
            request: What the silence shall be.
            principal: Whose key was used; goes to the audit chain.

        Raises:
            SilenceRefused: Its times, author or comment are not valid.
            MatcherRefused: A matcher cannot be used.
            SilenceUnknown: It changes a silence that does not exist.
        """
        now = self._clock.now()
        silence = self._check(request, now)
        if request.id:
            before = self.get(request.id)
            if before.state(now) is SilenceState.EXPIRED or before.matchers != silence.matchers:
                self.expire(request.id, principal, missing_ok=True)
            else:
                starts = (
                    min(before.starts_at, now) if before.starts_at <= now else silence.starts_at
                )
                silence = replace(silence, id=before.id, starts_at=starts)
        self._store.forget_silences(now - _KEEP)
        self._store.put_silence(silence)
        self._note(principal, "incidents.silenced", silence)
        return silence

    def expire(self, silence_id: str, principal: str, *, missing_ok: bool = False) -> Silence:
        """End a silence now; raise `SilenceUnknown` for an unknown one.

        Args:
            silence_id: The silence.
            principal: Whose key was used.
            missing_ok: Whether one that has ended already is left as it is.

        Raises:
            SilenceUnknown: It does not exist, or has ended.
        """
        now, silence = self._clock.now(), self.get(silence_id)
        if silence.state(now) is SilenceState.EXPIRED:
            if missing_ok:
                return silence
            raise SilenceUnknown(f"The silence {silence_id!r} has ended already.")
        ended = replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, updated_at=now)
        self._store.put_silence(ended)
        self._note(principal, "incidents.silence_ended", ended)
        return ended

    def _check(self, request: SilenceRequest, now: datetime) -> Silence:
        if not request.created_by.strip():
            raise SilenceRefused("A silence needs an author.")
        if not request.comment.strip():
            raise SilenceRefused("A silence needs a comment.")
        if len(request.comment) > _MAX_TEXT or len(request.created_by) > _MAX_TEXT:
            raise SilenceRefused(f"Author and comment have up to {_MAX_TEXT} characters.")
        if request.ends_at <= max(now, request.starts_at):
            raise SilenceRefused("The silence ends before it starts, or in the past.")
        active = [each for each in self.all() if each.state(now) is not SilenceState.EXPIRED]
        if len(active) >= _MAX_ACTIVE:
            raise SilenceRefused(
                f"{_MAX_ACTIVE} silences are active already.", hint="End some of them first."
            )
        return Silence(
            id=str(uuid.uuid4()),
            matchers=check_matchers(request.matchers),
            starts_at=max(request.starts_at, now),
            ends_at=request.ends_at,
            created_by=request.created_by,
            comment=request.comment,
            updated_at=now,
            maintenance=request.maintenance,
        )

    def _note(self, principal: str, action: str, silence: Silence) -> None:
        facts = {
            "matchers": [matcher_text(matcher) for matcher in silence.matchers],
            "ends_at": silence.ends_at.isoformat(),
            "created_by": silence.created_by,
            "comment": silence.comment,
        }
        self._audit.append(principal, action, silence.id, facts)
        self._changed(self.all())
