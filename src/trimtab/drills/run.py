"""Runs the drill of a cause against a running service."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event

from trimtab.drills.errors import DrillRefused, DrillStopped
from trimtab.drills.result import DrillResult, DrillStage, DrillWait, Progress
from trimtab.incidents import AlertMonitor, AttemptOutcome, Incident, Incidents, Proofs, State
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Catalog, Fault, Value, check_arguments, combined_realism
from trimtab.runbooks import Cause, Library, Runbook
from trimtab.runbooks.placeholders import match_any

PRINCIPAL = "drill"
"""Principal that approves the plans of a drill, in the journal and the audit chain."""
_LOOK_SECONDS = 1.0
_REPORT_SECONDS = 3.0
"""Interval of wait reports, in real seconds."""
_OTHER_CAUSES_SECONDS = 900.0
"""How long a drill waits until no other cause of its page is supported; rules look back over ten
minutes.
"""


@dataclass(frozen=True, slots=True)
class DrilledService:
    """The service under drill; its rules and incident jobs must be running."""

    library: Library
    catalog: Catalog
    incidents: Incidents
    monitor: AlertMonitor
    proofs: Proofs
    clock: Clock
    """A faster clock makes faster drills."""
    wait: Callable[[float], object]
    """Waits on the service's clock; returns early when the process ends."""


Report = Callable[[Progress | DrillWait], None]


