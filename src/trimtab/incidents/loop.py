"""Durable job that runs the stages of an incident, one per episode.

Each transition is a recorded step of the job. The store holds the state of the incident; the job
only drives it. If the process ends after a transition was applied and before the step was recorded,
the next step reads the new state and continues there: no transition is lost, and none is applied
twice.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from trimtab.incidents.approvals import await_approval
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.diagnose import diagnose
from trimtab.incidents.escalation import (
    conditions_met,
    escalate,
    rungs_due,
    seconds_to_next_rung,
)
from trimtab.incidents.execute import execute, undo
from trimtab.incidents.model import Incident
from trimtab.incidents.plan import plan
from trimtab.incidents.postmortem import close
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition
from trimtab.incidents.triage import raise_severity, triage
from trimtab.incidents.verify import verify, watch_escalated, watch_unverified
from trimtab.infra.jobs import JobRun, Json
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)

KIND = "incidents.run"
WAKE = "wake"
_RETRY_SECONDS = 5.0
_BROKEN_SECONDS = 60.0
"""Delay before the next attempt when the failure itself cannot be stored."""
_SHORTEST_PAUSE_SECONDS = 0.05
_OVER = -1.0

_SETTLED = {State.ESCALATED, State.NOT_VERIFIED, State.RESTORED, State.RESOLVED}

Stage = Callable[[IncidentContext, Incident], Transition]

STAGES: Mapping[State, Stage] = {
    State.DETECTED: triage,
    State.TRIAGED: diagnose,
    State.DIAGNOSED: plan,
    State.AWAITING_APPROVAL: await_approval,
    State.EXECUTING: execute,
    State.VERIFYING: verify,
    State.UNDOING: undo,
    State.ESCALATED: watch_escalated,
    State.NOT_VERIFIED: watch_unverified,
    State.RESTORED: close,
}


def job_id(incident: Incident, restart: int = 0) -> str:
    """Return the id of the job that drives the current episode of the incident.

    Args:
        incident: The incident.
        restart: Number of failed jobs of this episode.
    """
    suffix = f":{restart}" if restart else ""
    return f"incident:{incident.id}:{incident.episode.number}{suffix}"


class Wakes:
    """Jobs that were woken and have not looked since; in a storm one message stands for many.

    Thread-safe.
    """

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._lock = threading.Lock()

    def send(self, job_id: str, send: Callable[[], object]) -> None:
        """Send a message to the job, unless it has one that it has not heeded."""
        with self._lock:
            if job_id in self._waiting:
                return
            self._waiting.add(job_id)
        try:
            send()
        except BaseException:
            self.heed(job_id)
            raise

    def heed(self, job_id: str) -> None:
        """Record that the job is about to look at its incident."""
        with self._lock:
            self._waiting.discard(job_id)


class Loop:
    """Body of the durable job of an incident.

    Args:
        context: Dependencies of the stages.
        wakes: The jobs that were woken.
    """

    def __init__(self, context: IncidentContext, wakes: Wakes | None = None) -> None:
        self._context = context
        self._wakes = wakes or Wakes()

    def body(self, run: JobRun, argument: Mapping[str, Json]) -> Json:
        """Drive the incident until it is resolved."""
        incident_id, episode = str(argument["incident_id"]), argument["opening"]

        def look() -> float:
            # Before the incident is read: what changes later needs a message of its own.
            self._wakes.heed(run.job_id)
            return self.safe_advance(incident_id, episode)

        number = 0
        while True:
            # Jobs of earlier releases have recorded steps of this name.
            pause = run.step(f"turn {number}", look)
            number += 1
            # `advance` returns it; this tells mypy.
            assert isinstance(pause, int | float)  # noqa: S101
            seconds = float(pause)
            if seconds == _OVER:
                return {"incident_id": incident_id, "turns": number}
            if seconds > 0:
                run.wait_for(WAKE, seconds)

    def safe_advance(self, incident_id: str, episode: Json) -> float:
        """Call `advance`; log any error and try again in a minute."""
        # The job must survive a full disk or a damaged record; otherwise the incident would stay
        # unattended.
        try:
            return self.advance(incident_id, episode)
        except Exception:  # noqa: BLE001 - see above.
            _log.exception("an incident cannot be driven now", extra={"incident": incident_id})
            return _BROKEN_SECONDS

    def advance(self, incident_id: str, episode: Json) -> float:
        """Run the next stage of this episode of the incident.

        Returns:
            Seconds until the next call; -1 when this episode is over.
        """
        context = self._context
        try:
            incident = context.store.get(incident_id)
            if incident.state is State.RESOLVED or incident.episode.number != episode:
                return _OVER
            return self._take(incident)
        except TrimtabError as error:
            if error.retryable:
                _log.warning(
                    "transition postponed", extra={"incident": incident_id, "code": error.code}
                )
                return _RETRY_SECONDS
            return self._hand_over(incident_id, error)
        except Exception as error:  # noqa: BLE001 - a bug in a stage must reach a person.
            return self._hand_over(incident_id, error)

    def _take(self, incident: Incident) -> float:
        context = self._context
        due = (
            raise_severity(context, incident)
            or rungs_due(context, incident)
            or conditions_met(context, incident)
        )
        if due is not None:
            context.store.apply(incident, due, context.now())
            return 0.0
        transition = STAGES[incident.state](context, incident)
        context.store.apply(incident, transition, context.now())
        if transition.pause_seconds <= 0:
            return 0.0
        following = None if incident.drill else seconds_to_next_rung(context, incident)
        limit = (
            transition.pause_seconds
            if following is None
            else min(transition.pause_seconds, following)
        )
        return max(limit, _SHORTEST_PAUSE_SECONDS)

    def _hand_over(self, incident_id: str, error: Exception) -> float:
        context = self._context
        _log.error("the operator failed", extra={"incident": incident_id}, exc_info=error)
        incident = context.store.get(incident_id)
        problem = f"{type(error).__name__}: {error}"
        entry = NewEntry(
            f"{incident.episode.number}.failed.{problem[:100]}", f"The operator failed: {problem}."
        )
        if incident.state in _SETTLED:
            context.store.note(incident, context.now(), entry)
            return timedelta(minutes=1).total_seconds()
        transition = escalate(context, incident, "remediation_failed", "the operator itself failed")
        applied = Transition(transition.incident, (entry, *transition.entries), transition.messages)
        context.store.apply(incident, applied, context.now())
        return 0.0
