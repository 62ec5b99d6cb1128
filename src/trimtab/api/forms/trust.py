"""What the routes of health, keys, settings, audit and people's data answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from trimtab.api.forms.shape import Shape
from trimtab.api.http.openapi import ErrorBody
from trimtab.incidents.model import Severity
from trimtab.infra.audit import AuditEvent
from trimtab.infra.audit_files import SealReport
from trimtab.infra.auth import ApiKey, Role
from trimtab.infra.key_care import KeyFinding
from trimtab.kernel.health import Status
from trimtab.operations.checklists import TaskResult
from trimtab.privacy.erasure import ErasureState
from trimtab.privacy.erasure.records import StepStatus


class Component(BaseModel, extra="allow"):
    """The state of one component, with facts of its own."""

    status: Status
    connected: bool
    latency_ms: float | None
    error: str = ""
    """Why it is not up; absent when it is."""


class Connected(BaseModel, extra="forbid"):
    """A component as the operations documents read it at the top of the body."""

    connected: bool


class HealthBody(BaseModel):
    """The state of everything; each component also stands at the top, under its name."""

    __pydantic_extra__: dict[str, Connected]
    model_config = {"extra": "allow"}

    status: Status
    version: str
    components: dict[str, Component]


@dataclass(frozen=True, slots=True)
class Disturbance:
    """An incident in words for those who use the service."""

    id: str
    title: str
    affected: str
    severity: Severity
    since: str
    """ISO 8601, UTC."""
    state: Literal["investigating", "resolved"]
    resolved_at: str | None
    summary: str
    """Empty until it is resolved."""


@dataclass(frozen=True, slots=True)
class StatusBody:
    """The status page."""

    status: Status
    incidents: tuple[Disturbance, ...]


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


@dataclass(frozen=True, slots=True)
class EventList:
    """Events of the audit chain, the newest first."""

    events: tuple[AuditEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBody(SealReport):
    """Whether the audit chain is whole."""

    ok: bool


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting in force."""

    name: str
    """``section.field``."""
    value: bool | int | float | str | tuple[str, ...]
    """``[hidden]`` where it is a secret."""
    default: bool | int | float | str | tuple[str, ...]
    unit: str
    help: str
    env: tuple[str, ...]
    """Further variables that set it."""


@dataclass(frozen=True, slots=True)
class SettingList:
    """Every setting."""

    settings: tuple[SettingRow, ...]


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
    """Where the erasure of a person's data stands."""

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


@dataclass(frozen=True, slots=True)
class ErasureAsked(ErasureBody):
    """An erasure as whoever asked for it is told."""

    nonce: str
    """Ties the certificate to the user id; shown only here."""


@dataclass(frozen=True, slots=True)
class TasksBody:
    """The operators' round of a period."""

    period: str
    passed: bool
    tasks: tuple[TaskResult, ...]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The vector store answers."""

    status: Literal["ok"]


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """What is stored, of all projects together."""

    status: Literal["green", "yellow", "red"]
    points_count: int
    vectors_count: int
    indexed_vectors_count: int
    documents_count: int


@dataclass(frozen=True, slots=True)
class CollectionBody:
    """What is stored, in the form of a collection of Qdrant."""

    status: Literal["ok"]
    time: float
    result: CollectionFacts


FORMS: Mapping[str, Shape] = {
    "GET /health": HealthBody,
    "GET /health 503": HealthBody,
    "GET /api/v1/heartbeat": Heartbeat,
    "GET /collections/documents": CollectionBody,
    "GET /v1/system/health": HealthBody,
    "GET /v1/system/health 503": HealthBody | ErrorBody,
    "GET /v1/system/health/components": dict[str, Component],
    "GET /v1/status": StatusBody,
    "GET /v1/me": LabelledTenantMe | LabelledMe | TenantMe | Me,
    "GET /v1/keys": KeyList,
    "POST /v1/keys": CreatedKey,
    "POST /v1/keys/{name}/rotate": RotatedKey,
    "GET /v1/keys/review": KeyReview,
    "POST /v1/sign-in-links": SignInLink,
    "GET /v1/audit": EventList,
    "GET /v1/audit/verify": AuditBody,
    "GET /v1/settings": SettingList,
    "DELETE /api/v1/users/{user_id}/data": ErasureAsked,
    "DELETE /api/v1/users/{user_id}/data 202": ErasureAsked,
    "POST /api/v1/erasures": ErasureAsked,
    "POST /api/v1/erasures 202": ErasureAsked,
    "GET /api/v1/erasures/{erasure_id}": ErasureBody,
    "POST /v1/tasks/{period}": TasksBody,
}
