from datetime import timedelta
from pathlib import Path

import pytest

from tests.incidents.operator import make_operator
from tests.incidents.records import START, drift_incident
from tests.incidents.world import PAGE, TAP
from trimtab.incidents import State
from trimtab.incidents.clocks import read_clocks
from trimtab.incidents.errors import LaddersRefused
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.model import IncidentSeverity
from trimtab.infra.notify import Kind
from trimtab.runbooks.page import parse_page

LADDERS = load_ladders()
MINUTE, HOUR = 60, 3600


def limits(severity):
    """Return the limits of triage, investigation and resolution."""
    clocks = read_clocks(drift_incident(severity=severity), LADDERS["agentops"], START)
    return [clock.limit_seconds for clock in clocks[:3]]


@pytest.mark.feature("F330", "F331", "F332", "F333", "F334", "F335", "F336", "F337", "F338")
def test_the_response_times_are_the_documents():
    assert limits(IncidentSeverity.P0) == limits(IncidentSeverity.P1)
    assert limits(IncidentSeverity.P1) == [5 * MINUTE, 10 * MINUTE, 2 * HOUR]
    assert limits(IncidentSeverity.P2) == [15 * MINUTE, 30 * MINUTE, 8 * HOUR]
    assert limits(IncidentSeverity.P3) == [1 * HOUR, 4 * HOUR, 24 * HOUR]


@pytest.mark.feature("F339")
def test_each_clock_runs_from_its_own_start_to_its_own_end():
    clocks = read_clocks(drift_incident(), LADDERS["agentops"], START + timedelta(days=1))
    assert [(clock.name, clock.elapsed_seconds, clock.breached) for clock in clocks] == [
        ("triage", 1 * MINUTE, False),
        ("investigation", 7 * MINUTE, False),
        ("resolution", 37 * MINUTE, False),
        ("escalation", 45 * MINUTE, False),
    ]


def test_a_clock_that_ran_over_says_so_while_it_runs_and_after():
    incident = drift_incident(triaged_at=None, diagnosed_at=None, restored_at=None)
    triage, investigation, *_ = read_clocks(
        incident, LADDERS["agentops"], START + timedelta(minutes=6)
    )
    assert triage.breached
    assert (investigation.started_at, investigation.breached) == (None, False)


def rungs(name, severity, minutes):
    incident = drift_incident(severity=severity, restored_at=None)
    return [rung.role for rung in LADDERS[name].due(incident, timedelta(minutes=minutes))]


@pytest.mark.feature("F302", "F303", "F304", "F305")
def test_the_hybrid_ladder_climbs_at_15_30_and_60_minutes():
    assert rungs("hybrid", IncidentSeverity.P2, 0) == ["On-Call Engineer"]
    assert rungs("hybrid", IncidentSeverity.P2, 15)[-1] == "Engineering Manager"
    assert rungs("hybrid", IncidentSeverity.P2, 30)[-1] == "VP Engineering"
    assert rungs("hybrid", IncidentSeverity.P2, 60)[-1] == "CTO"


@pytest.mark.feature("F735", "F726")
def test_the_knowledge_ladder_climbs_at_15_minutes_one_hour_and_four():
    assert "Team Lead" not in rungs("knowledge", IncidentSeverity.P1, 14)
    assert rungs("knowledge", IncidentSeverity.P1, 15)[-1] == "Team Lead"
    assert rungs("knowledge", IncidentSeverity.P1, 60)[-1] == "Engineering Manager"
    assert rungs("knowledge", IncidentSeverity.P1, 240)[-1] == "CTO"


@pytest.mark.feature("F737")
def test_when_the_primary_does_not_resolve_it_the_secondary_is_called_too():
    assert rungs("knowledge", IncidentSeverity.P0, 4) == ["On-Call Engineer"]
    assert rungs("knowledge", IncidentSeverity.P0, 5) == [
        "On-Call Engineer",
        "Secondary On-Call Engineer",
    ]


@pytest.mark.feature("F732")
def test_a_failed_integrity_check_is_told_to_slack_and_pages_at_once(tmp_path):
    page = PAGE.replace("severity: P2", "severity: P0\nsystem: KB")
    operator = make_operator(tmp_path, page=page)
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: bool(operator.incidents.get(incident.id).episode.called))
    told = {(m.channel, m.kind) for m in operator.outbox.about(incident.id)}
    assert {("#incidents", Kind.ALERT), ("#on-call", Kind.PAGE)} <= told


