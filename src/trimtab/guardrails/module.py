"""Builds the guardrails domain."""

from trimtab.guardrails.actions import actions
from trimtab.guardrails.faults import faults
from trimtab.guardrails.service import Guardrails
from trimtab.guardrails.shared import share_state
from trimtab.guardrails.signals import signals
from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.kernel.personal_data import ErasureStep
from trimtab.kernel.tasks import ScheduledTask


def build(env: Environment) -> Module:
    """Construct the guards with their signals, actions, faults and tasks."""
    guardrails = Guardrails(env.settings.guardrails, env.clock, env.audit)
    # Cache entries have no owner, so an erasure clears all of them and reports a count of 0.
    texts = ErasureStep("guardrails.texts", lambda _: 0, lambda _: guardrails.clear_cache())
    env.fleet.on_forget("guardrails.texts", guardrails.clear_cache)
    share_state(env.fleet, guardrails)
    look = guardrails.rules_file.look
    return Module(
        "guardrails",
        guardrails,
        signals=signals(guardrails),
        actions=actions(guardrails),
        faults=faults(guardrails),
        personal_data=(texts,),
        scheduled=(ScheduledTask("read the guards' rules file", 5.0, look, each_process=True),),
        close=(guardrails.close,),
    )
