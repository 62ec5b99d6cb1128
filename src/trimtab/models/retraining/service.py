"""Starts retrainings, asks a person, and promotes what was approved."""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from trimtab.infra.audit import Audit
from trimtab.infra.jobs import JobRun, Jobs, Json
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import content_id, new_id, sha256_hex
from trimtab.models.retraining.comparison import compare_paired
from trimtab.models.retraining.errors import DecisionRefused, NotTrainable, TrainingDataRefused
from trimtab.models.retraining.records import Promoter, Retraining, RetrainingState, Trainer
from trimtab.models.retraining.store import RetrainingStore

KIND = "models.retraining"
SCHEDULED = "scheduled"
_TOPIC = "decision"
_APPROVAL_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class RetrainingContext:
    """Dependencies of retraining: storage, jobs and promotion."""

    store: RetrainingStore
    folder: Path
    """Keeps the training data, by its hash."""
    jobs: Jobs
    clock: Clock
    audit: Audit
    promote: Promoter


class Retrainings:
    """Retrains models as durable jobs; nothing serves before a person has approved it.

    Args:
        context: Storage, jobs and the registry's promotion.
        trainers: The training function of each model.
    """

    def __init__(self, context: RetrainingContext, trainers: Mapping[str, Trainer]) -> None:
        self._context = context
        self._trainers = dict(trainers)
        self.store = context.store
        self._starting = threading.Lock()
        """Held from a new data file to its record: `resume` deletes files without one."""
        context.jobs.register(KIND, self._body)

    def open(self) -> list[Retraining]:
        """Return the retrainings that are not finished."""
        return self.store.open()

    def trainable(self) -> list[str]:
        """Return the models that can be retrained."""
        return sorted(self._trainers)

    def start(self, model: str, data: bytes, reason: str, actor: str) -> Retraining:
        """Start a retraining; the same data for the same model is the same retraining while open.

        Raises:
            NotTrainable: There is no training function for the model.
            TrainingDataRefused: There is no data.
        """
        if model not in self._trainers:
            names = ", ".join(self.trainable()) or "none"
            raise NotTrainable(f"{model!r} cannot be retrained here (trainable: {names}).")
        if not data.strip():
            raise TrainingDataRefused("The training data is empty.")
        with self._starting:
            started = self._record(model, data, reason, actor)
        self._context.jobs.start(KIND, started.id, {"id": started.id})
        return started

    def _record(self, model: str, data: bytes, reason: str, actor: str) -> Retraining:
        """Store the data and the new retraining; return the open one for the same data instead."""
        digest = sha256_hex(data)
        for each in self.store.open():
            if (each.model, each.data_sha256) == (model, digest):
                return each
        self._context.folder.mkdir(parents=True, exist_ok=True)
        self._file(digest).write_bytes(data)
        now = self._context.clock.now()
        started = Retraining(
            new_id("retraining", now),
            model,
            RetrainingState.TRAINING,
            reason,
            actor,
            now,
            now,
            digest,
        )
        self.store.add(started)
        self._context.audit.append(
            actor, "models.retraining_started", model, {"id": started.id, "data": digest}
        )
        return started

    def decide(self, retraining_id: str, approval_hash: str, actor: str, *, approve: bool) -> None:
        """Approve or reject a candidate.

        Raises:
            RetrainingUnknown: There is no such retraining.
            DecisionRefused: It does not wait, or the hash is of other data or metrics.
        """
        found = self.store.get(retraining_id)
        if found.state is not RetrainingState.WAITING:
            raise DecisionRefused(f"The retraining {retraining_id} is {found.state}, not waiting.")
        if found.approval_hash != approval_hash:
            raise DecisionRefused(
                f"The hash {approval_hash[:80]!r} is not that of the data and metrics which wait."
            )
        what = "models.retraining_approved" if approve else "models.retraining_rejected"
        facts = {"id": retraining_id, "hash": approval_hash}
        self._context.audit.append(actor, what, found.model, facts)
        message: Json = {"approve": approve, "actor": actor, "hash": approval_hash}
        key = f"{retraining_id}:{approval_hash}"
        self._context.jobs.send(retraining_id, _TOPIC, message, idempotency_key=key)

    def resume(self) -> None:
        """Start the jobs of retrainings that a crash left without one, and drop data of none."""
        with self._starting:
            found = self.store.open()
            used = {self._file(each.data_sha256) for each in found}
            for file in set(self._context.folder.glob("*.data")) - used:
                file.unlink()
        for each in found:
            self._context.jobs.start(KIND, each.id, {"id": each.id})

    def _file(self, digest: str) -> Path:
        return self._context.folder / f"{digest}.data"

    def _body(self, run: JobRun, argument: Mapping[str, Json]) -> Json:
        retraining_id = str(argument["id"])
        try:
            trained = run.step("train", lambda: self._train(retraining_id))
        except TrimtabError as error:
            reason = error.message
            run.step("fail", lambda: self._end(retraining_id, RetrainingState.FAILED, reason))
            return None
        except Exception as error:  # noqa: BLE001 - whatever a trainer raises ends this one only.
            reason = f"{type(error).__name__}: {error}"
            run.step("fail", lambda: self._end(retraining_id, RetrainingState.FAILED, reason))
            return None
        if not cast("dict[str, Json]", trained)["better"]:
            return None
        decision = run.wait_for(_TOPIC, _APPROVAL_SECONDS)
        run.step("decide", lambda: self._apply_decision(retraining_id, decision))
        return None

    def _train(self, retraining_id: str) -> Json:
        found = self.store.get(retraining_id)
        trained = self._trainers[found.model](self._file(found.data_sha256))
        compared = compare_paired(
            trained.labels, trained.current, trained.candidate, trained.scored
        )
        facts = {
            "version": trained.version,
            "digest": trained.digest,
            "metrics": dict(trained.metrics),
            "comparison": asdict(compared),
        }
        now = self._context.clock.now()
        if compared.is_better:
            bound = json.dumps({**facts, "data": found.data_sha256}, sort_keys=True)
            approval_hash = content_id("retraining", found.id, bound)
            self.store.update(found.id, RetrainingState.WAITING, now, facts, approval_hash)
        else:
            why = (
                f"The candidate is not better beyond chance: F1 {compared.candidate_f1:.3f} against"
                f" {compared.current_f1:.3f}, difference {compared.low:+.3f} to"
                f" {compared.high:+.3f} on {compared.rows} rows."
            )
            self.store.update(found.id, RetrainingState.REFUSED, now, {**facts, "why": why})
        return {"better": compared.is_better}

    def _apply_decision(self, retraining_id: str, decision: Json) -> Json:
        found = self.store.get(retraining_id)
        if not isinstance(decision, dict):
            return self._end(
                retraining_id, RetrainingState.EXPIRED, "No decision came within 7 days."
            )
        actor = str(decision["actor"])
        if not decision["approve"] or decision["hash"] != found.approval_hash:
            return self._end(retraining_id, RetrainingState.REJECTED, f"Rejected by {actor}.")
        reason = f"retraining {retraining_id}, data {found.data_sha256[:12]}: {found.reason}"
        version = int(found.facts["version"])
        try:
            self._context.promote(found.model, version, actor, reason, retraining_id)
        except TrimtabError as error:
            return self._end(retraining_id, RetrainingState.FAILED, error.message)
        return self._end(retraining_id, RetrainingState.PROMOTED, f"Approved by {actor}.")

    def _end(self, retraining_id: str, state: RetrainingState, why: str) -> Json:
        self.store.update(retraining_id, state, self._context.clock.now(), {"why": why})
        found = self.store.get(retraining_id)
        others = [each.data_sha256 for each in self.store.open()]
        if found.data_sha256 not in others:
            self._file(found.data_sha256).unlink(missing_ok=True)
        return None
