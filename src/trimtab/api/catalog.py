"""Signals to read and actions to run, straight from the catalog."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import Field

from trimtab.api.body import Body
from trimtab.api.http.openapi import refuses
from trimtab.api.roles import OPERATOR, READER
from trimtab.api.services import Caller, Here
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.errors import Conflict, ErrorKind
from trimtab.kernel.ids import new_id, sha256_hex
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Param,
    Risk,
    Sample,
    Signal,
    Value,
    check_arguments,
)

router = APIRouter(prefix="/v1", tags=["catalog"], route_class=GuardedRoute)


class NeedsApproval(Conflict):
    """The action changes something that a person has to answer for."""

    code = "catalog.needs_approval"
    default_hint = "Look at the dry run first; then repeat the call with `approve` (--approve)."


class ActRequest(Body):
    """What to do."""

    arguments: dict[str, Value] = Field(default_factory=dict)
    dry_run: bool = False
    approve: bool = False
    """Required for actions of risk ``approval``: the caller answers for it."""


@router.get("/catalog", dependencies=[READER])
def catalog(here: Here) -> dict[str, object]:
    """List everything that can be measured and done."""
    return {
        "signals": [_signal_entry(signal) for signal in here.catalog.signals.values()],
        "actions": [_action_entry(action) for action in here.catalog.actions.values()],
    }


@router.get("/signals", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def read_signals(
    here: Here, name: Annotated[list[str] | None, Query()] = None
) -> dict[str, list[dict[str, object]]]:
    """Read signals now; without names, all of them."""
    names = here.catalog.signals if name is None else name
    signals = [here.catalog.signal(one) for one in names]
    return {
        "signals": [
            {**_signal_entry(one), "samples": [_sample(sample) for sample in one.read()]}
            for one in signals
        ]
    }


@router.post(
    "/actions/{name}",
    responses=refuses(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.STORAGE_FULL),
    dependencies=[OPERATOR],
)
def act(
    name: str,
    request: ActRequest,
    here: Here,
    who: Caller,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> dict[str, object]:
    """Run an action, or say what it would do. The same ``Idempotency-Key`` means the same effect."""
    action = here.catalog.action(name)
    who.require(action.role)
    arguments = check_arguments(action.params, request.arguments)
    context = ActionContext(idempotency_key or new_id("act", here.clock.now()), who.name)
    if request.dry_run:
        return _outcome(action, action.dry_run(arguments, context), dry_run=True)
    if action.risk is Risk.APPROVAL and not request.approve:
        raise NeedsApproval(f"{name} needs a person's approval.")
    result = action.run(arguments, context)
    here.audit.append(who.name, "catalog.acted", name, auditable(action.params, arguments))
    if action.undo is not None:
        here.changes.record(who.name, name, result.undo_arguments)
    return _outcome(action, result, dry_run=False)


def auditable(params: tuple[Param, ...], arguments: Arguments) -> dict[str, object]:
    """Return the arguments as the audit chain may hold them: free text only as its hash."""
    free = {param.name for param in params if param.type == "string" and not param.choices}
    return {
        name: f"sha256:{sha256_hex(str(value).encode())[:16]}" if name in free else value
        for name, value in arguments.items()
    }


def _outcome(action: Action, result: ActionResult, *, dry_run: bool) -> dict[str, object]:
    return {
        "action": action.name,
        "dry_run": dry_run,
        "summary": result.summary,
        "changes": result.changes,
        "facts": dict(result.facts),
        "undo_arguments": None if result.undo_arguments is None else dict(result.undo_arguments),
    }


def _sample(sample: Sample) -> dict[str, object]:
    value = sample.value if math.isfinite(sample.value) else None
    return {"value": value, "labels": dict(sample.labels)}


def _signal_entry(signal: Signal) -> dict[str, object]:
    return {
        "name": signal.name,
        "unit": signal.unit,
        "help": signal.help,
        "metric": signal.metric_name,
        "counter": signal.counter,
        "labels": list(signal.labels),
    }


def _action_entry(action: Action) -> dict[str, object]:
    return {
        "name": action.name,
        "help": action.help,
        "risk": str(action.risk),
        "role": str(action.role),
        "effect": str(action.effect_class),
        "params": param_entries(action.params),
        "undo": action.undo is not None,
        "no_undo_because": action.no_undo_because,
    }


def param_entries(params: tuple[Param, ...]) -> list[Mapping[str, object]]:
    """Return the parameters' wire form."""
    return [asdict(param) for param in params]
