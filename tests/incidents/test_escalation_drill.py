"""The escalation matrix of the incident procedures, drilled: each condition calls its team over a real receiver.

The record of the delivery proves who was called: the message to the team is `delivered` on the channel, and the receiver has it.
"""

import json
from dataclasses import dataclass

import httpx
import pytest

from tests.incidents.operator import make_operator
from tests.incidents.test_diagnose import without_fixes
from tests.incidents.world import PAGE, PUMP, TAP
from tests.infra.test_notification_channels import Receiver
from trimtab.incidents import State
from trimtab.infra.notify.channels import SlackChannel
from trimtab.infra.notify.deliveries import DeliveryState
from trimtab.infra.notify.delivery import Delivery, Reach
from trimtab.infra.notify.pagerduty import PagerDutyChannel

AOPS = PAGE.replace("ladder: knowledge", "ladder: agentops")
MINUTE = 60.0


@dataclass(frozen=True)
class Condition:
    """A row of the matrix: what happens, and who is called."""

    team: str
    page: str
    world: dict
    proven: bool = False
    minutes: float = 0.0
    """Minutes until the call is due; 0 when the incident is escalated at once."""


def natured(nature):
    return without_fixes(AOPS.replace("nature=infrastructure", f"nature={nature}"))


CONDITIONS = {
    "AOPS-15": Condition("ML Team Lead", AOPS, {"tap": 1, "broken": ["refill"]}, proven=True),
    "AOPS-16": Condition(
        "Engineering Manager",
        without_fixes(AOPS.replace("severity: P2", "severity: P1")),
        {},
        minutes=60,
    ),
    "AOPS-17": Condition("Data Engineering Team Lead", natured("upstream"), {"pump": 0}),
    "AOPS-18": Condition("Platform Engineering", natured("infrastructure"), {"pump": 0}),
    "AOPS-19": Condition("Security Team", natured("security"), {"pump": 0}),
}


def drill(folder, condition, slack, pagerduty):
    """Let the condition come true and deliver what was written; return the operator and its incident."""
    operator = make_operator(folder, page=condition.page)
    if condition.proven:
        operator.prove(TAP, PUMP)
    with httpx.Client(timeout=5) as client:
        channels = [SlackChannel(slack, client), PagerDutyChannel(pagerduty, "key", client)]
        object.__setattr__(operator.context, "reach", Reach(channels))
        operator.world.put(level=1, **condition.world)
        incident = operator.fire()
        operator.jobs.run(until=lambda: is_due(operator, incident, condition))
        Delivery(operator.outbox, channels, operator.clock).deliver_due()
    return operator, incident


def is_due(operator, incident, condition):
    if condition.minutes:
        return operator.clock.monotonic() > condition.minutes * MINUTE
    return operator.incidents.get(incident.id).state is State.ESCALATED


def delivered(operator, incident, team):
    """Return the channels on which the message to the team counts as delivered."""
    known = operator.outbox.about(incident.id)
    (wanted,) = [number for number, each in enumerate(known, 1) if each.channel == f"@{team}"]
    found = operator.outbox.deliveries.of(wanted)
    return [name for name, each in found.items() if each.state is DeliveryState.DELIVERED]


@pytest.mark.feature("F389", "F390", "F391", "F392", "F393")
@pytest.mark.parametrize("name", CONDITIONS)
def test_the_record_of_the_delivery_proves_who_was_called(tmp_path, name):
    condition, slack, pagerduty = CONDITIONS[name], Receiver(), Receiver()
    with slack.serve() as chat, pagerduty.serve() as pager:
        operator, incident = drill(tmp_path, condition, chat, pager)
    assert condition.team in operator.incidents.get(incident.id).episode.called
    assert delivered(operator, incident, condition.team) == ["slack"]
    texts = [json.loads(body)["text"] for _, _, body in slack.got]
    others = {each.team for each in CONDITIONS.values()} - {condition.team, "ML Team Lead"}
    assert [text for text in texts if text.startswith(f"*@{condition.team}*")]
    assert not [text for text in texts for team in others if text.startswith(f"*@{team}*")]
    journal = [text for text in operator.texts(incident.id) if condition.team in text]
    assert journal
    assert not [text for text in journal if "could not be called" in text]
    assert [json.loads(body)["event_action"] for _, _, body in pagerduty.got][:1] == ["trigger"]


def test_a_team_whose_channel_refuses_is_not_recorded_as_called(tmp_path):
    condition, slack, pagerduty = CONDITIONS["AOPS-18"], Receiver(), Receiver()
    slack.status = 500
    with slack.serve() as chat, pagerduty.serve() as pager:
        operator, incident = drill(tmp_path, condition, chat, pager)
    assert delivered(operator, incident, condition.team) == []
