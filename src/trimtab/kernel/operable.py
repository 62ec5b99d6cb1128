"""Catalog of signals, actions and faults, through which operator and services meet.

Each service domain publishes three things about itself: what can be measured (`Signal`), what can
be done (`Action`) and how it can be broken (`Fault`). `app.py` gathers them in one `Catalog`;
command line, HTTP API, runbooks and drills are all made from it, so a new action is written once.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Literal, TypeVar

from trimtab.kernel.errors import InvalidInput, NotFound
from trimtab.kernel.roles import Role

NAME = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")
"""``domain.thing`` or ``domain.thing.aspect``, lower case."""

ParamType = Literal["string", "integer", "number", "boolean"]
Value = str | int | float | bool
Arguments = Mapping[str, Value]


class Risk(StrEnum):
    """Approval that is required before an action runs."""

    OBSERVE = "observe"
    """Changes nothing."""
    AUTOMATIC = "automatic"
    """Reversible or repeatable; the machine may run it by itself."""
    APPROVAL = "approval"
    """A person decides; no answer means no."""


class Effect(StrEnum):
    """Class of an action's effect: reversible, repeatable or irreversible."""

    REVERSIBLE = "reversible"
    """Has an undo that restores the former state."""
    REPEATABLE = "repeatable"
    """Loses no state, such as a restart, a reload or an evicted cache; there is nothing to take
    back.
    """
    IRREVERSIBLE = "irreversible"
    """Loses or overwrites state for good; a person decides always."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value. NaN means "cannot be said now" and is not exported."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that can be measured.

    ``metric`` is the name in PromQL and at ``/metrics``; by default the signal's name with
    underscores for dots. ``read`` must be cheap (under a millisecond) and must not raise: it is
    called at each scrape.
    """

    name: str
    unit: str
    help: str
    read: Callable[[], Iterable[Sample]]
    labels: tuple[str, ...] = ()
    metric: str = ""
    counter: bool = False
    """True when the value only grows (``rate`` and ``increase`` make sense)."""

    @property
    def metric_name(self) -> str:
        """Return the name in PromQL."""
        return self.metric or self.name.replace(".", "_")


@dataclass(frozen=True, slots=True)
class Param:
    """A typed parameter of an action or fault. A parameter without default is required."""

    name: str
    type: ParamType
    help: str
    default: Value | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionContext:
    """Identity of the run that an action is part of."""

    idempotency_key: str
    """The same key means the same intended effect: after a crash the step may run again and must
    not do it twice.
    """
    actor: str
    """Who asked: an API key's name, or ``runbook:<id>``."""
    component: str = ""
    """What the incident is about, such as a model; empty when a person asks."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """Result of an action."""

    summary: str
    """One sentence in the past tense, or in the conditional for a dry run."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready details for the journal."""
    undo_arguments: Arguments | None = None
    """What `Action.undo` needs to put the former state back; None when nothing was changed."""
    changes: bool = True
    """False when nothing was changed; of a dry run, when nothing would be. Such an act is neither
    run nor a repair.
    """


Run = Callable[[Arguments, ActionContext], ActionResult]


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done to the service.

    ``run`` receives checked arguments with the defaults filled in. It is idempotent under the
    context's key. ``undo`` receives the ``undo_arguments`` of the result; an action without undo
    says why in ``no_undo_because``. ``dry_run`` says what would change, and changes nothing.
    ``effect`` is stated by every action that changes something. ``role`` is the least role that may
    ask for it, also as part of a plan that is approved: that of the route with the same effect.
    """

    name: str
    help: str
    risk: Risk
    run: Run
    dry_run: Run
    params: tuple[Param, ...] = ()
    undo: Run | None = None
    no_undo_because: str = ""
    effect: Effect | None = field(default=None, kw_only=True)
    limit_seconds: float = field(default=600.0, kw_only=True)
    """How long a run may take, also over a restart; then it counts as failed, with an unknown
    effect.
    """
    role: Role = field(default=Role.OPERATOR, kw_only=True)

    @property
    def effect_class(self) -> Effect:
        """Return the stated class of the effect.

        An action that only observes is repeatable, one that states no class irreversible.
        """
        observed = Effect.REPEATABLE if self.risk is Risk.OBSERVE else Effect.IRREVERSIBLE
        return self.effect or observed


class Realism(StrEnum):
    """Degree of realism of a fault: real or simulated."""

    REAL = "real"
    """The outside world can produce it in the same way: a killed process, a changed file, a cut
    connection.
    """
    SIMULATED = "simulated"
    """Something inside the service stands for the failure; a repair may work here and not in life.
    """


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break the service, for drills only. No request path may reach one.

    ``inject`` returns what ``restore`` needs to put everything back; ``restore`` may be called more
    than once. A simulated fault says in ``simulated_because`` why it cannot be real.
    """

    name: str
    help: str
    inject: Callable[[Arguments], Mapping[str, Value]]
    restore: Callable[[Mapping[str, Value]], None]
    params: tuple[Param, ...] = ()
    realism: Realism = field(kw_only=True)
    simulated_because: str = ""


def combined_realism(faults: Iterable[Fault]) -> tuple[Realism, str]:
    """Return the realism of a drill of these faults, with reasons.

    One simulated fault makes the drill simulated.
    """
    reasons = [
        f"{fault.name}: {fault.simulated_because}"
        for fault in faults
        if fault.realism is Realism.SIMULATED
    ]
    return (Realism.SIMULATED if reasons else Realism.REAL), "; ".join(reasons)


class UnknownName(NotFound):
    """No signal, action or fault has that name."""

    code = "catalog.unknown_name"


