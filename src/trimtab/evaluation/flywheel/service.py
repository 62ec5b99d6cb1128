"""Runs the weekly flywheel in two phases, with people's annotations between them."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from statistics import median
from typing import Protocol

from trimtab.evaluation.errors import FlywheelRunning, WeekNotTriaged
from trimtab.evaluation.flywheel.clusters import (
    SAME,
    cluster_texts,
    dot,
    name_of,
    normalise,
    weighted_vectors,
)
from trimtab.evaluation.flywheel.records import (
    ClusterSummary,
    FailureCluster,
    FailureRecord,
    FlywheelReport,
    GoldenCase,
    GoldenDataset,
    ReviewOutcome,
)
from trimtab.evaluation.flywheel.store import FlywheelStore, content_hash
from trimtab.evaluation.flywheel.weeks import IsoWeek
from trimtab.infra.storage import Database
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import content_id
from trimtab.kernel.personal_data import Erasable, ErasureStep

MAX_FAILURES = 5000
"""Failures of one week that are clustered; the newest of more."""
_WEEKS_COMPARED = 12


class FailureSource(Protocol):
    """The stored answers that failed."""

    def failures(self, since: datetime, until: datetime, limit: int, /) -> Sequence[FailureRecord]:
        """Return the newest failures of a time, oldest first."""
        ...

    def find(self, trace_ids: Sequence[str], /) -> Mapping[str, FailureRecord]:
        """Return those of the traces that still exist."""
        ...


class AnnotationTasks(Protocol):
    """The people who annotate."""

    def ask(self, failures: Sequence[FailureRecord], /) -> None:
        """Ask for an annotation of each failure; a repeated call asks once."""
        ...

    def outcomes(self, trace_ids: Sequence[str], /) -> Mapping[str, ReviewOutcome]:
        """Return what people have decided, by trace."""
        ...


class Flywheel:
    """Turns the failures of a week into golden cases that the next evaluation asks.

    Args:
        database: Holds the chain ``evaluation``.
        source: The failures.
        tasks: The annotations.
        clock: Of the process.
    """

    def __init__(
        self, database: Database, source: FailureSource, tasks: AnnotationTasks, clock: Clock
    ) -> None:
        self._store = FlywheelStore(database)
        self._source = source
        self._tasks = tasks
        self._clock = clock
        self._lock = threading.Lock()

    def triage(self, week: IsoWeek, tasks: int = 20, note: str = "") -> FlywheelReport:
        """Cluster the failures of the week and ask people to annotate the most typical ones.

        Repeating it clusters again; what was annotated stays annotated.

        Raises:
            FlywheelRunning: Another run is in progress.
        """
        with self._alone():
            failures = list(self._source.failures(week.start, week.end, MAX_FAILURES))
            clusters = self._clusters_of(week, failures)
            chosen = _typical(clusters, failures, tasks)
            # Asked before the run is stored: a crash between the two repeats both.
            self._tasks.ask(chosen)
            report = self._report(week, "triaged", failures, clusters, len(chosen))
            report = replace(report, note=note)
            present = [each for each in clusters if each.traces]
            self._store.save_triage(report, failures, present, self._clock.now())
            return report

    def finish(self, week: IsoWeek) -> FlywheelReport:
        """Import the annotations of the week: grow the golden dataset and complete the report.

        Repeating it imports what was annotated since; a case is added once.

        Raises:
            FlywheelRunning: Another run is in progress.
            WeekNotTriaged: Phase 1 has not run, or nothing is annotated yet.
        """
        with self._alone():
            report = self._store.report(week.name)
            if report is None:
                raise WeekNotTriaged(
                    f"Phase 1 of {week.name} has not run.",
                    hint=f"Run the flywheel with --week {week.name} and without --continue first.",
                )
            rows = self._store.failures(week.name)
            outcomes = self._tasks.outcomes([str(row["trace_id"]) for row in rows])
            if report.tasks and not outcomes:
                raise WeekNotTriaged(
                    f"No failure of {week.name} is annotated yet.",
                    hint="`trimtab review next` and `submit` annotate; then repeat the command.",
                )
            return self._import(week, report, rows, outcomes)

    def report(self, week: IsoWeek) -> FlywheelReport:
        """Return the report of a week, or raise `WeekNotTriaged`."""
        found = self._store.report(week.name)
        if found is None:
            raise WeekNotTriaged(f"Phase 1 of {week.name} has not run.", hint="Run the flywheel.")
        return found

    def golden(self, visible: Callable[[GoldenCase], bool] = lambda _: True) -> GoldenDataset:
        """Return the golden dataset with the cases that the caller may see."""
        known = self._store.cases()
        lines = tuple(case.as_line() for case in known if visible(case))
        return GoldenDataset(
            self._store.version(), content_hash(lines), lines, len(known) - len(lines)
        )

    def test_hours(self) -> list[float]:
        """Return the hours from the first failure to the test, for each golden case."""
        return [_hours(case.failed_at, case.added_at) for case in self._store.cases()]

    def personal_data(self) -> tuple[Erasable, ...]:
        """Return the erasure step; it runs after those of answers."""
        return (ErasureStep("evaluation.flywheel", self._store.count_user, self._forget),)

    def _import(
        self,
        week: IsoWeek,
        report: FlywheelReport,
        rows: Sequence[Mapping[str, str]],
        outcomes: Mapping[str, ReviewOutcome],
    ) -> FlywheelReport:
        known, now = self._store.cases(), self._clock.now()
        version = self._store.version() + 1
        first_at = {each.id: each.first_at for each in self._store.clusters(week.name)}
        asked = self._source.find(list(outcomes))
        added = _new_cases(week, rows, outcomes, asked, first_at)
        added = [case for case in added if case.id not in {each.id for each in known}]
        cases = [replace(each, version=version, added_at=now.isoformat()) for each in added]
        every = sorted([*known, *cases], key=lambda case: case.id)
        hours = [_hours(case.failed_at, case.added_at) for case in cases]
        types = Counter(
            outcomes[row["trace_id"]].failure_type or "none"
            if row["trace_id"] in outcomes
            else row["failure_type"]
            for row in rows
        )
        done = replace(
            report,
            phase="done",
            failure_types=dict(types.most_common()),
            failure_type_changes=self._changes(week, types),
            annotated=len(outcomes),
            golden_version=version if cases else version - 1,
            golden_cases=len(every),
            added_cases=len(cases),
            first_failure_to_test_hours=round(median(hours), 2) if hours else None,
        )
        digest = content_hash([case.as_line() for case in every])
        self._store.save_done(done, cases, digest, now)
        return done

    def _clusters_of(
        self, week: IsoWeek, failures: Sequence[FailureRecord]
    ) -> list[FailureCluster]:
        """Return the week's clusters, and those of the run before that are gone as resolved."""
        before = self._store.weeks_before(week.name)[:_WEEKS_COMPARED]
        earlier = [each for name in before for each in self._store.clusters(name)]
        texts = [each.question for each in failures]
        found, taken = list[FailureCluster](), set[str]()
        for cluster in cluster_texts(texts):
            members = [failures[index] for index in cluster.members]
            terms = cluster.terms()
            same = _same_subject(terms, earlier, taken)
            first = min(each.at for each in members)
            own = same.id if same else content_id("cluster", week.name, members[0].trace_id)
            taken.add(own)
            found.append(
                FailureCluster(
                    own,
                    name_of(terms, [each.question for each in members]),
                    terms,
                    tuple(each.trace_id for each in members),
                    "recurring" if same else "new",
                    same.first_week if same else week.name,
                    min(same.first_at, first) if same else first,
                )
            )
        last = self._store.clusters(before[0]) if before else []
        gone = [each for each in last if each.id not in taken]
        return found + [
            replace(
                each,
                name=name_of(each.terms, ()),
                traces=(),
                status="resolved",
            )
            for each in gone
        ]

    def _report(
        self,
        week: IsoWeek,
        phase: str,
        failures: Sequence[FailureRecord],
        clusters: Sequence[FailureCluster],
        tasks: int,
    ) -> FlywheelReport:
        types = Counter(each.failure_type for each in failures)
        return FlywheelReport(
            week.name,
            phase,
            len(failures),
            tuple(
                ClusterSummary(each.id, each.name, each.size, each.status, each.first_week)
                for each in clusters
            ),
            dict(types.most_common()),
            self._changes(week, types),
            tasks,
            0,
            self._store.version(),
            len(self._store.cases()),
            0,
            None,
        )

    def _changes(self, week: IsoWeek, types: Counter[str]) -> dict[str, float]:
        weeks = self._store.weeks_before(week.name)
        former = self._store.report(weeks[0]) if weeks else None
        if former is None or not former.failure_types:
            return {}
        total, before = max(1, types.total()), sum(former.failure_types.values())
        names = sorted({*types, *former.failure_types})
        return {
            name: round(types[name] / total - former.failure_types.get(name, 0) / before, 4)
            for name in names
        }

    def _forget(self, user_id: str) -> int:
        terms: dict[tuple[str, str], Mapping[str, float]] = {}
        for week, cluster in self._store.affected_clusters(user_id):
            ids = [
                str(row["trace_id"])
                for row in self._store.failures(week)
                if row["cluster"] == cluster and row["owner"] != user_id
            ]
            left = [each.question for each in self._source.find(ids).values()]
            total: Counter[str] = Counter()
            for vector in weighted_vectors(left):
                total.update(vector)
            terms[week, cluster] = normalise(dict(total))
        return self._store.forget_user(user_id, terms)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise FlywheelRunning("Another run of the flywheel is in progress.")
        try:
            yield
        finally:
            self._lock.release()