@dataclass
class _Drill:
    subject: DrilledService
    book: Runbook
    cause: Cause
    report: Report
    timeout_seconds: float
    stop: Event
    began: datetime
    seconds: dict[str, float] = field(default_factory=dict)

    def report_stage(self, stage: DrillStage, text: str, at: datetime | None = None) -> None:
        """Report a stage once; ``at`` overrides the current time."""
        if stage in self.seconds:
            return
        elapsed = ((at or self.subject.clock.now()) - self.began).total_seconds()
        self.seconds[stage] = round(elapsed, 3)
        self.report(Progress(self.cause.id, stage, round(elapsed, 3), text))

    def wait_until(
        self, found: Callable[[], bool], stage: DrillStage, condition: Callable[[], str]
    ) -> bool:
        """Wait until a condition is true, with a report every few seconds.

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
        """Run the work of a fault in a thread and report while it takes long."""
        timer = _WaitTimer(self, stage)
        with ThreadPoolExecutor(1, "drill-fault") as pool:
            running = pool.submit(work)
            while wait_for([running], _REPORT_SECONDS).not_done:
                timer.report(condition)
        running.result()


class _WaitTimer:
    """Reports a wait with its duration in service time and real time."""

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
    subject: DrilledService,
    cause_id: str,
    report: Report = lambda _: None,
    timeout_seconds: float = 3600.0,
    stop: Event | None = None,
) -> DrillResult:
    """Inject the faults of a cause, watch the operator repair it, and record a proof.

    The faults are restored however the drill ends, also on an interrupt.

    Args:
        subject: The service.
        cause_id: ``runbook-id/cause``.
        report: Called at each stage.
        timeout_seconds: Of the service's clock, for each of: becoming healthy, and the drill
            itself.
        stop: Ends the drill soon when it is set.

    Raises:
        RunbookUnknown: The cause does not exist.
        DrillRefused: The service is not healthy before the drill.
        DrillStopped: ``stop`` was set.
    """
    book, cause = subject.library.cause(cause_id)
    ending, now = stop or Event(), subject.clock.now()
    drill = _Drill(subject, book, cause, report, timeout_seconds, ending, now)
    _await_health(drill)
    drill.began = subject.clock.now()
    drill.report_stage(
        DrillStage.HEALTHY, "Healthy: no alert of the runbook fires, the evidence does not hold."
    )
    faults = [subject.catalog.fault(command.name) for command in cause.drill]
    result = DrillResult(cause.id, *combined_realism(faults))
    with subject.incidents.drill():
        with _broken(drill) as restored:
            drill.report_stage(DrillStage.INJECTED, "; ".join(str(fault) for fault in cause.drill))
            result = _watch(drill, replace(result, injected=True))
        result = replace(result, restored=restored(), seconds=dict(drill.seconds))
    drill.report_stage(DrillStage.RESTORED, "Every fault is restored.")
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
    clock = drill.subject.clock
    began = clock.monotonic()

    def obstacle() -> str:
        if unhealthy := _unhealthy(drill):
            return f"it is over that {unhealthy}"
        # What the drill before has left behind would be diagnosed first. The wait is bounded,
        # because on a small or busy machine another cause may hold all the time.
        other = _supported(drill) if clock.monotonic() - began < _OTHER_CAUSES_SECONDS else ""
        return f"the evidence of {other} no longer holds" if other else ""

    if not drill.wait_until(lambda: not obstacle(), DrillStage.HEALTHY, obstacle):
        problem = _unhealthy(drill) or f"the evidence of {_supported(drill)} holds"
        raise DrillRefused(f"{drill.cause.id} cannot be drilled: {problem}.")


def _supported(drill: _Drill) -> str:
    """Return the first cause of the page whose evidence holds, or an empty text."""
    for cause in drill.book.causes:
        with suppress(TrimtabError):
            if cause.evidence and len(_held(drill, cause)) == len(cause.evidence):
                return cause.id
    return ""


def _held(drill: _Drill, cause: Cause) -> list[str]:
    """Return the checks of the cause that hold; raises `TrimtabError`."""
    # Before the drill there is no incident whose values an expression could have.
    monitor = drill.subject.monitor
    return [
        check.expression
        for check in cause.evidence
        if monitor.evaluate(match_any(check.expression), drill=True)
    ]


def _unhealthy(drill: _Drill) -> str:
    # What else is wrong may stay wrong: a drill looks at its own alerts, and a busy machine is
    # often near its limits.
    incidents = drill.subject.incidents
    for incident in (*incidents.list(active=True), *incidents.list(active=True, drills=True)):
        if incident.alert.name not in drill.book.alerts:
            continue
        return f"{incident.id} ({incident.title}) is not resolved"
    try:
        held = [f"`{expression}`" for expression in _held(drill, drill.cause)]
    except TrimtabError as error:
        return f"the evidence of {drill.cause.id} cannot be evaluated: {error.message}"
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
    """Restore every fault, the last first; a failure does not stop the others."""
    failures: list[Exception] = []
    for fault, state in reversed(broken):
        try:
            with drill_traffic():
                fault.restore(state)
        except Exception as error:  # noqa: BLE001 - collected and raised below.
            failures.append(error)
    if failures:
        raise ExceptionGroup("some faults could not be restored", failures)


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
    drill.report_stage(DrillStage.DETECTED, f"{found.id}: {found.title}.", found.episode.opened_at)
    result = replace(result, detected=True, incident_id=found.id)
    ended = drill.wait_until(
        lambda: _step(drill, found.id), DrillStage.VERIFIED, lambda: _awaited(drill, found.id)
    )
    incident = drill.subject.incidents.get(found.id)
    return _judged(drill, result, incident, ended=ended)


def _incident(drill: _Drill) -> Incident | None:
    active = drill.subject.incidents.list(active=True, drills=True)
    names = set(drill.book.alerts)
    return next((each for each in active if each.alert.name in names), None)


def _step(drill: _Drill, incident_id: str) -> bool:
    """Report new stages and decide on plans; return whether the incident has ended."""
    incidents = drill.subject.incidents
    incident = incidents.get(incident_id)
    if incident.episode.diagnosis is not None:
        drill.report_stage(
            DrillStage.DIAGNOSED,
            f"{incident.episode.root_cause or 'abstained'} (confidence"
            f" {incident.episode.diagnosis.confidence:.2f}).",
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
        drill.report_stage(
            DrillStage.REPAIRED,
            ran,
            incident.episode.watch.started_at if incident.episode.watch else None,
        )
    if incident.state in {State.RESTORED, State.RESOLVED}:
        drill.report_stage(
            DrillStage.VERIFIED, incident.episode.resolution, incident.episode.restored_at
        )
    return incident.state in {State.RESOLVED, State.ESCALATED, State.NOT_VERIFIED}


def _awaited(drill: _Drill, incident_id: str) -> str:
    """Return the condition that ends the incident."""
    incident = drill.subject.incidents.get(incident_id)
    checks = " and ".join(str(check) for check in drill.cause.verify)
    if incident.state is State.VERIFYING and checks:
        return f"{incident_id} is {incident.state}: {checks}"
    return f"{incident_id} is {incident.state}, until it is resolved or escalated"


def _judged(drill: _Drill, result: DrillResult, incident: Incident, *, ended: bool) -> DrillResult:
    cause = drill.cause
    first = _first_cause(incident)
    right = first == cause.id
    result = replace(result, first_cause_right=right)
    if not cause.fix:
        handed_over = incident.state is State.ESCALATED and right
        problem = "" if handed_over else "the right person was not called for the right cause"
        return replace(result, repaired=handed_over, verified=handed_over, problem=problem)
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
    return replace(result, repaired=worked, verified=worked and resolved, problem=problem)


def _first_cause(incident: Incident) -> str:
    for attempt in incident.attempts:
        if attempt.episode == incident.episode.number:
            return attempt.cause_id
    found = incident.episode.diagnosis
    if found is None:
        return ""
    supported = next((each.cause_id for each in found.candidates if each.supported), "")
    return found.cause_id or supported
