"""API keys and console sign-in links."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from trimtab.api.data_subject import Label
from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import ADMIN, TENANT_READER
from trimtab.api.services import Caller, EnvDep, WebDep
from trimtab.infra.auth import ApiKey, Role
from trimtab.infra.key_report import KeyFinding, key_report
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1", tags=["keys"], route_class=ApiRoute)

Project = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,100}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]{1,100}$")]


@dataclass(frozen=True, slots=True)
class Me:
    """A caller who may enter every project."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class TenantMe(Me):
    """A caller for whom only some projects exist."""

    projects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelledMe(Me):
    """A caller with access labels."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelledTenantMe(TenantMe):
    """A caller with access labels for whom only some projects exist."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyList:
    """Every key, the oldest first, without the keys themselves."""

    keys: tuple[ApiKey, ...]


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """A key that replaces another; it is shown this once."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class CreatedKey(RotatedKey):
    """A new key; it is shown this once."""

    role: Role


@dataclass(frozen=True, slots=True)
class KeyReview:
    """Active keys, the oldest first, with what to do about them."""

    keys: tuple[KeyFinding, ...]


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that signs a browser in once, within an hour."""

    url: str


class NewKey(BaseModel):
    """Name, role and limits of a new key."""

    name: Name
    role: Role = Role.READER
    projects: Annotated[list[Project], Field(default_factory=list, max_length=1000)]
    """The only projects that exist for it; none means all."""
    labels: Annotated[list[Label], Field(default_factory=list, max_length=100)]
    """Its access labels; none means that it sees no labelled document."""


@router.get("/me", dependencies=[TENANT_READER])
def me(principal: Caller) -> LabelledTenantMe | LabelledMe | TenantMe | Me:
    """Return the name, role and limits of the caller."""
    name, role, labels = principal.name, principal.role, tuple(principal.labels)
    if principal.projects is None:
        return LabelledMe(name, role, labels) if labels else Me(name, role)
    projects = tuple(sorted(principal.projects))
    if labels:
        return LabelledTenantMe(name, role, projects, labels)
    return TenantMe(name, role, projects)


@router.get("/keys", dependencies=[ADMIN])
def list_keys(env: EnvDep) -> KeyList:
    """List every key, the oldest first, without the keys themselves."""
    return KeyList(tuple(env.keys.all()))


@router.post(
    "/keys",
    status_code=201,
    responses=refuses(ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def create_key(new: NewKey, env: EnvDep, principal: Caller) -> CreatedKey:
    """Create a key; only this answer shows it."""
    key = env.keys.create(
        new.name, new.role, actor=principal.name, projects=new.projects, labels=new.labels
    )
    return CreatedKey(name=new.name, key=key, role=new.role)


@router.delete(
    "/keys/{name}",
    status_code=204,
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def revoke_key(name: str, env: EnvDep, principal: Caller) -> None:
    """Revoke a key and end its console sessions."""
    env.keys.revoke(name, actor=principal.name)


@router.post(
    "/keys/{name}/rotate",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
    dependencies=[ADMIN],
)
def rotate_key(name: str, env: EnvDep, principal: Caller) -> RotatedKey:
    """Replace a key by a new one with the same name and role; the old one is revoked."""
    return RotatedKey(name, env.keys.rotate(name, actor=principal.name))


@router.get("/keys/review", dependencies=[ADMIN])
def review_keys(env: EnvDep) -> KeyReview:
    """List active keys, oldest first, with problems: too old, stale, never used."""
    trust = env.settings.trust
    found = key_report(
        env.keys,
        env.clock.now(),
        max_age_days=trust.key_max_age_days,
        unused_days=trust.key_unused_days,
    )
    return KeyReview(tuple(found))


@router.post("/sign-in-links", status_code=201, dependencies=[ADMIN])
def create_sign_in_link(web: WebDep) -> SignInLink:
    """Create a link that signs a browser in to the console once, within an hour, as `admin`."""
    return SignInLink(web.sessions.sign_in_url("admin"))
