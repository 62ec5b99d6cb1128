"""How the guards can be broken, for drills: the real thing each time, and how to put it back."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from trimtab.guardrails.errors import GuardUnavailable
from trimtab.guardrails.guard import Guard, Post, Subject
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
    """Return every fault of the domain."""
    released = threading.Event()

    def fail(given: Arguments) -> Mapping[str, Value]:
        _swap(guardrails, _Broken(str(given["guard"])))
        return {}

    def hang(given: Arguments) -> Mapping[str, Value]:
        released.clear()
        _swap(guardrails, _Stuck(str(given["guard"]), released))
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


def _swap(guardrails: Guardrails, guard: Guard) -> None:
    for engine in guardrails.engines.values():
        if any(post.guard.name == guard.name for post in engine.posts):
            engine.replace([_at(post, guard) for post in engine.posts])


def _at(post: Post, guard: Guard) -> Post:
    return replace(post, guard=guard) if post.guard.name == guard.name else post