def _new_cases(
    week: IsoWeek,
    rows: Sequence[Mapping[str, str]],
    outcomes: Mapping[str, ReviewOutcome],
    asked: Mapping[str, FailureRecord],
    first_at: Mapping[str, str],
) -> list[GoldenCase]:
    """Return a case for each question whose annotation says what a good answer is."""
    found: dict[str, GoldenCase] = {}
    for row in rows:
        trace_id, cluster = str(row["trace_id"]), row["cluster"]
        outcome, failure = outcomes.get(trace_id), asked.get(trace_id)
        if outcome is None or failure is None or not _teaches(outcome, failure):
            continue
        own = content_id("case", failure.project, failure.question)
        case = GoldenCase(
            id=own,
            project=failure.project,
            question=failure.question,
            answers=(outcome.answer,) if outcome.answer else (),
            documents=outcome.documents,
            labels=failure.labels,
            trace_id=trace_id,
            owner=failure.owner,
            annotator=outcome.annotator,
            failure_type=outcome.failure_type,
            cluster=cluster,
            week=week.name,
            version=0,
            failed_at=min(first_at.get(cluster) or row["at"], row["at"]),
            added_at="",
        )
        found.setdefault(own, case)
    return list(found.values())


def _typical(
    clusters: Sequence[FailureCluster], failures: Sequence[FailureRecord], limit: int
) -> list[FailureRecord]:
    """Return the most typical failures, in turn from each cluster, new clusters first."""
    by_id = {each.trace_id: each for each in failures}
    order = sorted(clusters, key=lambda each: (each.status != "new", -each.size))
    in_turn = zip_longest(*(each.traces for each in order))
    return [by_id[trace] for turn in in_turn for trace in turn if trace is not None][:limit]


def _same_subject(
    terms: Mapping[str, float], earlier: Sequence[FailureCluster], taken: set[str]
) -> FailureCluster | None:
    near = [(dot(terms, each.terms), each) for each in earlier if each.id not in taken]
    best = max(near, key=lambda item: item[0], default=None)
    return best[1] if best is not None and best[0] >= SAME else None


def _teaches(outcome: ReviewOutcome, failure: FailureRecord) -> bool:
    """Return whether the outcome says what a good answer is.

    A question that was rightly "not found" is a case too: the documents do not hold its answer.
    """
    rightly_empty = outcome.verdict == "good" and failure.failure_type == "not_found"
    return bool(outcome.answer) or rightly_empty


def _hours(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() / 3600
