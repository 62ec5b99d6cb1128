"""Erasing a person's data, where each erasure stands, and the operators' rounds."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from trimtab.api.body import Body
from trimtab.api.data_subject import MOST
from trimtab.api.http.openapi import refuses
from trimtab.api.roles import ADMIN
from trimtab.api.services import Caller, Here, Services
from trimtab.infra.auth import Principal
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind, InvalidInput, Unavailable
from trimtab.privacy.erasure import Erasure, Erasures, ErasureState

router = APIRouter(tags=["users"], route_class=GuardedRoute)

_PATIENCE_SECONDS = 10.0


class UserIdInPath(InvalidInput):
    """A user id with a slash stands in a path, where proxies and logs may read it in different ways."""

    code = "api.user_id_in_path"
    default_hint = "Send it in the body: `POST /api/v1/erasures` with `user_id`."


class EraseRequest(Body):
    """Whose data is to be erased."""

    user_id: Annotated[str, StringConstraints(min_length=1, max_length=MOST)]


@router.delete(
    "/api/v1/users/{user_id:path}/data",
    responses=refuses(ErrorKind.INVALID, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def erase(user_id: str, here: Here, caller: Caller, response: Response) -> dict[str, object]:
    """Erase everything about a person. 200 with the certificate when it is done, 202 while it goes on.

    The response tells each step. Its `nonce` is shown only here: with it the certificate can be tied to the user id.
    A user id with a slash, also as ``%2F``, is refused: `POST /api/v1/erasures` takes any.
    """
    if "/" in user_id:
        raise UserIdInPath("A user id with a slash cannot stand in a path.")
    return _erase(user_id, here, caller, response)


@router.post(
    "/api/v1/erasures",
    responses=refuses(ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def erase_by_body(
    request: EraseRequest, here: Here, caller: Caller, response: Response
) -> dict[str, object]:
    """Erase everything about a person, named in the body, which no log and no proxy keeps; as the route by path does."""
    return _erase(request.user_id, here, caller, response)


def _erase(
    user_id: str, here: Services, caller: Principal, response: Response
) -> dict[str, object]:
    erasures = _erasures(here)
    asked = erasures.request(user_id, actor=caller.name)
    now = erasures.wait_briefly(asked.id, _PATIENCE_SECONDS)
    response.status_code = 200 if now.state is ErasureState.DONE else 202
    return {**_shown(now), "nonce": asked.nonce}


@router.get(
    "/api/v1/erasures/{erasure_id}", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[ADMIN]
)
def erasure(erasure_id: str, here: Here) -> dict[str, object]:
    """Return where an erasure stands."""
    return _shown(_erasures(here).find(erasure_id))


@router.post(
    "/v1/tasks/{period}",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
    tags=["tasks"],
)
def tasks(period: str, here: Here) -> dict[str, object]:
    """Do the operators' daily, weekly or monthly round, or the one before a rollback, now: what passes, and what a person has to do."""
    results = here.tasks.run(period)
    return {
        "period": period,
        "passed": all(result.passed for result in results),
        "tasks": [result.as_dict() for result in results],
    }


def _shown(erasure: Erasure) -> dict[str, object]:
    found = erasure.as_dict()
    del found["nonce"]
    return {**found, "complete": erasure.state is ErasureState.DONE}


def _erasures(here: Services) -> Erasures:
    if here.answers.erasures is None:
        raise Unavailable("This process runs no erasures.", hint="Ask the process with the jobs.")
    return here.answers.erasures
