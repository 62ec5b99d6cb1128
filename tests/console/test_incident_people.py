"""The forms by which people work on an incident."""

import pytest

from trimtab.infra.auth import Role


@pytest.fixture
def post(tank):
    """Send a form of a waiting incident's page as an operator; return the text of the panel."""
    incident = tank.waiting()
    client = tank.client(Role.OPERATOR)

    def send(form, **fields):
        reply = client.post(f"/console/incidents/{incident.id}/{form}", data=fields)
        assert reply.status_code == 200, reply.text
        return reply.text

    return send


def test_a_person_acknowledges_assigns_takes_over_and_hands_back(post):
    assert "by test-operator until" in post("acknowledge")
    assert "<dd>Robin</dd>" in post("assign", person=" Robin ")
    assert "by test-operator; trimtab only watches" in post("take-over")
    assert "trimtab only watches" not in post("hand-back")


def test_a_person_sets_the_severity_and_it_is_selected(post):
    assert "<option selected>P0</option>" in post("severity", severity="P0")


def test_a_follow_up_is_added_and_done(post):
    text = post("follow-ups", text="Order a spare pump.")
    assert "Order a spare pump." in text
    number = text.split("/follow-ups/")[1].split("/done")[0]
    assert "done by test-operator" in post(f"follow-ups/{number}/done")


def test_a_reader_cannot_use_the_forms(tank):
    incident = tank.waiting()
    reply = tank.client().post(f"/console/incidents/{incident.id}/acknowledge")
    assert reply.status_code in (401, 403)
    assert tank.operator.incidents.get(incident.id).episode.acknowledged is None
