"""Drills of a whole service leave their record in its data directory and nothing else."""

import pytest

from tests.drills.leftovers import FastClock, changed, left_by_drill, run_service
from tests.processes import data_dir, models  # noqa: F401 - fixtures.
from trimtab.app import HANDBOOK
from trimtab.infra.settings import load


@pytest.fixture
def settings(data_dir):  # noqa: F811 - the fixture above.
    flags = {"service.data_dir": str(data_dir), "service.drills": "true"}
    return load(flags=flags, environment={})


CAUSES = ("guardrails-failing/a-guard-is-broken", "answers-failing/a-model-s-endpoint-is-down")
PAGE = """# The query cache

The query cache holds 500 entries. When a runbook does not help, the on-call engineer is called. The alert
KnowledgeCacheHitRatioLow opens the runbook for cache misses. When the embedding model fails, searching goes on by words.
"""


@pytest.mark.timeout(300)
def test_drills_leave_their_record_and_nothing_else(settings):
    first = FastClock()
    _, empty = run_service(
        settings, first, lambda app: app.knowledge.ingest_text(HANDBOOK, "page.md", PAGE)
    )
    second = FastClock(first)
    _, before = run_service(settings, second, lambda app: app.clock.sleep(60))
    third = FastClock(second)
    ended, after = run_service(settings, third, _drill)
    assert [line["result"]["passed"] for line in ended] == [True, True], ended
    assert "state.db:incidents" in changed(before, after)
    assert left_by_drill(before, after, changed(empty, before)) == []


def _drill(app):
    return [list(app.drills.follow(cause, 7200))[-1] for cause in CAUSES]


def test_the_comparison_names_a_file_and_a_row_that_a_drill_has_left():
    before = {"state.db:answer_traces": frozenset({"a"}), "jobs.db:x": frozenset()}
    after = {
        "state.db:answer_traces": frozenset({"a", "b"}),
        "jobs.db:x": frozenset({"c"}),
        "backups/false.db": frozenset({"d"}),
        "models/part": frozenset({"e"}),
    }
    assert left_by_drill(before, after, {"models/part"}) == [
        "backups/false.db",
        "state.db:answer_traces",
    ]
