"""API keys and console sign-in links."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from trimtab.api.body import Body
from trimtab.api.data_subject import Label
from trimtab.api.http.openapi import refuses
from trimtab.api.roles import ADMIN, TENANT_READER
from trimtab.api.services import Caller, Here
from trimtab.infra.auth import Role
from trimtab.infra.key_care import key_report
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1", tags=["keys"], route_class=GuardedRoute)

Project = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,100}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]{1,100}$")]


class NewKey(Body):
    """A key to make."""

    name: Name
    role: Role = Role.READER
    projects: Annotated[list[Project], Field(default_factory=list, max_length=1000)]
    """The only projects that exist for it; none means all."""
    labels: Annotated[list[Label], Field(default_factory=list, max_length=100)]
    """Its access labels; none means that it sees no labelled document."""


@router.get("/me", dependencies=[TENANT_READER])
def me(who: Caller) -> dict[str, object]:
    """Tell who is calling."""
    mine = {} if who.projects is None else {"projects": sorted(who.projects)}
    labels = {"labels": list(who.labels)} if who.labels else {}
    return {"name": who.name, "role": str(who.role), **mine, **labels}


@router.get("/keys", dependencies=[ADMIN])
def list_keys(here: Here) -> dict[str, list[dict[str, object]]]:
    """List every key, the oldest first, without the keys themselves."""
    return {"keys": [asdict(key) for key in here.keys.all()]}


@router.post(
    "/keys",
    status_code=201,
    responses=refuses(ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def create_key(new: NewKey, here: Here, who: Caller) -> dict[str, str]:
    """Make a key; the answer is the only time it is shown."""
    key = here.keys.create(
        new.name, new.role, actor=who.name, projects=new.projects, labels=new.labels
    )
    return {"name": new.name, "role": str(new.role), "key": key}


@router.delete(
    "/keys/{name}",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def revoke_key(name: str, here: Here, who: Caller) -> None:
    """Make a key useless from now on, and end its console sessions."""
    here.keys.revoke(name, actor=who.name)


@router.post(
    "/keys/{name}/rotate",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def rotate_key(name: str, here: Here, who: Caller) -> dict[str, str]:
    """Replace a key by a new one of the same name and role; the old one is useless from now on."""
    return {"name": name, "key": here.keys.rotate(name, actor=who.name)}


@router.get("/keys/review", dependencies=[ADMIN])
def review_keys(here: Here) -> dict[str, list[dict[str, object]]]:
    """List active keys, the oldest first, with what to do about them: too old, stale, never used."""
    trust = here.settings.trust
    found = key_report(
        here.keys,
        here.clock.now(),
        max_age_days=trust.key_max_age_days,
        unused_days=trust.key_unused_days,
    )
    return {"keys": [asdict(finding) for finding in found]}


@router.post("/sign-in-links", status_code=201, dependencies=[ADMIN])
def create_sign_in_link(here: Here) -> dict[str, str]:
    """Make a link that signs a browser in to the console once, within an hour, as `admin`."""
    return {"url": here.sessions.sign_in_url("admin")}
