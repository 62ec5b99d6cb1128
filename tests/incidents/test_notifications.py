"""Whether somebody was told is said from delivery records, and nothing else."""

import pytest

from tests.incidents.channels import Pager
from tests.incidents.operator import make_operator
from tests.incidents.world import PAGE
from trimtab.incidents import State
from trimtab.infra.notify import Kind, Reach
from trimtab.infra.notify.channels import LogChannel
from trimtab.infra.notify.delivery import Delivery


def paged_page(severity="P1"):
    return PAGE.replace("severity: P2", f"severity: {severity}")


def escalated(tmp_path, *channels, severity="P1"):
    """Return an operator whose incident was handed over, with its delivery on these channels."""
    operator = make_operator(tmp_path, page=paged_page(severity))
    object.__setattr__(operator.context, "reach", Reach(channels))
    operator.world.put(level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    delivery = Delivery(operator.outbox, channels, operator.clock, operator.incidents.note_receipt)
    return operator, incident.id, delivery


def statuses(operator, incident_id):
    return {call.status for call in operator.incidents.notifications(incident_id)}


def test_without_a_channel_nobody_was_called_and_every_text_says_so(tmp_path):
    operator, incident_id, delivery = escalated(tmp_path, LogChannel())
    delivery.deliver_due()
    assert statuses(operator, incident_id) == {"no_channel"}
    assert not operator.incidents.people_told(incident_id)
    texts = operator.texts(incident_id)
    assert any("could not be called: new incident. No on-call channel" in text for text in texts)
    assert not any(text.startswith(("Called", "Paging", "Delivered")) for text in texts)
    report = operator.incidents.postmortem(incident_id)
    assert "On-Call Engineer: not notified, no on-call channel is configured" in report
    assert "Configure an on-call channel" in report
    calls = len(operator.incidents.notifications(incident_id))
    assert f"{calls} calls had no on-call channel" in report


def test_a_call_counts_as_delivered_only_when_a_channel_has_accepted_it(tmp_path):
    pager = Pager()
    operator, incident_id, delivery = escalated(tmp_path, LogChannel(), pager)
    assert statuses(operator, incident_id) == {"waiting"}
    assert any(
        text == "Paging On-Call Engineer through pager: new incident."
        for text in operator.texts(incident_id)
    )
    while delivery.deliver_due():
        pass
    assert statuses(operator, incident_id) == {"accepted"}
    assert operator.incidents.people_told(incident_id)
    first = operator.incidents.notifications(incident_id)[0]
    assert first.text.startswith("On-Call Engineer: page accepted by pager at ")
    delivered = [text for text in operator.texts(incident_id) if text.startswith("Delivered to")]
    assert "Delivered to pager: On-Call Engineer: new incident." in delivered
    assert "Delivered to pager: the alert." in delivered
    assert len(delivered) == len(set(delivered))
    assert "no on-call channel" not in operator.incidents.postmortem(incident_id)


def test_a_channel_that_refuses_is_named_until_it_accepts(tmp_path):
    pager = Pager(broken=True)
    operator, incident_id, delivery = escalated(tmp_path, pager)
    delivery.deliver_due()
    assert statuses(operator, incident_id) == {"failed"}
    assert not operator.incidents.people_told(incident_id)
    (call, *_) = operator.incidents.notifications(incident_id)
    assert call.text == "On-Call Engineer: page not accepted by pager"
    assert "The pager answered 503." in " ".join(operator.texts(incident_id))
    pager.broken = False
    operator.clock.advance(600)
    delivery.deliver_due()
    assert statuses(operator, incident_id) == {"accepted"}


def test_one_channel_that_accepts_is_enough_beside_one_that_fails(tmp_path):
    broken, well = Pager("broken", broken=True), Pager("well")
    operator, incident_id, delivery = escalated(tmp_path, broken, well)
    delivery.deliver_due()
    (call, *_) = operator.incidents.notifications(incident_id)
    assert (call.status, call.failed) == ("accepted", ("broken",))
    assert [name for name, _ in call.accepted] == ["well"]


def test_p3_pages_nobody_and_is_written_to_the_channel(tmp_path):
    operator, incident_id, _ = escalated(tmp_path, Pager(), severity="P3")
    messages = operator.outbox.about(incident_id)
    assert not [m for m in messages if m.kind is Kind.PAGE or m.channel.startswith("@")]
    assert [m for m in messages if m.kind is Kind.ESCALATION and m.channel == "#incidents"]
    assert "P3 is never paged; written to pager." in " ".join(operator.texts(incident_id))
    clocks = operator.incidents.clocks(incident_id)
    assert all(clock.started_at for clock in clocks)


@pytest.mark.parametrize("severity", ["P0", "P1", "P2"])
def test_everything_above_p3_pages(tmp_path, severity):
    operator, incident_id, _ = escalated(tmp_path, Pager(), severity=severity)
    assert [m for m in operator.outbox.about(incident_id) if m.kind is Kind.PAGE]


def test_a_reopened_incident_counts_its_own_calls(tmp_path):
    operator, incident_id, _ = escalated(tmp_path, Pager())
    calls = operator.incidents.notifications(incident_id)
    operator.context.store.change(
        incident_id, lambda fresh: fresh.updated(number=2), operator.clock.now()
    )
    assert calls
    assert operator.incidents.notifications(incident_id) == ()
