"""The bypass and the live rules, which every process of a fleet shares."""

from typing import Any

from pydantic import TypeAdapter

from trimtab.guardrails.bypass import BypassState
from trimtab.guardrails.rules import GuardRules
from trimtab.guardrails.service import Guardrails
from trimtab.infra.fleet import Fleet


def share_state(fleet: Fleet, guardrails: Guardrails) -> None:
    """Put a bypass or a change of the rules in force in every process."""
    states, rules = TypeAdapter(BypassState | None), TypeAdapter(GuardRules)
    bypass, live = guardrails.bypass, guardrails.rules

    def bypass_state() -> Any:
        return states.dump_python(bypass.state, mode="json")

    def rules_in_force() -> Any:
        found = rules.dump_python(live.current, mode="json")
        found.pop("fact_check_seconds", None)  # It follows from the timeout.
        return found

    fleet.share(
        "guardrails.bypass", bypass_state, lambda value: bypass.adopt(states.validate_python(value))
    )
    fleet.share(
        "guardrails.rules", rules_in_force, lambda value: live.restore(rules.validate_python(value))
    )
