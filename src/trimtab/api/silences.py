"""Silences in the format of Alertmanager's API, for amtool and Grafana."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, EnvDep, SilencesDep
from trimtab.incidents.intake import Matcher, Silence, SilenceRequest
from trimtab.incidents.intake.matchers import matches, parse_matcher
from trimtab.incidents.intake.model import SilenceState
from trimtab.kernel.errors import ErrorKind

router = APIRouter(tags=["alerts"], route_class=ApiRoute)

Text = Annotated[str, StringConstraints(max_length=1024)]
Filters = Annotated[list[str], Query(max_length=50)]


@dataclass(frozen=True, slots=True)
class SilenceStatus:
    """State of a silence."""

    state: SilenceState


@dataclass(frozen=True, slots=True)
class MatcherBody:
    """A matcher as Alertmanager writes it."""

    name: str
    value: str
    isRegex: bool  # noqa: N815
    isEqual: bool  # noqa: N815


@dataclass(frozen=True, slots=True)
class SilenceBody:
    """A silence as Alertmanager shows it."""

    id: str
    status: SilenceStatus
    matchers: tuple[MatcherBody, ...]
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    createdBy: str  # noqa: N815
    comment: str
    maintenance: bool

    @classmethod
    def of(cls, silence: Silence, now: datetime) -> "SilenceBody":
        """Return a silence with its state."""
        matchers = tuple(
            MatcherBody(each.name, each.value, each.is_regex, each.is_equal)
            for each in silence.matchers
        )
        return cls(
            silence.id,
            SilenceStatus(silence.state(now)),
            matchers,
            silence.starts_at,
            silence.ends_at,
            silence.updated_at,
            silence.created_by,
            silence.comment,
            silence.maintenance,
        )


@dataclass(frozen=True, slots=True)
class SilenceCreated:
    """Id of a silence that was stored."""

    silenceID: str  # noqa: N815


class PostedMatcher(BaseModel):
    """A matcher of a new silence."""

    name: Text
    value: Text
    isRegex: bool = False  # noqa: N815
    isEqual: bool = True  # noqa: N815


class PostableSilence(BaseModel):
    """A silence to create or, with an id, to change."""

    matchers: Annotated[list[PostedMatcher], Field(max_length=50)]
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    createdBy: Text  # noqa: N815
    comment: Text
    id: Text | None = None
    maintenance: bool = False
    """An announced maintenance window."""


@router.get("/api/v2/silences", dependencies=[READER], responses=refuses(ErrorKind.INVALID))
def get_silences(
    env: EnvDep,
    silences: SilencesDep,
    filter: Filters = [],  # noqa: A002, B006
) -> tuple[SilenceBody, ...]:
    """List silences; with filters those that have a matcher for each of them."""
    now, filters = env.clock.now(), tuple(map(parse_matcher, filter))

    def has(silence: Silence) -> bool:
        labels = {each.name: each.value for each in silence.matchers}
        return matches(filters, labels)

    return tuple(SilenceBody.of(each, now) for each in silences.all() if has(each))


@router.post(
    "/api/v2/silences",
    dependencies=[OPERATOR],
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
)
def post_silence(new: PostableSilence, silences: SilencesDep, principal: Caller) -> SilenceCreated:
    """Create a silence, or change the one with the id; the audit chain names the caller's key."""
    request = SilenceRequest(
        matchers=tuple(Matcher(m.name, m.value, m.isRegex, m.isEqual) for m in new.matchers),
        starts_at=_aware(new.startsAt),
        ends_at=_aware(new.endsAt),
        created_by=new.createdBy,
        comment=new.comment,
        maintenance=new.maintenance,
        id=new.id or "",
    )
    return SilenceCreated(silences.put(request, principal.name).id)


@router.get(
    "/api/v2/silence/{silence_id}", dependencies=[READER], responses=refuses(ErrorKind.NOT_FOUND)
)
def get_silence(silence_id: str, env: EnvDep, silences: SilencesDep) -> SilenceBody:
    """Return a silence."""
    return SilenceBody.of(silences.get(silence_id), env.clock.now())


@router.delete(
    "/api/v2/silence/{silence_id}",
    dependencies=[OPERATOR],
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.STORAGE_FULL),
)
def delete_silence(silence_id: str, silences: SilencesDep, principal: Caller) -> SilenceCreated:
    """End a silence now."""
    return SilenceCreated(silences.expire(silence_id, principal.name).id)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
