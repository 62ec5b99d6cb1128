"""Gathers what every domain can measure, do and break in one catalog."""

from typing import TYPE_CHECKING

from trimtab.answers.actions import actions as answer_actions
from trimtab.answers.faults import faults as answer_faults
from trimtab.answers.signals import signals as answer_signals
from trimtab.app.background import background_tasks
from trimtab.app.erasure_fault import erasure_fault
from trimtab.gates.actions import actions as gates_actions
from trimtab.gates.faults import faults as gates_faults
from trimtab.gates.signals import signals as gates_signals
from trimtab.guardrails.actions import actions as guardrails_actions
from trimtab.guardrails.faults import faults as guardrails_faults
from trimtab.guardrails.signals import signals as guardrails_signals
from trimtab.incidents import IncidentStore
from trimtab.incidents import signals as incident_signals
from trimtab.infra.background import background_signals
from trimtab.infra.changes import actions as change_actions
from trimtab.infra.changes import signals as change_signals
from trimtab.infra.notify import actions as notify_actions
from trimtab.kernel.operable import Catalog
from trimtab.knowledge.actions import actions as knowledge_actions
from trimtab.knowledge.faults import faults as knowledge_faults
from trimtab.knowledge.signals import signals as knowledge_signals

if TYPE_CHECKING:
    from trimtab.app.compose import App


def gather_catalog(app: "App", store: IncidentStore) -> Catalog:
    """Return the catalog of the app, whose domains are open already."""
    return Catalog(
        signals=(
            *knowledge_signals(app.knowledge),
            *answer_signals(app.answers, app.changes),
            *change_signals(app.changes),
            *guardrails_signals(app.guardrails),
            *gates_signals(app.gates),
            *incident_signals(store, app.outbox, app.clock),
            *app.vitals.signals(),
            *app.normal.signals(),
            *background_signals(lambda: background_tasks(app), app.clock),
        ),
        actions=(
            *knowledge_actions(app.knowledge),
            *answer_actions(app.answers),
            *guardrails_actions(app.guardrails),
            *gates_actions(app.gates),
            *notify_actions(app.outbox, app.clock),
            *change_actions(app.changes, lambda: app.catalog),
        ),
        faults=(
            *knowledge_faults(app.knowledge, app.clock),
            *answer_faults(app.answers, app.clock, app.changes),
            erasure_fault(app.knowledge, lambda: app.erasures),
            *guardrails_faults(app.guardrails),
            *gates_faults(app.gates),
        ),
    )