@pytest.mark.feature("F736")
def test_critical_data_loss_goes_to_the_cto_whatever_the_clock_says(tmp_path):
    page = PAGE.rstrip() + "\n```sh event=data_loss\ntrimtab check 'tank_level == 1'\n```\n"
    operator = make_operator(tmp_path, page=page)
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.clock.monotonic() > 10 * MINUTE)
    assert operator.incidents.get(incident.id).episode.called[0] == "CTO"
    assert [m.channel for m in operator.outbox.about(incident.id) if m.channel[0] == "@"] == [
        "@CTO"
    ]


@pytest.mark.feature("F736")
def test_the_pages_that_know_of_lost_data_send_it_to_the_cto():
    page = Path(__file__).parents[2] / "library" / "knowledge-database-corruption.md"
    book = parse_page(page.read_text(encoding="utf-8"), page.name)
    lost = [check.expression for check in book.escalate_when if check.event == "data_loss"]
    assert "kb_restore_lost_ratio > 0.1" in lost
    assert LADDERS[book.ladder].when["data_loss"] == "CTO"


@pytest.mark.feature("F390")
def test_a_p1_that_is_unresolved_for_an_hour_goes_to_the_engineering_manager():
    assert rungs("agentops", IncidentSeverity.P1, 59) == []
    assert rungs("agentops", IncidentSeverity.P1, 60) == ["Engineering Manager"]
    assert rungs("agentops", IncidentSeverity.P2, 600) == []


def test_some_natures_of_causes_have_a_team_of_their_own():
    when = LADDERS["agentops"].when
    assert when["upstream"] == "Data Engineering Team Lead"
    assert when["infrastructure"] == "Platform Engineering"
    assert when["security"] == "Security Team"


@pytest.mark.parametrize(
    "text",
    ["[", "a: 1", "a: {rungs: []}", "a: {system: X, rungs: [{who: B, after: soon}]}"],
)
def test_ladders_that_cannot_be_read_are_refused(tmp_path, text):
    (tmp_path / "ladders.yaml").write_text(text)
    with pytest.raises(LaddersRefused):
        load_ladders(str(tmp_path / "ladders.yaml"))


def test_a_rung_without_a_readable_time_is_named(tmp_path):
    (tmp_path / "ladders.yaml").write_text("a: {system: X, rungs: [{who: B, after: soon}]}")
    with pytest.raises(LaddersRefused, match="'soon' is not a duration such as 15m"):
        load_ladders(str(tmp_path / "ladders.yaml"))


def test_a_runbook_with_an_unknown_ladder_stops_the_start(tmp_path):
    with pytest.raises(LaddersRefused, match=r"tank\.md: unknown ladder 'rope'"):
        make_operator(tmp_path, page=PAGE.replace("ladder: knowledge", "ladder: rope"))


def test_while_nobody_answers_the_ladder_goes_on_calling(operator):
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.clock.monotonic() > 5 * HOUR)
    done = operator.incidents.get(incident.id)
    assert done.state is State.ESCALATED
    assert done.episode.called == ("Team Lead", "Engineering Manager", "On-Call Engineer", "CTO")
    called = [m.channel for m in operator.outbox.about(incident.id) if m.channel.startswith("@")]
    assert called == ["@Team Lead", "@Engineering Manager", "@On-Call Engineer", "@CTO"]


@pytest.mark.feature("F389")
def test_a_failed_fix_is_told_to_the_ml_team_lead(tmp_path):
    operator = make_operator(tmp_path, page=PAGE.replace("ladder: knowledge", "ladder: agentops"))
    operator.prove(TAP)
    operator.world.put(tap=1, level=1, broken=["refill"])
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is State.ESCALATED)
    told = [m.text for m in operator.outbox.about(incident.id) if m.channel == "@ML Team Lead"]
    assert "ML Team Lead: the fix for tank-empty/the-tap-is-open failed" in told[0]


def test_an_escalation_check_that_holds_calls_once(tmp_path):
    page = PAGE.rstrip() + "\n```sh\ntrimtab check 'tank_level == 1'\n```\n"
    operator = make_operator(tmp_path, page=page)
    operator.world.put(pump=0, level=1)
    incident = operator.fire()
    operator.jobs.run(until=lambda: operator.clock.monotonic() > 10 * MINUTE)
    held = [text for text in operator.texts(incident.id) if "`tank_level == 1` holds" in text]
    assert held == [
        "On-Call Engineer could not be called: `tank_level == 1` holds. No on-call channel is configured."
    ]
