"""Both phases of the flywheel over failures and annotations that are held in memory."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.databases import open_at
from tests.evaluation.flywheel.failures import records
from trimtab.evaluation.errors import FlywheelRunning, WeekNotTriaged
from trimtab.evaluation.flywheel import Flywheel, IsoWeek, ReviewOutcome
from trimtab.kernel.ids import sha256_hex
from trimtab.testing.clock import FakeClock

pytestmark = pytest.mark.usefixtures("databases")

FIRST, SECOND, THIRD = (IsoWeek(2026, number) for number in (10, 11, 12))
PUMP = ("Which seal has the pump?", "Where is the pump seal?", "The pump seal leaks")
BADGE = ("Where do visitors get a badge?", "Who prints the visitors badge?")


class Failures:
    def __init__(self):
        self.known = []

    def put(self, week, *questions, **facts):
        self.known += records(questions, week.start, prefix=f"{week.name}-", **facts)

    def failures(self, since, until, limit):
        inside = [e for e in self.known if since.isoformat() <= e.at < until.isoformat()]
        return inside[-limit:]

    def find(self, trace_ids):
        return {each.trace_id: each for each in self.known if each.trace_id in trace_ids}


class Tasks:
    def __init__(self):
        self.asked, self.done = [], {}

    def ask(self, failures):
        self.asked += [each.trace_id for each in failures if each.trace_id not in self.asked]

    def outcomes(self, trace_ids):
        return {key: self.done[key] for key in trace_ids if key in self.done}

    def annotate(self, trace_id, answer="", verdict="bad", failure_type="retrieval_miss"):
        self.done[trace_id] = ReviewOutcome(verdict, failure_type, answer, ("pump.md",), "ann")


class FlywheelWorld:
    def __init__(self, folder):
        self.database = open_at(folder / "state.db", ("evaluation",))
        self.source, self.tasks = Failures(), Tasks()
        self.clock = FakeClock(datetime(2026, 3, 25, tzinfo=UTC))
        self.flywheel = Flywheel(self.database, self.source, self.tasks, self.clock)

    def annotated(self, week, **facts):
        self.flywheel.triage(week)
        for trace_id in self.tasks.asked:
            if trace_id.startswith(week.name):
                self.tasks.annotate(trace_id, **facts)
        return self.flywheel.finish(week)


@pytest.fixture
def world(tmp_path):
    world = FlywheelWorld(tmp_path)
    yield world
    world.database.close()


def statuses(report):
    return {each.name.split()[0]: each.status for each in report.clusters}


@pytest.mark.feature("F415")
@pytest.mark.feature("F416")
def test_the_failures_of_the_week_become_clusters_and_tasks(world):
    world.source.put(FIRST, *PUMP, *BADGE)
    world.source.put(SECOND, "Not of this week")
    report = world.flywheel.triage(FIRST, tasks=2)
    assert (report.failures, report.tasks, report.phase) == (5, 2, "triaged")
    assert sorted(each.size for each in report.clusters) == [2, 3]
    # One of each cluster, so that two annotations cover both subjects.
    asked = {each.question for each in world.source.find(world.tasks.asked).values()}
    assert len(asked & set(PUMP)) == len(asked & set(BADGE)) == 1


@pytest.mark.feature("F421")
@pytest.mark.feature("F422")
def test_clusters_are_new_recurring_or_resolved(world):
    world.source.put(FIRST, *PUMP)
    world.source.put(SECOND, *PUMP[1:], *BADGE)
    world.source.put(THIRD, *BADGE)
    assert statuses(world.flywheel.triage(FIRST)) == {"pump": "new"}
    second = statuses(world.flywheel.triage(SECOND))
    assert set(second.values()) == {"recurring", "new"}
    third = world.flywheel.triage(THIRD)
    assert sorted(statuses(third).values()) == ["recurring", "resolved"]
    resolved = next(each for each in third.clusters if each.status == "resolved")
    assert (resolved.size, resolved.first_week) == (0, FIRST.name)


def test_repeating_phase_one_changes_nothing(world):
    world.source.put(FIRST, *PUMP, *BADGE)
    first = world.flywheel.triage(FIRST)
    asked = list(world.tasks.asked)
    assert world.flywheel.triage(FIRST) == first
    assert world.tasks.asked == asked


@pytest.mark.feature("F417")
@pytest.mark.feature("F418")
@pytest.mark.feature("F419")
def test_annotations_become_golden_questions_with_provenance(world):
    world.source.put(FIRST, *PUMP)
    report = world.annotated(FIRST, answer="A lip seal.")
    assert (report.phase, report.annotated, report.added_cases, report.golden_cases) == (
        "done", 3, 3, 3,
    )  # fmt: skip
    dataset = world.flywheel.golden()
    lines = "".join(f"{json.dumps(case, sort_keys=True)}\n" for case in dataset.cases)
    assert (dataset.version, dataset.sha256) == (1, sha256_hex(lines.encode()))
    case = dataset.cases[0]
    assert case["answers"] == ["A lip seal."]
    assert case["provenance"]["annotator"] == "ann"
    assert case["provenance"]["week"] == FIRST.name
    assert "owner" not in json.dumps(case)


def test_a_repeated_continue_adds_only_what_is_new(world):
    world.source.put(FIRST, *PUMP)
    world.flywheel.triage(FIRST)
    world.tasks.annotate(world.tasks.asked[0], "A lip seal.")
    assert world.flywheel.finish(FIRST).golden_version == 1
    assert world.flywheel.finish(FIRST).golden_version == 1
    world.tasks.annotate(world.tasks.asked[1], "Beside the shaft.")
    again = world.flywheel.finish(FIRST)
    assert (again.golden_version, again.added_cases, again.golden_cases) == (2, 1, 2)


def test_a_rightly_unanswered_question_is_a_case_without_answers(world):
    world.source.put(FIRST, PUMP[0])
    assert world.annotated(FIRST, verdict="good", failure_type="").added_cases == 1
    assert world.flywheel.golden().cases[0]["answers"] == []


@pytest.mark.feature("F423")
def test_the_shares_of_failure_types_are_compared_with_the_week_before(world):
    world.source.put(FIRST, *PUMP)
    world.source.put(SECOND, *PUMP)
    world.annotated(FIRST, answer="x", failure_type="retrieval_miss")
    report = world.annotated(SECOND, answer="x", failure_type="hallucination")
    assert report.failure_types == {"hallucination": 3}
    assert report.failure_type_changes == {"hallucination": 1.0, "retrieval_miss": -1.0}


def test_the_time_from_the_first_failure_counts_from_the_first_week_of_the_cluster(world):
    world.source.put(FIRST, PUMP[0])
    world.source.put(SECOND, PUMP[1])
    world.flywheel.triage(FIRST)
    world.clock.advance((FIRST.start + timedelta(days=30) - world.clock.now()).total_seconds())
    report = world.annotated(SECOND, answer="x")
    assert report.first_failure_to_test_hours == 30 * 24


def test_continue_needs_phase_one_and_an_annotation(world):
    with pytest.raises(WeekNotTriaged, match="Phase 1"):
        world.flywheel.finish(FIRST)
    world.source.put(FIRST, *PUMP)
    world.flywheel.triage(FIRST)
    with pytest.raises(WeekNotTriaged, match="annotated"):
        world.flywheel.finish(FIRST)


def test_a_week_without_failures_can_be_completed(world):
    assert world.flywheel.triage(FIRST).failures == 0
    assert world.flywheel.finish(FIRST).phase == "done"


def test_a_second_continue_at_the_same_time_is_refused(world):
    world.source.put(FIRST, *PUMP)
    world.flywheel.triage(FIRST)
    world.tasks.annotate(world.tasks.asked[0], "x")
    inside, go_on = threading.Event(), threading.Event()
    outcomes = world.tasks.outcomes

    def slow(trace_ids):
        inside.set()
        go_on.wait(60)
        return outcomes(trace_ids)

    world.tasks.outcomes = slow
    first = threading.Thread(target=world.flywheel.finish, args=(FIRST,))
    first.start()
    assert inside.wait(60)
    with pytest.raises(FlywheelRunning):
        world.flywheel.finish(FIRST)
    go_on.set()
    first.join(60)
    assert world.flywheel.report(FIRST).phase == "done"


@pytest.mark.on_files
def test_an_erased_user_leaves_no_case_no_failure_and_no_word(world):
    world.source.put(FIRST, "quorblefratch pump seal", "Where is the pump seal?")
    world.annotated(FIRST, answer="x")
    step = world.flywheel.personal_data()[0]
    erased = world.source.known.pop(0)
    assert step.count(erased.owner) == 2
    step.erase(erased.owner)
    world.database.scrub()
    assert step.count(erased.owner) == 0
    assert b"quorblefratch" not in world.database.file.read_bytes()
    assert [case["question"] for case in world.flywheel.golden().cases] == [
        "Where is the pump seal?"
    ]


def test_an_annotation_of_an_erased_trace_adds_nothing(world):
    world.source.put(FIRST, *PUMP)
    world.flywheel.triage(FIRST)
    world.tasks.annotate(world.tasks.asked[0], "x")
    gone = world.tasks.asked[0]
    world.source.known = [each for each in world.source.known if each.trace_id != gone]
    assert world.flywheel.finish(FIRST).added_cases == 0
