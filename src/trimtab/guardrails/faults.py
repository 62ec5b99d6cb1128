"""Faults for drills: a guard that fails, a guard that hangs."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from trimtab.guardrails.errors import GuardUnavailable
from trimtab.guardrails.guard import Guard, GuardConfig, Subject
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.service import Guardrails
from trimtab.guardrails.verdicts import Decision, Judgement
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value

_BECAUSE = "a stand-in fails in the place of the guard; the guard itself is not broken"
_GUARDS = ("hallucination", "facts", "ethics", "pii", "secrets", "injection", "passages")


@dataclass(frozen=True, slots=True)
class _Broken:
    name: str

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        raise GuardUnavailable("A drill broke this guard.")


@dataclass(frozen=True, slots=True)
class _Stuck:
    name: str
    released: threading.Event

    def check(self, subject: Subject, rules: GuardRules) -> Judgement:
        self.released.wait(600)
        return Judgement(Decision.ALLOW)


def faults(guardrails: Guardrails) -> tuple[Fault, ...]:
    """Return all faults of the guardrails domain."""
    released = threading.Event()

    def fail(given: Arguments) -> Mapping[str, Value]:
        _replace_guard(guardrails, _Broken(str(given["guard"])))
        return {}

    def hang(given: Arguments) -> Mapping[str, Value]:
        released.clear()
        _replace_guard(guardrails, _Stuck(str(given["guard"]), released))
        return {}

    def restore(_: Mapping[str, Value]) -> None:
        released.set()
        guardrails.restart()

    param = Param("guard", "string", "Which guard.", "facts", choices=_GUARDS)
    return (
        Fault(
            "guardrails.guard.fail",
            "Make a guard fail on every text.",
            fail,
            restore,
            (param,),
            realism=Realism.SIMULATED,
            simulated_because=_BECAUSE,
        ),
        Fault(
            "guardrails.guard.hang",
            "Make a guard never answer.",
            hang,
            restore,
            (param,),
            realism=Realism.SIMULATED,
            simulated_because=_BECAUSE,
        ),
    )


def _replace_guard(guardrails: Guardrails, guard: Guard) -> None:
    for engine in guardrails.engines.values():
        if any(config.guard.name == guard.name for config in engine.configs):
            engine.replace([_with_guard(config, guard) for config in engine.configs])


def _with_guard(config: GuardConfig, guard: Guard) -> GuardConfig:
    return replace(config, guard=guard) if config.guard.name == guard.name else config
