"""Which plans ask, what they say of themselves, and who is called when they do not help."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.incidents.operator import make_operator, until
from tests.incidents.world import PAGE, PUMP, TAP
from trimtab.incidents import State
from trimtab.incidents.diagnose import diagnose, investigate
from trimtab.incidents.escalation import conditions_met
from trimtab.incidents.ladders import Ladder, Rung
from trimtab.incidents.model import Attempt, AttemptOutcome
from trimtab.incidents.plan import plan, plan_hash
from trimtab.incidents.transition import NewEntry
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.operable import Action, ActionResult, Realism, Risk
from trimtab.runbooks import Library
from trimtab.runbooks.page import parse_page

OBSERVED = PAGE.replace(
    "```sh fix\ntrimtab act tank.close_tap\n",
    "```sh fix\ntrimtab act tank.look\ntrimtab act tank.close_tap\n",
)
ONLY_OBSERVED = PAGE.replace(
    "```sh fix\ntrimtab act tank.close_tap\ntrimtab act tank.refill litres=9\n",
    "```sh fix\ntrimtab act tank.look\n",
)


def fire_with_open_tap(operator):
    operator.world.put(tap=1, level=1)
    return operator.fire()


def planning(operator):
    """Return the turn in which the operator makes a plan for the open tap."""
    incident = fire_with_open_tap(operator)
    found = investigate(operator.context, incident)
    return plan(operator.context, incident.updated(state=State.DIAGNOSED, diagnosis=found))


def planned(operator):
    return planning(operator).incident.episode.plan


def observing(operator, *, changes=True):
    """Add an action that only looks; it says of itself whether it would change anything."""
    looked = []
    operator.context.catalog.actions["tank.look"] = Action(
        "tank.look",
        "Look.",
        Risk.OBSERVE,
        lambda *_: looked.append(1) or ActionResult("Looked.", changes=False),
        lambda *_: ActionResult("would look.", changes=changes),
    )
    return looked


def test_the_blast_radius_counts_the_acts(operator):
    made = planned(operator)
    assert made.blast_radius == (
        "2 acts on tank: tank.close_tap (reversible): would do it; "
        "tank.refill (reversible): would do it."
    )


def test_one_act_is_told_as_one(operator):
    operator.world.put(pump=0, level=1)
    waiting = until(operator, operator.fire(), State.AWAITING_APPROVAL)
    assert (
        waiting.episode.plan.blast_radius
        == "1 act on tank: tank.swap_pump (repeatable): would do it."
    )


@pytest.mark.parametrize(("limit", "asks"), [(2, False), (1, True)])
def test_as_many_acts_as_the_hour_allows_run_and_one_more_asks(tmp_path, limit, asks):
    operator = make_operator(tmp_path, automatic_acts_per_hour=limit)
    operator.prove(TAP)
    assert bool(planned(operator).approval_because) is asks


@pytest.mark.parametrize(("ago", "used"), [(3600, 1), (3601, 0)])
def test_an_act_counts_for_the_budget_for_exactly_an_hour(tmp_path, ago, used):
    operator = make_operator(tmp_path, automatic_acts_per_hour=2)
    operator.prove(TAP)
    earlier = operator.fire(component="other")
    operator.context.store.begin_act(
        earlier, "key", "tank.refill", operator.clock.now(), NewEntry("a", "A.")
    )
    operator.clock.advance(ago)
    reasons = planned(operator).approval_because
    assert reasons == (("1 of 2 automatic acts used this hour",) if used else ())


@pytest.mark.parametrize(("ago", "told"), [(3600, "1 of 10"), (3601, "0 of 10")])
def test_the_journal_tells_how_many_acts_this_hour_has_had(operator, ago, told):
    operator.prove(TAP)
    earlier = operator.fire(component="other")
    operator.context.store.begin_act(
        earlier, "key", "tank.refill", operator.clock.now(), NewEntry("a", "A.")
    )
    operator.clock.advance(ago)
    (entry,) = planning(operator).entries
    assert f"and {told} automatic acts were used this hour" in entry.text


@pytest.mark.parametrize("handed_over", [True, False])
def test_the_plan_of_an_incident_that_people_have_asks(operator, handed_over):
    operator.prove(TAP)
    incident = fire_with_open_tap(operator).updated(state=State.DIAGNOSED)
    found = investigate(operator.context, incident)
    since = operator.clock.now() if handed_over else None
    transition = plan(operator.context, incident.updated(diagnosis=found, escalated_at=since))
    reasons = ("the incident was handed over to people",) if handed_over else ()
    assert transition.incident.episode.plan.approval_because == reasons


def test_a_cause_whose_drill_was_simulated_asks_and_says_why(operator):
    book, cause = operator.context.library.cause(TAP)
    operator.context.proofs.add(
        book, cause, operator.clock.now(), realism=Realism.SIMULATED, reason="no tank is here"
    )
    assert planned(operator).approval_because == (
        "the drill of this cause was simulated (no tank is here)",
    )


def test_a_fix_that_only_looks_changes_nothing_and_is_not_run(tmp_path):
    operator = make_operator(tmp_path, page=ONLY_OBSERVED)
    looked = observing(operator)
    operator.prove(TAP)
    done = until(operator, fire_with_open_tap(operator), State.ESCALATED)
    assert [attempt.outcome for attempt in done.attempts] == ["changed_nothing"]
    assert looked == []


@pytest.mark.parametrize("changes", [True, False])
def test_an_act_that_only_looks_runs_and_counts_for_no_budget(tmp_path, changes):
    operator = make_operator(tmp_path, page=OBSERVED, automatic_acts_per_hour=2)
    looked = observing(operator, changes=changes)
    operator.prove(TAP)
    done = until(operator, fire_with_open_tap(operator), State.RESOLVED)
    assert looked == [1]
    assert operator.effects() == ["close_tap", "refill"]
    assert done.episode.cause_verified
    assert not any("Skipped" in text for text in operator.texts(done.id))


def test_an_approval_is_bound_to_the_evidence_of_its_own_cause(operator):
    incident = fire_with_open_tap(operator)
    found = investigate(operator.context, incident)
    book, cause = operator.context.library.cause(TAP)

    def hashed(cause_id):
        candidates = tuple(
            replace(each, findings=tuple(replace(one, holds=None) for one in each.findings))
            if each.cause_id == cause_id
            else each
            for each in found.candidates
        )
        diagnosis = replace(found, candidates=candidates)
        return plan_hash(incident.updated(diagnosis=diagnosis), book, cause, ())

    whole = plan_hash(incident.updated(diagnosis=found), book, cause, ())
    assert hashed(TAP) != whole
    assert hashed(PUMP) == whole


def test_an_approval_is_bound_to_incident_opening_page_cause_acts_and_diagnosis(operator):
    incident = fire_with_open_tap(operator)
    incident = incident.updated(diagnosis=investigate(operator.context, incident))
    book, cause = operator.context.library.cause(TAP)
    acts = planned(operator).acts
    later = replace(
        incident.episode.diagnosis, at=incident.episode.diagnosis.at + timedelta(seconds=1)
    )
    other = operator.context.library.cause(PUMP)[1]
    changed = replace(acts[1], arguments={"litres": 10})
    attempt = Attempt(1, PUMP, AttemptOutcome.REJECTED, operator.clock.now())
    hashes = [
        plan_hash(incident, book, cause, acts),
        plan_hash(incident.updated(id="INC-1"), book, cause, acts),
        plan_hash(incident.updated(number=2), book, cause, acts),
        plan_hash(incident.updated(attempts=(attempt,)), book, cause, acts),
        plan_hash(incident.updated(diagnosis=later), book, cause, acts),
        plan_hash(incident, replace(book, text=f"{book.text} "), cause, acts),
        plan_hash(incident, book, replace(cause, id=other.id), acts),
        plan_hash(incident, book, cause, acts[:1]),
        plan_hash(incident, book, cause, (acts[0], changed)),
    ]
    assert len(set(hashes)) == len(hashes)
    assert plan_hash(incident, book, cause, acts) == hashes[0]


EVENTS = ("remediation_failed", "abstained", "barred", "not_approved", "not_verified")


def with_ladder(tmp_path, *rungs, **settings):
    """Return an operator whose ladder has a person for each event."""
    operator = make_operator(tmp_path, **settings)
    when = {event: event for event in EVENTS}
    own = Ladder("knowledge", "KB", tuple(rungs), when)
    object.__setattr__(operator.context, "ladders", {"knowledge": own})
    return operator


@pytest.mark.parametrize(
    ("world", "person"),
    [
        ({}, "abstained"),
        ({"pump": 0}, "not_approved"),
        ({"tap": 1, "broken": ["refill"]}, "remediation_failed"),
    ],
)
def test_each_reason_to_hand_over_calls_its_own_person(tmp_path, world, person):
    operator = with_ladder(tmp_path)
    operator.prove(TAP)
    operator.world.put(level=1, **world)
    assert until(operator, operator.fire(), State.ESCALATED).episode.called == (person,)


def test_a_barred_fix_calls_its_own_person(tmp_path):
    operator = with_ladder(tmp_path, barred_after=1)
    operator.prove(TAP)
    until(operator, fire_with_open_tap(operator), State.RESOLVED)
    operator.clock.advance(3600)
    assert until(operator, fire_with_open_tap(operator), State.ESCALATED).episode.called == (
        "barred",
    )


def test_an_unverified_fix_calls_its_own_person(tmp_path):
    operator = with_ladder(tmp_path)
    operator.prove(TAP)
    operator.world.put(unsampled=["tank_level"])
    found = until(operator, fire_with_open_tap(operator), State.NOT_VERIFIED)
    assert [call.role for call in operator.incidents.notifications(found.id)] == ["not_verified"]


def test_what_was_tried_in_an_earlier_opening_is_no_failure_of_this_one(tmp_path):
    operator = with_ladder(tmp_path)
    operator.world.put(level=1)
    incident = operator.fire().updated(
        state=State.TRIAGED,
        number=2,
        state_since=operator.clock.now() - timedelta(hours=1),
        attempts=(Attempt(1, TAP, AttemptOutcome.DID_NOT_HELP, operator.clock.now()),),
    )
    assert diagnose(operator.context, incident).incident.episode.called == ("abstained",)
    operator.world.put(tap=1)
    found = investigate(operator.context, incident)
    assert found.cause_id == TAP
    again = investigate(operator.context, incident.updated(number=1))
    assert again.abstained_because.startswith("the tap is open: tried before")


def test_a_condition_calls_the_next_rung_that_was_not_called(tmp_path):
    page = PAGE.rstrip() + "\n```sh\ntrimtab check 'pump_ok == 1'\n```\n"
    rungs = [Rung(who, timedelta(hours=9)) for who in ("first", "second")]
    operator = with_ladder(tmp_path, *rungs, page=page)
    operator.world.put(level=1)
    fired = operator.fire().updated(state=State.TRIAGED)
    for called, expected in (
        ((), "first"),
        (("first",), "second"),
        (("second",), "first"),
        (("first", "second"), "first"),
    ):
        transition = conditions_met(operator.context, fired.updated(called=called))
        (entry,) = transition.entries
        assert entry.facts["who"] == expected
    told = transition.incident
    assert told.episode.conditions == ("pump_ok == 1",)
    assert conditions_met(operator.context, told) is None


def test_without_a_rung_a_condition_calls_the_on_call_engineer(tmp_path):
    page = PAGE.rstrip() + "\n```sh\ntrimtab check 'pump_ok == 1'\n```\n"
    operator = with_ladder(tmp_path, page=page)
    operator.world.put(level=1)
    fired = operator.fire().updated(state=State.TRIAGED)
    assert conditions_met(operator.context, fired).incident.episode.called == ("On-Call Engineer",)


@pytest.mark.parametrize("named", ["tank-empty", "other"])
def test_of_two_pages_for_an_alert_the_one_that_its_rule_names_comes_first(operator, named):
    pages = [PAGE, PAGE.replace("id: tank-empty", "id: other")]
    library = Library([parse_page(page, "page.md") for page in pages])
    context = replace(operator.context, library=library)
    incident = operator.fire()
    first = replace(incident.alert, annotations={"runbook_url": f"runbook:{named}"})
    incident = incident.updated(alerts=(replace(incident.alerts[0], alert=first),))
    books = [book.id for book in context.runbooks_of(incident)]
    assert (books[0], set(books)) == (named, {"tank-empty", "other"})


def test_a_call_to_people_says_what_a_plan_that_cannot_be_made_asks_of_them(operator):
    def refused(*_):
        raise Unavailable("A person has to mend it.", hint="Turn the wheel.")

    actions = dict(operator.context.catalog.actions)
    actions["tank.close_tap"] = replace(actions["tank.close_tap"], dry_run=refused)
    operator.context.catalog.actions = actions
    operator.world.put(tap=1, level=1)
    incident = operator.fire()
    get = operator.incidents.get
    operator.jobs.run(until=lambda: get(incident.id).state is State.ESCALATED)
    said = " ".join(message.text for message in operator.outbox.about(incident.id))
    assert "A person has to mend it. Turn the wheel." in said
    assert operator.effects() == []