class BadArguments(InvalidInput):
    """The arguments do not fit the parameters."""

    code = "catalog.bad_arguments"


class Catalog:
    """Everything that can be measured, done and broken, by name.

    Raises:
        ValueError: A name is malformed or used twice, a metric name is used twice, an action has
        neither undo nor
            a reason for having none, an action contradicts its class, or a simulated fault has no
            reason. These are mistakes in the program, found at start.
    """

    def __init__(
        self,
        signals: Iterable[Signal] = (),
        actions: Iterable[Action] = (),
        faults: Iterable[Fault] = (),
    ) -> None:
        self.signals = _index(signals)
        self.actions = _index(actions)
        self.faults = _index(faults)
        metrics = [signal.metric_name for signal in self.signals.values()]
        doubled = {metric for metric in metrics if metrics.count(metric) > 1}
        if doubled:
            raise ValueError(f"two signals share a metric name: {sorted(doubled)}")
        for action in self.actions.values():
            if problem := _contradiction(action):
                raise ValueError(f"action {action.name} {problem}")
        for fault in self.faults.values():
            if (fault.realism is Realism.SIMULATED) != bool(fault.simulated_because.strip()):
                raise ValueError(
                    f"fault {fault.name} is {fault.realism}: a simulated fault gives the reason, "
                    "and only a simulated one"
                )

    def signal(self, name: str) -> Signal:
        """Return the signal, or raise `UnknownName` with the nearest names."""
        return _find(self.signals, name, "signal")

    def action(self, name: str) -> Action:
        """Return the action, or raise `UnknownName` with the nearest names."""
        return _find(self.actions, name, "action")

    def role_for(self, actions: Iterable[str]) -> Role:
        """Return the least role that may ask for all of these actions; raises `UnknownName`."""
        role = Role.OPERATOR
        for name in actions:
            needed = self.action(name).role
            role = needed if needed.includes(role) else role
        return role

    def fault(self, name: str) -> Fault:
        """Return the fault, or raise `UnknownName` with the nearest names."""
        return _find(self.faults, name, "fault")


_Entry = TypeVar("_Entry", Signal, Action, Fault)


def _index(entries: Iterable[_Entry]) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    for entry in entries:
        if not NAME.match(entry.name):
            raise ValueError(f"{entry.name!r} is not a name of the form domain.thing")
        if entry.name in found:
            raise ValueError(f"{entry.name} is defined twice")
        found[entry.name] = entry
    return found


def _contradiction(action: Action) -> str:
    """Return what an action says about itself that cannot all be true, or an empty text."""
    observes = action.risk is Risk.OBSERVE
    if action.undo is None and not action.no_undo_because and not observes:
        return "has no undo and does not say why"
    if action.effect is None and not observes:
        return "does not state its class: reversible, repeatable or irreversible"
    if action.effect is Effect.REVERSIBLE and action.undo is None:
        return "is called reversible and has no undo"
    if action.effect is not Effect.REVERSIBLE and action.undo is not None:
        return f"is called {action.effect_class} and has an undo"
    if action.effect is Effect.IRREVERSIBLE and action.risk is not Risk.APPROVAL:
        return f"is irreversible and of risk {action.risk}: a person has to decide"
    return ""


def _find(entries: Mapping[str, _Entry], name: str, kind: str) -> _Entry:
    if name in entries:
        return entries[name]
    near = get_close_matches(name, entries, n=3)
    hint = (
        f"Did you mean {' or '.join(near)}?"
        if near
        else f"`trimtab {_LISTS[kind]} --list` lists them."
    )
    raise UnknownName(f"There is no {kind} named {name!r}.", hint=hint)


_LISTS = {"signal": "read", "action": "act", "fault": "fault"}


def check_arguments(params: Iterable[Param], given: Mapping[str, object]) -> dict[str, Value]:
    """Return the arguments converted to their types, with defaults filled in.

    Text is converted (``"5"`` to 5, ``"true"`` to True), because runbooks and command lines hold
    text.

    Raises:
        BadArguments: An argument is unknown, missing, of the wrong type, out of range or not among
        the choices.
    """
    by_name = {param.name: param for param in params}
    unknown = sorted(set(given) - set(by_name))
    if unknown:
        raise BadArguments(
            f"Unknown argument {unknown[0]!r}.",
            hint=f"It takes: {', '.join(by_name) or 'no arguments'}.",
        )
    checked: dict[str, Value] = {}
    for param in by_name.values():
        if param.name in given:
            checked[param.name] = _validate(param, given[param.name])
        elif param.default is None:
            raise BadArguments(
                f"Argument {param.name!r} is missing.", hint=f"{param.name}: {param.help}"
            )
        else:
            checked[param.name] = param.default
    return checked


def _validate(param: Param, raw: object) -> Value:
    value = _convert(param, raw)
    if param.choices and value not in param.choices:
        raise BadArguments(
            f"{param.name}={value!r} is not allowed.",
            hint=f"Choose one of: {', '.join(param.choices)}.",
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        low = -math.inf if param.minimum is None else param.minimum
        high = math.inf if param.maximum is None else param.maximum
        if not low <= value <= high:
            raise BadArguments(
                f"{param.name}={value} is out of range.", hint=f"Give {low} to {high}."
            )
    return value


_TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def _convert(param: Param, raw: object) -> Value:
    text = str(raw)
    try:
        match param.type:
            case "string":
                return text
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return _TRUTH[text.lower()]
    except (ValueError, KeyError):
        raise BadArguments(
            f"{param.name}={text!r} is not of type {param.type}.",
            hint=f"{param.name}: {param.help}",
        ) from None
