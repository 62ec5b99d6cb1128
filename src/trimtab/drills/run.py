"""Runs a cause's drill against a living service."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Protocol

from trimtab.drills.errors import DrillRefused, DrillStopped
from trimtab.drills.result import DrillResult, DrillStage, DrillWait, Progress
from trimtab.incidents import AlertMonitor, AttemptOutcome, Incident, Incidents, Proofs, State
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Catalog, Fault, Value, check_arguments, combined_realism
from trimtab.runbooks import Cause, Library, Runbook

PRINCIPAL = "drill"
"""Who approves the plans of a drill; the journal and the audit chain say so."""
_LOOK_SECONDS = 1.0
_REPORT_SECONDS = 3.0
"""Of the machine: how often a drill says what it waits for."""


class DrillSubject(Protocol):
    """The service that is drilled. Its rules are evaluated and its incidents driven meanwhile."""

    @property
    def library(self) -> Library:
        """Its runbooks."""
        ...

    @property
    def catalog(self) -> Catalog:
        """Its faults."""
        ...

    @property
    def incidents(self) -> Incidents:
        """Its operator."""
        ...

    @property
    def monitor(self) -> AlertMonitor:
        """Its rule evaluator."""
        ...

    @property
    def proofs(self) -> Proofs:
        """Where a passed drill is recorded."""
        ...

    @property
    def clock(self) -> Clock:
        """Its clock; a fast one makes fast drills."""
        ...

    def wait(self, seconds: float) -> None:
        """Let the service work for that long, in seconds of its clock."""
        ...


Report = Callable[[Progress | DrillWait], None]


@dataclass
class _Drill:
    subject: DrillSubject
    book: Runbook
    cause: Cause
    report: Report
    timeout_seconds: float
    stop: Event
    began: datetime
    seconds: dict[str, float] = field(default_factory=dict)

    def reached(self, stage: DrillStage, text: str, at: datetime | None = None) -> None:
        """Report a stage once; ``at`` when it is known better than "now"."""
        if stage in self.seconds:
            return
        elapsed = ((at or self.subject.clock.now()) - self.began).total_seconds()
        self.seconds[stage] = round(elapsed, 3)
        self.report(Progress(self.cause.id, stage, round(elapsed, 3), text))

    def wait_until(
        self, found: Callable[[], bool], stage: DrillStage, condition: Callable[[], str]
    ) -> bool:
        """Wait until something is found, and report every few seconds what the wait is for.

        Returns:
            False when the drill's time is over.

        Raises:
            DrillStopped: The drill is to end now.
        """
        timer = _WaitTimer(self, stage)
        while not found():
            if self.stop.is_set():
                raise DrillStopped(f"The drill of {self.cause.id} was stopped.")
            waited = (self.subject.clock.now() - self.began).total_seconds()
            if waited >= self.timeout_seconds:
                return False
            timer.report_when_due(condition)
            self.subject.wait(_LOOK_SECONDS)
        return True

    def run_reported(self, work: Callable[[], None], stage: DrillStage, condition: str) -> None:
        """Run a fault's work in a thread of its own, so that a slow one is reported as well."""
        timer = _WaitTimer(self, stage)
        with ThreadPoolExecutor(1, "drill-fault") as pool:
            running = pool.submit(work)
            while wait_for([running], _REPORT_SECONDS).not_done:
                timer.report(condition)
        running.result()


class _WaitTimer:
    """Reports a wait with its time, both in the service's seconds and the machine's."""

    def __init__(self, drill: _Drill, stage: DrillStage) -> None:
        self._drill = drill
        self._stage = stage
        self._machine = machine_clock(drill.subject.clock)
        self._began = drill.subject.clock.monotonic()
        self._machine_began = self._reported = self._machine.monotonic()

    def report_when_due(self, condition: Callable[[], str]) -> None:
        """Report the wait when the last report is a few seconds old."""
        if self._machine.monotonic() - self._reported >= _REPORT_SECONDS:
            self.report(condition())

    def report(self, condition: str) -> None:
        """Report the wait now."""
        self._reported = self._machine.monotonic()
        waited = self._drill.subject.clock.monotonic() - self._began
        machine_waited = self._reported - self._machine_began
        self._drill.report(
            DrillWait(
                self._drill.cause.id,
                self._stage,
                condition,
                round(waited, 3),
                round(machine_waited, 3),
            )
        )


