"""Routes of deletion proofs, backups and restores."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.schemas import extended
from trimtab.api.roles import ADMIN, OPERATOR, READER
from trimtab.api.services import Caller, EnvDep, KnowledgeDep
from trimtab.kernel.errors import ErrorKind
from trimtab.knowledge.maintenance.backups import Backup
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof
from trimtab.knowledge.maintenance.restore import RestoreResult

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofBody(DeletionProof):
    """Result of a deletion proof."""

    holds: bool


@dataclass(frozen=True, slots=True)
class BackupBody:
    """Name, time and size of a backup."""

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
    """No restore was needed."""

    restored: Literal[False]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredBody(RestoreResult):
    """Result of a restore or of its dry run."""

    restored: bool
    """False after a dry run."""
    report: str
    """The loss in one line: ``Documents lost: 3``."""

    @classmethod
    def of(cls, result: RestoreResult, *, dry_run: bool) -> "RestoredBody":
        """Return the result of a restore."""
        lost = "unknown" if result.lost is None else result.lost
        return extended(cls, result, restored=not dry_run, report=f"Documents lost: {lost}")


class RestoreRequest(BaseModel):
    """The backup to restore."""

    backup: str = Field("", max_length=100, description="Its name; empty: the newest good one.")
    dry_run: bool = False
    force: bool = Field(default=False, description="Restore although the database is sound.")


class RecoverRequest(BaseModel):
    """Request with an optional dry run."""

    dry_run: bool = False


@router.post("/verify", dependencies=[OPERATOR])
def verify(knowledge: KnowledgeDep) -> ProofBody:
    """Prove that every deleted document is in no table, index, cache, or backup made since."""
    proof = knowledge.verify_deletions()
    return extended(ProofBody, proof, holds=proof.holds)


@router.get("/backups", dependencies=[READER])
def backups(
    knowledge: KnowledgeDep,
    check: bool = Query(default=False, description="Read and check each of them."),
) -> BackupList:
    """List the backups, the newest first."""
    kept = knowledge.maintenance.backups
    if check:
        found = kept.list()
        return BackupList(tuple(CheckedBackup.checked(each, kept.problem(each)) for each in found))
    return BackupList(tuple(BackupBody.of(each) for each in kept.list()))


@router.post(
    "/backups", status_code=201, responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[OPERATOR]
)
def take_backup(env: EnvDep, knowledge: KnowledgeDep, principal: Caller) -> BackupBody:
    """Take a backup, check it, and remove those that are too old."""
    made = knowledge.maintenance.backup()
    env.audit.append(principal.name, "knowledge.backed_up", made.path.name)
    return BackupBody.of(made)


@router.post(
    "/restore", responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL), dependencies=[ADMIN]
)
def restore(
    request: RestoreRequest, env: EnvDep, knowledge: KnowledgeDep, principal: Caller
) -> RestoredBody | NotRestored:
    """Restore a backup; deletions since then are kept. A sound database needs `force`."""
    maintenance = knowledge.maintenance
    if not request.dry_run and not request.force and maintenance.check().ok:
        return NotRestored(
            restored=False, reason="The database is sound; use `force` to restore anyway."
        )
    done = maintenance.restore(request.backup, dry_run=request.dry_run)
    if not request.dry_run:
        env.audit.append(principal.name, "knowledge.restored", done.source)
    return RestoredBody.of(done, dry_run=request.dry_run)


@router.post("/recover", responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[ADMIN])
def recover(
    request: RecoverRequest, env: EnvDep, knowledge: KnowledgeDep, principal: Caller
) -> RestoredBody | NotRestored:
    """Merge the readable part of a damaged database with the newest good backup."""
    maintenance = knowledge.maintenance
    if not request.dry_run and maintenance.check().ok:
        return NotRestored(restored=False, reason="The database is sound.")
    done = maintenance.recover(dry_run=request.dry_run)
    if not request.dry_run:
        env.audit.append(principal.name, "knowledge.recovered", done.source)
    return RestoredBody.of(done, dry_run=request.dry_run)
