"""Starts, runs and resumes erasures as durable jobs.

A job's argument and results hold the erasure's id and counts only, because the job store keeps them
for ever. The user id stands in one row until the erasure is done.
"""

import contextlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from trimtab.infra.audit import Audit
from trimtab.infra.fleet import Fleet
from trimtab.infra.jobs import JobRun, Jobs, JobState, JobUnknown, Json
from trimtab.infra.signing import Signer
from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import new_id
from trimtab.kernel.personal_data import Erasable
from trimtab.privacy.erasure.certificate import certificate
from trimtab.privacy.erasure.records import Erasure, ErasureState, StepState, StepStatus
from trimtab.privacy.erasure.store import ErasureStore
from trimtab.privacy.errors import BadUserId, ErasureFinished
from trimtab.privacy.pseudonyms import Subjects

_log = logging.getLogger(__name__)

KIND = "answers.erasure"
REQUESTED = "answers.erasure_requested"
ERASED = "answers.user_erased"
_PASSES = 4
_PAUSE_SECONDS = 30.0
_FLEET_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ErasureEvidence:
    """The audit chain, signing key and pseudonyms that prove an erasure."""

    audit: Audit
    signer: Signer
    subjects: Subjects
    has_backups: bool = False
    """Whether a step of the erasure covers backups; the certificate then says so."""
    fleet: Fleet | None = None
    """The processes whose memory may hold what was erased; None: this one alone."""