def run_drill(
    subject: DrillSubject,
    cause_id: str,
    report: Report = lambda _: None,
    timeout_seconds: float = 3600.0,
    stop: Event | None = None,
) -> DrillResult:
    """Break the service in the way of the cause and watch the operator repair it. Proves the cause when it passes.

    The faults are put back however the drill ends, also on an interrupt.

    Args:
        subject: The service.
        cause_id: ``runbook-id/cause``.
        report: Called at each stage.
        timeout_seconds: Of the service's clock, for each of: becoming healthy, and the drill itself.
        stop: Ends the drill soon when it is set.

    Raises:
        RunbookUnknown: There is no such cause.
        DrillRefused: The service is not healthy to begin with.
        DrillStopped: ``stop`` was set.
    """
    book, cause = subject.library.cause(cause_id)
    ending, now = stop or Event(), subject.clock.now()
    drill = _Drill(subject, book, cause, report, timeout_seconds, ending, now)
    _await_health(drill)
    drill.began = subject.clock.now()
    drill.reached(
        DrillStage.HEALTHY, "Healthy: no alert of the runbook fires, the evidence does not hold."
    )
    faults = [subject.catalog.fault(command.name) for command in cause.drill]
    result = DrillResult(cause.id, *combined_realism(faults))
    with subject.incidents.drill():
        with _broken(drill) as restored:
            drill.reached(DrillStage.INJECTED, "; ".join(str(fault) for fault in cause.drill))
            result = _watch(drill, replace(result, injected=True))
        result = replace(result, restored=restored(), seconds=dict(drill.seconds))
    drill.reached(DrillStage.RESTORED, "Every fault is put back.")
    result = replace(result, seconds=dict(drill.seconds))
    if result.passed:
        subject.proofs.add(
            book,
            cause,
            subject.clock.now(),
            realism=result.realism,
            reason=result.realism_reason,
        )
    return result


def _await_health(drill: _Drill) -> None:
    healthy = drill.wait_until(
        lambda: not _unhealthy(drill),
        DrillStage.HEALTHY,
        lambda: f"it is over that {_unhealthy(drill)}",
    )
    if not healthy:
        raise DrillRefused(f"{drill.cause.id} cannot be drilled: {_unhealthy(drill)}.")


def _unhealthy(drill: _Drill) -> str:
    # What else is wrong may stay wrong: a drill looks at its own alerts, and a busy machine is often near its limits.
    incidents = drill.subject.incidents
    for incident in (*incidents.list(active=True), *incidents.list(active=True, drills=True)):
        if incident.alert.name not in drill.book.alerts:
            continue
        return f"{incident.id} ({incident.title}) is not resolved"
    held: list[str] = []
    for check in drill.cause.evidence:
        try:
            if drill.subject.monitor.evaluate(check.expression, drill=True):
                held.append(f"`{check.expression}`")
        except TrimtabError as error:
            return f"`{check.expression}` cannot be evaluated: {error.message}"
    # One part of the evidence may hold by itself; the cause is there when all of it does.
    if len(held) < len(drill.cause.evidence):
        return ""
    return f"{' and '.join(held)} {'hold' if len(held) > 1 else 'holds'} before anything was broken"


@contextmanager
def _broken(drill: _Drill) -> Iterator[Callable[[], bool]]:
    catalog = drill.subject.catalog
    broken: list[tuple[Fault, Mapping[str, Value]]] = []
    outcome = {"restored": False}

    def inject() -> None:
        for command in drill.cause.drill:
            fault = catalog.fault(command.name)
            arguments = check_arguments(fault.params, command.arguments)
            with drill_traffic():
                broken.append((fault, fault.inject(arguments)))

    commands = "; ".join(str(fault) for fault in drill.cause.drill)
    try:
        drill.run_reported(inject, DrillStage.INJECTED, f"the faults are injected: {commands}")
        yield lambda: outcome["restored"]
    finally:
        drill.run_reported(
            lambda: _restore(broken), DrillStage.RESTORED, f"the faults are restored: {commands}"
        )
        outcome["restored"] = True


def _restore(broken: list[tuple[Fault, Mapping[str, Value]]]) -> None:
    """Put every fault back, the last first; one that fails does not keep the others broken."""
    failures: list[Exception] = []
    for fault, state in reversed(broken):
        try:
            with drill_traffic():
                fault.restore(state)
        except Exception as error:  # noqa: BLE001 - collected and raised below.
            failures.append(error)
    if failures:
        raise ExceptionGroup("faults could not be put back", failures)


