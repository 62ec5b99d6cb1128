"""Each fault, injected for real, shows the evidence of its own cause and of no other on the page; the fix clears it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab.cli.drills.small_disk import SmallDisk
from trimtab.kernel.operable import ActionContext, Catalog, check_arguments
from trimtab.knowledge.actions import actions
from trimtab.knowledge.faults import faults
from trimtab.knowledge.signals import signals
from trimtab.monitoring.checks import check, compile_check
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SCRAPE, SeriesStore
from trimtab.runbooks.page import parse_page

LIBRARY = Path(__file__).parent.parent.parent / "library"
# The cache's causes need half an hour of traffic; test_operable.py looks at their signals.
PAGES = (
    "embedding-failure",
    "database-corruption",
    "disk-full",
    "memory-leak",
    "vector-store-unreachable",
)
# A leak is seen by the growth of the whole process, and one that reuses what earlier tests freed does not grow: this
# cause is looked at in a process of its own.
OWN_PROCESS = "EVIDENCE_IN_ITS_OWN_PROCESS"
SEEN_BY_GROWTH = "knowledge-memory-leak/the-code-leaks"


def _causes():
    for name in PAGES:
        path = LIBRARY / f"knowledge-{name}.md"
        page = parse_page(path.read_text(encoding="utf-8"), path.name)
        for cause in page.causes:
            if cause.id == SEEN_BY_GROWTH and OWN_PROCESS not in os.environ:  # noqa: TID251 - the test's own.
                continue
            yield pytest.param(page, cause, id=cause.id)


class Bench:
    """A knowledge domain whose signals are scraped into a store, as the service does."""

    def __init__(self, knowledge, clock):
        self.knowledge, self.clock = knowledge, clock
        self.catalog = Catalog(signals(knowledge), actions(knowledge), faults(knowledge, clock))
        self.store = SeriesStore()

    def live(self, beats):
        for _ in range(beats):
            self.clock.seconds += 60
            self.knowledge.beat()
            self.store.append(
                SCRAPE,
                milliseconds(self.clock.now()),
                [
                    (self._labels(signal.metric_name, sample), sample.value)
                    for signal in self.catalog.signals.values()
                    for sample in signal.read()
                    if sample.value == sample.value
                ],
            )

    def holds(self, checks):
        now = self.clock.now()
        return all(check(compile_check(c.expression), self.store, now).holds for c in checks)

    @staticmethod
    def _labels(metric, sample):
        return tuple(sorted({"__name__": metric, **sample.labels}.items()))


@pytest.fixture
def knowledge(open_knowledge):
    """Open knowledge that waits two seconds for a server, not five: one that is cut off costs each look all of it."""
    return open_knowledge(engine_timeout_seconds=2.0)


@pytest.fixture
def disk(tmp_path, cause):
    """Mount a small disk at the data directory where the cause is a full disk.

    Otherwise how full the disk of this machine is would be evidence too.
    """
    if not cause.id.startswith("knowledge-disk-full/"):
        yield
        return
    mounted = SmallDisk(tmp_path / "data")
    assert not mounted.problem
    yield
    mounted.close()


@pytest.mark.parametrize(("page", "cause"), list(_causes()))
@pytest.mark.usefixtures("disk")
def test_the_fault_shows_its_own_cause_and_the_fix_clears_it(page, cause, knowledge, clock):
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    bench = Bench(knowledge, clock)
    bench.live(2)
    assert not any(bench.holds(other.evidence) for other in page.causes)
    (drill,) = cause.drill
    fault = bench.catalog.fault(drill.name)
    given = fault.inject(check_arguments(fault.params, drill.arguments))
    # A server that is cut off costs each heartbeat its whole timeout; growth is not judged in a process's first 45 minutes.
    beats = {"knowledge.engine": 4, "knowledge.memory": 90}
    bench.live(beats.get(drill.name.rpartition(".")[0], 40))
    assert [other.title for other in page.causes if bench.holds(other.evidence)] == [cause.title]
    if cause.fix:
        for act in cause.fix:
            action = bench.catalog.action(act.name)
            action.run(check_arguments(action.params, act.arguments), ActionContext("k", "test"))
        bench.live(2)
        assert bench.holds(cause.verify)
    fault.restore(given)
    fault.restore(given)
    bench.live(2)
    assert [document.name for document in knowledge.documents.list("sea")] == ["whales.md"]


def test_a_leak_shows_its_own_cause_too_in_a_process_of_its_own():
    test = f"{__file__}::{test_the_fault_shows_its_own_cause_and_the_fix_clears_it.__name__}"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"{test}[{SEEN_BY_GROWTH}]",
        ],
        env={**os.environ, OWN_PROCESS: "1"},  # noqa: TID251 - the child's whole environment.
        cwd=LIBRARY.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