class Erasures:
    """Runs data-erasure requests (GDPR Art. 17) as durable jobs.

    Args:
        store: Keeps the erasures.
        steps: What is erased, in this order. Queued work comes first, so that nothing puts back
            what a later step has erased; feedback comes before the traces by which it is found.
        jobs: Runs the erasures; constructed before `Jobs.launch`.
        evidence: Audit chain, signing key and pseudonyms.
        clock: Stamps.
        databases: Cleaned of the bytes of deleted rows at the end.
    """

    def __init__(
        self,
        store: ErasureStore,
        steps: Sequence[Erasable],
        jobs: Jobs,
        evidence: ErasureEvidence,
        clock: Clock,
        databases: Sequence[Database] = (),
    ) -> None:
        self._store = store
        self._steps = {step.name: step for step in steps}
        if len(self._steps) != len(steps):
            raise ValueError("two erasure steps have the same name")
        self._jobs = jobs
        self._evidence = evidence
        self._clock = clock
        self._machine = machine_clock(clock)
        self._databases = databases
        jobs.register(KIND, self._body)

    def request(self, user_id: str, *, actor: str) -> Erasure:
        """Start an erasure and return it; an unfinished one is continued.

        Args:
            user_id: 1 to 200 characters.
            actor: Who asks: the name of an API key.

        Raises:
            BadUserId: The user id is blank or too long.
        """
        if not user_id.strip() or len(user_id) > 200:
            raise BadUserId("The user id is blank or longer than 200 characters.")
        new = self._new(user_id, actor)
        erasure = self._store.open(new, user_id)
        if erasure.id == new.id:
            self._evidence.audit.append(actor, REQUESTED, new.subject, {"erasure": new.id})
        if self._has_failed(erasure):
            return self.retry(erasure.id)
        self._start(erasure.id)
        return self._store.find(erasure.id)

    def find(self, erasure_id: str) -> Erasure:
        """Return how the erasure stands, or raise `ErasureUnknown`."""
        return self._store.find(erasure_id)

    def wait(self, erasure_id: str) -> Erasure:
        """Return the erasure when its present run has ended, done or failed."""
        self._jobs.wait(self._job_id(erasure_id))
        return self._store.find(erasure_id)

    def wait_briefly(self, erasure_id: str, seconds: float) -> Erasure:
        """Return the erasure when it has ended, or after the given time on the service's clock."""
        until = self._clock.monotonic() + seconds
        while True:
            found = self._store.find(erasure_id)
            if found.state is not ErasureState.RUNNING or self._clock.monotonic() > until:
                return found
            self._clock.sleep(0.05)

    def retry(self, erasure_id: str) -> Erasure:
        """Run a failed erasure again.

        Raises:
            ErasureFinished: It did not fail.
        """
        if not self._has_failed(self._store.find(erasure_id)):
            raise ErasureFinished(f"Erasure {erasure_id!r} has not failed.")
        self._store.next_run(erasure_id)
        self._start(erasure_id)
        return self._store.find(erasure_id)

    def resume(self) -> int:
        """Start the job of every unfinished erasure that has none; call after `Jobs.launch`.

        A crash between the note of a request and the start of its job leaves one without a job. One
        whose job failed, as when the database did not answer, gets another.
        """
        running = self._store.in_state(ErasureState.RUNNING)
        for erasure_id in running:
            if self._has_failed(self._store.find(erasure_id)):
                self._store.next_run(erasure_id)
            self._start(erasure_id)
        return len(running)

    def in_state(self, state: ErasureState) -> list[str]:
        """Return the ids of the erasures in that state, oldest first."""
        return self._store.in_state(state)

    def count_data(self, user_id: str) -> dict[str, int]:
        """Return the number of items about a person, by step; deletes nothing."""
        return {name: step.count(user_id) for name, step in self._steps.items()}

    def count(self, state: ErasureState) -> int:
        """Return how many erasures are in that state."""
        return len(self._store.in_state(state))

    def _has_failed(self, erasure: Erasure) -> bool:
        """Return whether an erasure failed, or its job did before it could record that."""
        if erasure.state is not ErasureState.RUNNING:
            return erasure.state is ErasureState.FAILED
        try:
            return self._jobs.status(self._job_id(erasure.id)).state is JobState.FAILED
        except JobUnknown:
            return False

    def _new(self, user_id: str, actor: str) -> Erasure:
        now = self._clock.now()
        return Erasure(
            id=new_id("erasure", now),
            subject=self._evidence.subjects.pseudonym(user_id),
            requested_by=actor,
            requested_at=now.isoformat(),
            state=ErasureState.RUNNING,
            steps=tuple(StepStatus(name) for name in self._steps),
            nonce=secrets.token_hex(16),
        )

    def _start(self, erasure_id: str) -> None:
        self._jobs.start(KIND, self._job_id(erasure_id), {"erasure_id": erasure_id})

    def _job_id(self, erasure_id: str) -> str:
        return f"{erasure_id}-run-{self._store.runs(erasure_id)}"

    def _body(self, run: JobRun, argument: Mapping[str, Json]) -> Json:
        """Erase in passes until nothing is left, then certify and forget."""
        erasure_id = str(argument["erasure_id"])
        names = list(self._steps)
        for number in range(1, _PASSES + 1):
            if number > 1:
                run.sleep(_PAUSE_SECONDS * (number - 1))
            for name in names:
                run.step(f"{name} {number}", partial(self._erase, erasure_id, name))
            if run.step(f"verify {number}", lambda: self._verify(erasure_id)):
                break
        else:
            run.step("fail", lambda: self._fail(erasure_id))
            return "failed"
        run.step("certify", lambda: self._certify(erasure_id))
        run.step("audit", lambda: self._record(erasure_id))
        run.step("forget", lambda: self._forget(erasure_id))
        run.step("scrub", self._scrub)
        return "done"

    def _erase(self, erasure_id: str, name: str) -> Json:
        user_id, step = self._store.user_of(erasure_id), self._steps[name]
        try:
            if name == next(iter(self._steps)):
                self._count_all(erasure_id, user_id)
            self._store.note_found(erasure_id, name, step.count(user_id))
            step.erase(user_id)
            remaining = step.count(user_id)
        except Exception as error:  # noqa: BLE001 - recorded; the other domains are still erased.
            code = error.code if isinstance(error, TrimtabError) else type(error).__name__
            _log.warning(
                "erasure step failed",
                extra={"erasure": erasure_id, "step": name, "error_code": code},
            )
            self._store.note_result(erasure_id, name, StepState.FAILED, -1, code)
            return False
        state = StepState.FAILED if remaining else StepState.DONE
        self._store.note_result(erasure_id, name, state, remaining)
        return remaining == 0

    def _count_all(self, erasure_id: str, user_id: str) -> None:
        """Count every step's data before the first one erases: passages go with documents."""
        for name, step in self._steps.items():
            # Its own turn comes, and its error is recorded then.
            with contextlib.suppress(Exception):
                self._store.note_found(erasure_id, name, step.count(user_id))

    def _verify(self, erasure_id: str) -> bool:
        """Count every step's data again: new data may have arrived meanwhile."""
        user_id, clean = self._store.user_of(erasure_id), True
        failed = {s.name for s in self._store.find(erasure_id).steps if s.state is StepState.FAILED}
        for name, step in self._steps.items():
            if name in failed:
                clean = False
            elif (remaining := step.count(user_id)) > 0:
                self._store.note_result(erasure_id, name, StepState.FAILED, remaining)
                clean = False
        return clean

    def _fail(self, erasure_id: str) -> None:
        self._store.fail(erasure_id)
        _log.error("erasure failed", extra={"erasure": erasure_id})

    def _certify(self, erasure_id: str) -> None:
        erasure, at = self._store.find(erasure_id), self._clock.now().isoformat()
        if erasure.certificate is None:
            self._wait_for_all_processes(erasure_id)
            user_id = self._store.user_of(erasure_id)
            # Every step has found nothing left, the one for backups among them.
            gone_by = at if self._evidence.has_backups else None
            on_server = any(
                database.engine.dialect.name == "postgresql" for database in self._databases
            )
            signed = certificate(
                erasure, user_id, at, self._evidence.signer, gone_by, on_server=on_server
            )
            self._store.certify(erasure_id, signed, at)

    def _wait_for_all_processes(self, erasure_id: str) -> None:
        """Return when every live process has dropped what its memory held.

        A process that does not answer is lost after 30 seconds, and has refused calls for ten.
        """
        fleet = self._evidence.fleet
        if fleet is None:
            return
        number = fleet.order_to_forget()
        while behind := fleet.behind(number):
            _log.info("erasure waits", extra={"erasure": erasure_id, "processes": behind})
            self._machine.sleep(_FLEET_SECONDS)

    def _record(self, erasure_id: str) -> None:
        erasure = self._store.find(erasure_id)
        if self._evidence.audit.holds(ERASED, erasure.subject):
            return  # This step ran before a crash that came before its result was recorded.
        found: dict[str, object] = {step.name: step.found for step in erasure.steps}
        self._evidence.audit.append(
            "trimtab", ERASED, erasure.subject, {"erasure": erasure_id, "found": found}
        )

    def _forget(self, erasure_id: str) -> None:
        user_id = self._store.user_of(erasure_id)
        if user_id:
            self._evidence.subjects.shred(user_id)
        self._store.close(erasure_id)

    def _scrub(self) -> None:
        for database in self._databases:
            try:
                database.scrub()
            except TrimtabError as error:
                # A long reader keeps old pages in the log; the next erasure or checkpoint empties
                # it.
                _log.warning("log not emptied", extra={"reason": error.message})
