"""Routes of erasures and of the operations checklists."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import APIRouter, Response
from pydantic import BaseModel, StringConstraints

from trimtab.api.data_subject import MAX_USER_ID
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute, answers
from trimtab.api.http.schemas import extended
from trimtab.api.roles import ADMIN
from trimtab.api.services import Caller, ChecklistsDep, ErasuresDep
from trimtab.infra.auth import Principal
from trimtab.kernel.errors import ErrorKind, InvalidInput
from trimtab.operations.checklists import TaskResult
from trimtab.privacy.erasure import Erasure, Erasures, ErasureState
from trimtab.privacy.erasure.records import StepStatus

router = APIRouter(tags=["users"], route_class=ApiRoute)

_WAIT_SECONDS = 10.0
_GOES_ON = "Accepted; it continues"


class UserIdInPath(InvalidInput):
    """A user id with a slash in a path is ambiguous for proxies and logs."""

    code = "api.user_id_in_path"
    default_hint = "Send it in the body: `POST /api/v1/erasures` with `user_id`."


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope."""

    keyid: str
    sig: str
    """Base64."""


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement in a DSSE envelope."""

    payloadType: str  # noqa: N815 - the name in the DSSE standard.
    payload: str
    """Base64 of canonical JSON."""
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class ErasureBody:
    """State of an erasure of a person's data."""

    id: str
    subject: str
    """The person's pseudonym."""
    requested_by: str
    requested_at: str
    """ISO 8601, UTC."""
    state: ErasureState
    steps: tuple[StepStatus, ...]
    finished_at: str
    """Empty until it is done."""
    certificate: SignedStatement | None
    """Null until it is done."""
    complete: bool

    @classmethod
    def of(cls, erasure: Erasure) -> "ErasureBody":
        """Return the state of an erasure without its nonce."""
        return cls(
            id=erasure.id,
            subject=erasure.subject,
            requested_by=erasure.requested_by,
            requested_at=erasure.requested_at,
            state=erasure.state,
            steps=erasure.steps,
            finished_at=erasure.finished_at,
            certificate=cast("SignedStatement | None", erasure.certificate),
            complete=erasure.state is ErasureState.DONE,
        )


@dataclass(frozen=True, slots=True)
class ErasureAsked(ErasureBody):
    """State of an erasure for the caller who requested it."""

    nonce: str
    """Ties the certificate to the user id; shown only here."""


@dataclass(frozen=True, slots=True)
class TasksBody:
    """Results of an operations checklist."""

    period: str
    passed: bool
    tasks: tuple[TaskResult, ...]


class EraseRequest(BaseModel):
    """The user whose data is erased."""

    user_id: Annotated[str, StringConstraints(min_length=1, max_length=MAX_USER_ID)]


@router.delete(
    "/api/v1/users/{user_id:path}/data",
    responses={
        **answers(202, ErasureAsked, _GOES_ON),
        **refuses(ErrorKind.INVALID, ErrorKind.STORAGE_FULL),
    },
    dependencies=[ADMIN],
)
def erase(user_id: str, erasures: ErasuresDep, caller: Caller, response: Response) -> ErasureAsked:
    """Erase all data of a person: 200 with the certificate when done, 202 while it runs.

    The answer lists each step. Only this answer has the `nonce`, which ties the certificate to the
    user id. A user id with a slash, also as ``%2F``, is refused: use `POST /api/v1/erasures`.
    """
    if "/" in user_id:
        raise UserIdInPath("A user id with a slash cannot stand in a path.")
    return _erase(user_id, erasures, caller, response)


@router.post(
    "/api/v1/erasures",
    responses={**answers(202, ErasureAsked, _GOES_ON), **refuses(ErrorKind.STORAGE_FULL)},
    dependencies=[ADMIN],
)
def erase_by_body(
    request: EraseRequest, erasures: ErasuresDep, caller: Caller, response: Response
) -> ErasureAsked:
    """Erase all data of a person; the user id in the body is in no log of a proxy."""
    return _erase(request.user_id, erasures, caller, response)


def _erase(user_id: str, erasures: Erasures, caller: Principal, response: Response) -> ErasureAsked:
    asked = erasures.request(user_id, actor=caller.name)
    now = erasures.wait_briefly(asked.id, _WAIT_SECONDS)
    response.status_code = 200 if now.state is ErasureState.DONE else 202
    return extended(ErasureAsked, ErasureBody.of(now), nonce=asked.nonce)


@router.get(
    "/api/v1/erasures/{erasure_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[ADMIN]
)
def erasure(erasure_id: str, erasures: ErasuresDep) -> ErasureBody:
    """Return the state of an erasure."""
    return ErasureBody.of(erasures.find(erasure_id))


@router.post(
    "/v1/tasks/{period}",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
    tags=["tasks"],
)
def tasks(period: str, checklists: ChecklistsDep) -> TasksBody:
    """Run the daily, weekly, monthly or rollback checklist and return the results."""
    results = checklists.run(period)
    return TasksBody(period, all(result.passed for result in results), tuple(results))
