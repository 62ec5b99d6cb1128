"""Routes of the catalog: read signals, run actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, Field

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.http.schemas import extended
from trimtab.api.http.texts import ArgumentValue
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, CatalogDep, EnvDep
from trimtab.kernel.errors import Conflict, ErrorKind
from trimtab.kernel.ids import new_id, sha256_hex
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
    Signal,
    Value,
    check_arguments,
)
from trimtab.kernel.roles import Role

router = APIRouter(prefix="/v1", tags=["catalog"], route_class=ApiRoute)


class NeedsApproval(Conflict):
    """The action changes something that a person has to answer for."""

    code = "catalog.needs_approval"
    default_hint = "Look at the dry run first; then repeat the call with `approve` (--approve)."


@dataclass(frozen=True, slots=True)
class SignalEntry:
    """Declaration of a signal."""

    name: str
    unit: str
    help: str
    metric: str
    """Its name in PromQL."""
    counter: bool
    labels: tuple[str, ...]

    @classmethod
    def of(cls, signal: Signal) -> "SignalEntry":
        """Return how a signal is declared."""
        return cls(
            name=signal.name,
            unit=signal.unit,
            help=signal.help,
            metric=signal.metric_name,
            counter=signal.counter,
            labels=tuple(signal.labels),
        )


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """Declaration of an action."""

    name: str
    help: str
    risk: Risk
    role: Role
    effect: Effect
    """Whether it can be taken back: ``reversible``, ``repeatable`` or ``irreversible``."""
    params: tuple[Param, ...]
    undo: bool
    no_undo_because: str

    @classmethod
    def of(cls, action: Action) -> "ActionEntry":
        """Return how an action is declared."""
        return cls(
            name=action.name,
            help=action.help,
            risk=action.risk,
            role=action.role,
            effect=action.effect_class,
            params=action.params,
            undo=action.undo is not None,
            no_undo_because=action.no_undo_because,
        )


@dataclass(frozen=True, slots=True)
class CatalogBody:
    """All signals and actions."""

    signals: tuple[SignalEntry, ...]
    actions: tuple[ActionEntry, ...]


@dataclass(frozen=True, slots=True)
class SampleBody:
    """One measured value."""

    value: float | None
    """Null if there is no value now."""
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignalRead(SignalEntry):
    """A signal with what it measures now."""

    samples: tuple[SampleBody, ...]

    @classmethod
    def now(cls, signal: Signal) -> "SignalRead":
        """Return a signal with the values that it has now."""
        samples = tuple(SampleBody(sample.value, sample.labels) for sample in signal.read())
        return extended(cls, SignalEntry.of(signal), samples=samples)


@dataclass(frozen=True, slots=True)
class SignalList:
    """Signals, read now."""

    signals: tuple[SignalRead, ...]


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """Result of an action or of its dry run."""

    action: str
    dry_run: bool
    summary: str
    changes: bool
    """False when nothing was changed; of a dry run, when nothing would be."""
    facts: Mapping[str, Any]
    """Of the action."""
    undo_arguments: Mapping[str, Value] | None
    """What its undo needs; null when nothing was changed, or nothing can be undone."""

    @classmethod
    def of(cls, action: Action, result: ActionResult, *, dry_run: bool) -> "ActionOutcome":
        """Return the result of an action."""
        return cls(
            action=action.name,
            dry_run=dry_run,
            summary=result.summary,
            changes=result.changes,
            facts=dict(result.facts),
            undo_arguments=None if result.undo_arguments is None else dict(result.undo_arguments),
        )


class ActRequest(BaseModel):
    """Arguments of an action."""

    arguments: dict[str, ArgumentValue] = Field(default_factory=dict)
    dry_run: bool = False
    approve: bool = False
    """Required for actions of risk ``approval``: the caller answers for it."""


@router.get("/catalog", dependencies=[READER])
def catalog(catalog: CatalogDep) -> CatalogBody:
    """List all signals and actions."""
    return CatalogBody(
        tuple(SignalEntry.of(signal) for signal in catalog.signals.values()),
        tuple(ActionEntry.of(action) for action in catalog.actions.values()),
    )


@router.get("/signals", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def read_signals(
    catalog: CatalogDep, name: Annotated[list[str] | None, Query()] = None
) -> SignalList:
    """Read signals now; without names, all of them."""
    names = catalog.signals if name is None else name
    signals = [catalog.signal(each) for each in names]
    return SignalList(tuple(SignalRead.now(signal) for signal in signals))


@router.post(
    "/actions/{name}",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def act(
    name: str,
    request: ActRequest,
    env: EnvDep,
    catalog: CatalogDep,
    principal: Caller,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> ActionOutcome:
    """Run an action or its dry run; the same ``Idempotency-Key`` has the same effect once."""
    action = catalog.action(name)
    principal.require(action.role)
    arguments = check_arguments(action.params, request.arguments)
    context = ActionContext(idempotency_key or new_id("act", env.clock.now()), principal.name)
    if request.dry_run:
        return ActionOutcome.of(action, action.dry_run(arguments, context), dry_run=True)
    if action.risk is Risk.APPROVAL and not request.approve:
        raise NeedsApproval(f"{name} needs a person's approval.")
    result = action.run(arguments, context)
    env.audit.append(principal.name, "catalog.acted", name, auditable(action.params, arguments))
    if action.undo is not None:
        env.changes.record(principal.name, name, result.undo_arguments)
    return ActionOutcome.of(action, result, dry_run=False)


def auditable(params: tuple[Param, ...], arguments: Arguments) -> dict[str, object]:
    """Return the arguments for the audit chain, with free text replaced by its hash."""
    free = {param.name for param in params if param.type == "string" and not param.choices}
    return {
        name: f"sha256:{sha256_hex(str(value).encode())[:16]}" if name in free else value
        for name, value in arguments.items()
    }