def _watch(drill: _Drill, result: DrillResult) -> DrillResult:
    alerts = " or ".join(drill.book.alerts)
    detected = drill.wait_until(
        lambda: _incident(drill) is not None,
        DrillStage.DETECTED,
        lambda: f"{alerts} opens an incident",
    )
    if not detected:
        return replace(result, problem="no alert of the runbook fired")
    found = _incident(drill)
    assert found is not None  # noqa: S101 - wait_until has just seen it; this tells mypy.
    drill.reached(DrillStage.DETECTED, f"{found.id}: {found.title}.", found.episode.opened_at)
    result = replace(result, detected=True, incident_id=found.id)
    ended = drill.wait_until(
        lambda: _step(drill, found.id), DrillStage.VERIFIED, lambda: _awaited(drill, found.id)
    )
    incident = drill.subject.incidents.get(found.id)
    return _judged(drill, result, incident, ended=ended)


def _incident(drill: _Drill) -> Incident | None:
    active = drill.subject.incidents.list(active=True, drills=True)
    names = set(drill.book.alerts)
    return next((one for one in active if one.alert.name in names), None)


def _step(drill: _Drill, incident_id: str) -> bool:
    """Report what is new and answer questions; return whether the incident has come to an end."""
    incidents = drill.subject.incidents
    incident = incidents.get(incident_id)
    if incident.episode.diagnosis is not None:
        drill.reached(
            DrillStage.DIAGNOSED,
            f"{incident.episode.root_cause or 'abstained'} (confidence {incident.episode.diagnosis.confidence:.2f}).",
            incident.episode.diagnosed_at,
        )
    if incident.state is State.AWAITING_APPROVAL and incident.episode.plan is not None:
        approval = incidents.approval(incident_id)
        if approval is not None and not approval.decision:
            right = incident.episode.plan.cause_id == drill.cause.id
            decide = incidents.approve if right else incidents.reject
            decide(incident_id, incident.episode.plan.hash, PRINCIPAL)
    if incident.state is State.VERIFYING and incident.episode.done:
        ran = " ".join(act.summary for act in incident.episode.done)
        drill.reached(
            DrillStage.REPAIRED,
            ran,
            incident.episode.watch.started_at if incident.episode.watch else None,
        )
    if incident.state in {State.RESTORED, State.RESOLVED}:
        drill.reached(
            DrillStage.VERIFIED, incident.episode.resolution, incident.episode.restored_at
        )
    return incident.state in {State.RESOLVED, State.ESCALATED, State.NOT_VERIFIED}


def _awaited(drill: _Drill, incident_id: str) -> str:
    """Return what the incident waits for before it comes to an end."""
    incident = drill.subject.incidents.get(incident_id)
    checks = " and ".join(str(check) for check in drill.cause.verify)
    if incident.state is State.VERIFYING and checks:
        return f"{incident_id} is {incident.state}: {checks}"
    return f"{incident_id} is {incident.state}, until it is resolved or escalated"


def _judged(drill: _Drill, result: DrillResult, incident: Incident, *, ended: bool) -> DrillResult:
    cause = drill.cause
    first = _first_cause(incident)
    right = first == cause.id
    if not cause.fix:
        handed_over = incident.state is State.ESCALATED and right
        problem = "" if handed_over else "the right person was not called for the right cause"
        return replace(
            result,
            first_cause_right=right,
            repaired=handed_over,
            verified=handed_over,
            problem=problem,
        )
    worked = any(
        attempt.cause_id == cause.id and attempt.outcome is AttemptOutcome.WORKED
        for attempt in incident.attempts
        if attempt.episode == incident.episode.number
    )
    resolved = incident.state is State.RESOLVED
    problem = ""
    if not right:
        problem = f"the first diagnosis was {first or 'none'}"
    elif not worked:
        problem = "its fix did not bring the service back" if ended else "it took too long"
    return replace(
        result,
        first_cause_right=right,
        repaired=worked,
        verified=worked and resolved,
        problem=problem,
    )


def _first_cause(incident: Incident) -> str:
    for attempt in incident.attempts:
        if attempt.episode == incident.episode.number:
            return attempt.cause_id
    found = incident.episode.diagnosis
    if found is None:
        return ""
    supported = next((one.cause_id for one in found.candidates if one.supported), "")
    return found.cause_id or supported
