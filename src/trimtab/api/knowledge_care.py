"""Proof of deletion, backups and restore of the knowledge database."""

from dataclasses import asdict

from fastapi import APIRouter, Query
from pydantic import Field

from trimtab.api.body import Body
from trimtab.api.http.openapi import refuses
from trimtab.api.roles import ADMIN, OPERATOR, READER
from trimtab.api.services import Caller, Here
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind
from trimtab.knowledge.maintenance.backups import Backup

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"], route_class=GuardedRoute)


class RestoreRequest(Body):
    """Which backup to go back to, and whether only to say what that would do."""

    backup: str = Field("", max_length=100, description="Its name; empty: the newest good one.")
    dry_run: bool = False
    force: bool = Field(default=False, description="Go back although the database in use is sound.")


class Trial(Body):
    """Whether only to say what would happen."""

    dry_run: bool = False


@router.post("/verify", dependencies=[OPERATOR])
def verify(here: Here) -> dict[str, object]:
    """Prove that every deleted document is in no table, index, cache, or backup made since."""
    proof = here.knowledge.verify_deletions()
    return {"holds": proof.holds, **asdict(proof)}


@router.get("/backups", dependencies=[READER])
def backups(
    here: Here, check: bool = Query(default=False, description="Read and check each of them.")
) -> dict[str, list[dict[str, object]]]:
    """List the backups, the newest first."""
    care = here.knowledge.maintenance.backups
    return {
        "backups": [
            {**_entry(found), **(_verdict(care.problem(found)) if check else {})}
            for found in care.list()
        ]
    }


@router.post(
    "/backups", status_code=201, responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[OPERATOR]
)
def take_backup(here: Here, who: Caller) -> dict[str, object]:
    """Take a backup, check it, and remove those that are too old."""
    made = here.knowledge.maintenance.backup()
    here.audit.append(who.name, "knowledge.backed_up", made.path.name)
    return _entry(made)


@router.post(
    "/restore", responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL), dependencies=[ADMIN]
)
def restore(wanted: RestoreRequest, here: Here, who: Caller) -> dict[str, object]:
    """Go back to a backup; what was deleted since stays deleted. Does nothing to a sound database unless forced."""
    care = here.knowledge.maintenance
    if not wanted.dry_run and not wanted.force and care.check().ok:
        return {
            "restored": False,
            "reason": "The database is sound; `force` goes back all the same.",
        }
    done = care.restore(wanted.backup, dry_run=wanted.dry_run)
    if not wanted.dry_run:
        here.audit.append(who.name, "knowledge.restored", done.source)
    return {"restored": not wanted.dry_run, **done.as_dict()}


@router.post("/recover", responses=refuses(ErrorKind.STORAGE_FULL), dependencies=[ADMIN])
def recover(trial: Trial, here: Here, who: Caller) -> dict[str, object]:
    """Put what can be read of a damaged database together with the newest good backup."""
    care = here.knowledge.maintenance
    if not trial.dry_run and care.check().ok:
        return {"restored": False, "reason": "The database is sound."}
    done = care.recover(dry_run=trial.dry_run)
    if not trial.dry_run:
        here.audit.append(who.name, "knowledge.recovered", done.source)
    return {"restored": not trial.dry_run, **done.as_dict()}


def _entry(backup: Backup) -> dict[str, object]:
    return {
        "name": backup.path.name,
        "at": backup.at.isoformat(),
        "size_bytes": backup.size_bytes,
    }


def _verdict(problem: str) -> dict[str, object]:
    return {"good": not problem, "problem": problem}
