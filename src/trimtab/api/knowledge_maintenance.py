"""Proof of deletion, backups and restore of the knowledge database."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Query
from pydantic import Field

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.schemas import extended
from trimtab.api.request_body import Body
from trimtab.api.roles import ADMIN, OPERATOR, READER
from trimtab.api.services import Caller, Here
from trimtab.kernel.errors import ErrorKind
from trimtab.knowledge.maintenance.backups import Backup
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof
from trimtab.knowledge.maintenance.restore import RestoreResult

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofBody(DeletionProof):
    """What a proof of deletion found."""

    holds: bool


@dataclass(frozen=True, slots=True)
class BackupBody:
    """A backup."""

    name: str
    at: str
    """ISO 8601, UTC."""
    size_bytes: int

    @classmethod
    def of(cls, backup: Backup) -> "BackupBody":
        """Return a backup's name, time and size."""
        return cls(backup.path.name, backup.at.isoformat(), backup.size_bytes)


@dataclass(frozen=True, slots=True)
class CheckedBackup(BackupBody):
    """A backup that was read and checked."""

    good: bool
    problem: str
    """Empty when it is good."""

    @classmethod
    def checked(cls, backup: Backup, problem: str) -> "CheckedBackup":
        """Return a backup with the problem that its check found, or an empty text."""
        return extended(cls, BackupBody.of(backup), good=not problem, problem=problem)


@dataclass(frozen=True, slots=True)
class BackupList:
    """The backups, the newest first."""

    backups: tuple[CheckedBackup, ...] | tuple[BackupBody, ...]


@dataclass(frozen=True, slots=True)
class NotRestored:
    """Nothing was done, because nothing was wrong."""

    restored: Literal[False]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredBody(RestoreResult):
    """What a restore did, or would do."""

    restored: bool
    """False after a dry run."""
    report: str
    """The loss in one line: ``Documents lost: 3``."""

    @classmethod
    def of(cls, result: RestoreResult, *, dry_run: bool) -> "RestoredBody":
        """Return the result of a restore."""
        lost = "unknown" if result.lost is None else result.lost
        return extended(cls, result, restored=not dry_run, report=f"Documents lost: {lost}")


class RestoreRequest(Body):
    """Which backup to go back to, and whether only to say what that would do."""

    backup: str = Field("", max_length=100, description="Its name; empty: the newest good one.")
    dry_run: bool = False
    force: bool = Field(default=False, description="Go back although the database in use is sound.")


class Trial(Body):
    """Whether only to say what would happen."""

    dry_run: bool = False


@router.post("/verify", dependencies=[OPERATOR])
def verify(services: Here) -> ProofBody:
    """Prove that every deleted document is in no table, index, cache, or backup made since."""
    proof = services.knowledge.verify_deletions()
    return extended(ProofBody, proof, holds=proof.holds)


@router.get("/backups", dependencies=[READER])
def backups(
    services: Here, check: bool = Query(default=False, description="Read and check each of them.")
) -> BackupList:
    """List the backups, the newest first."""
    kept = services.knowledge.care.backups
    if check:
        found = kept.list()
        return BackupList(tuple(CheckedBackup.checked(each, kept.problem(each)) for each in found))
    return BackupList(tuple(BackupBody.of(each) for each in kept.list()))


@router.post(
    "/backups", status_code=201, responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[OPERATOR]
)
def take_backup(services: Here, principal: Caller) -> BackupBody:
    """Take a backup, check it, and remove those that are too old."""
    made = services.knowledge.care.backup()
    services.audit.append(principal.name, "knowledge.backed_up", made.path.name)
    return BackupBody.of(made)


@router.post(
    "/restore", responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL), dependencies=[ADMIN]
)
def restore(
    request: RestoreRequest, services: Here, principal: Caller
) -> RestoredBody | NotRestored:
    """Go back to a backup; what was deleted since stays deleted. Does nothing to a sound database unless forced."""
    maintenance = services.knowledge.care
    if not request.dry_run and not request.force and maintenance.check().ok:
        return NotRestored(
            restored=False, reason="The database is sound; `force` goes back all the same."
        )
    done = maintenance.restore(request.backup, dry_run=request.dry_run)
    if not request.dry_run:
        services.audit.append(principal.name, "knowledge.restored", done.source)
    return RestoredBody.of(done, dry_run=request.dry_run)


@router.post("/recover", responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[ADMIN])
def recover(trial: Trial, services: Here, principal: Caller) -> RestoredBody | NotRestored:
    """Put what can be read of a damaged database together with the newest good backup."""
    maintenance = services.knowledge.care
    if not trial.dry_run and maintenance.check().ok:
        return NotRestored(restored=False, reason="The database is sound.")
    done = maintenance.recover(dry_run=trial.dry_run)
    if not trial.dry_run:
        services.audit.append(principal.name, "knowledge.recovered", done.source)
    return RestoredBody.of(done, dry_run=trial.dry_run)
