"""The order in which the whole app starts and closes its components, also when a start fails."""

import pytest

from tests.faces import app_of, settings_of  # noqa: F401 - fixtures.
from trimtab.answers.service import AnswerService
from trimtab.answers.tracing import SpanExporter
from trimtab.app import build
from trimtab.app.handbook import Handbook
from trimtab.drills import DrillRunner
from trimtab.evaluation.service import EvaluationService
from trimtab.gates.monitor import GateMonitor
from trimtab.guardrails.service import Guardrails
from trimtab.infra.jobs.opening import OpeningJobs
from trimtab.infra.notify.delivery import Delivery
from trimtab.infra.process_metrics import STOPPED, ProcessMetrics
from trimtab.infra.scheduler import Scheduler
from trimtab.infra.storage import DataDirectory, SqliteDatabase
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge import Knowledge
from trimtab.knowledge.embedding import MODEL_ID
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.monitor import Monitor

STARTS = (
    (Knowledge, "start"),
    (ProcessMetrics, "record_start"),
    (AnswerService, "start"),
    (SpanExporter, "start"),
    (EvaluationService, "start"),
    (GateMonitor, "start"),
    (Delivery, "start"),
    (OpeningJobs, "launch"),
    (Scheduler, "start"),
    (RuleEngine, "resume"),
    (Monitor, "start"),
    (Handbook, "start"),
)
# A database by the name of its file: each closes after what writes to it.
CLOSES = (
    (Handbook, "close"),
    (DrillRunner, "stop"),
    (Monitor, "close"),
    (Scheduler, "close"),
    (OpeningJobs, "close"),
    (Delivery, "close"),
    (GateMonitor, "close"),
    ("models.db", "close"),
    (EvaluationService, "close"),
    (SpanExporter, "close"),
    (AnswerService, "close"),
    (Guardrails, "close"),
    (ProcessMetrics, "record_stop"),
    (Knowledge, "close"),
    ("knowledge.db", "close"),
    ("state.db", "close"),
    (DataDirectory, "close"),
)
NOT_STARTED = tuple(pair for pair in CLOSES if pair[0] is not ProcessMetrics)
"""An end is written down only for a process that started."""


def named(methods):
    return [f"{getattr(owner, '__name__', owner)}.{method}" for owner, method in methods]


def recorded(owner, method, calls):
    original = getattr(owner, method)

    def call(self, *arguments, **named):
        calls.append(f"{owner.__name__}.{method}")
        return original(self, *arguments, **named)

    return call


@pytest.fixture
def calls(monkeypatch):
    """The recorded calls, oldest first; every component works as usual."""
    found = []
    for owner, method in (*STARTS, *CLOSES):
        if not isinstance(owner, str):
            monkeypatch.setattr(owner, method, recorded(owner, method, found))
    close = SqliteDatabase.close

    def close_database(self):
        found.append(f"{self.file.name}.close")
        close(self)

    monkeypatch.setattr(SqliteDatabase, "close", close_database)
    return found


def test_components_start_in_this_order_and_close_in_this_one(app_of, calls):  # noqa: F811
    app = app_of(service__drills="true")
    app.start()
    assert calls == named(STARTS)
    calls.clear()
    app.close()
    assert calls == named(CLOSES)
    calls.clear()
    app.close()
    assert calls == []


def test_an_app_that_was_not_started_closes_the_same_components(app_of, calls):  # noqa: F811
    app_of().close()
    assert calls == named(NOT_STARTED)


def test_the_gates_start_only_with_a_project_or_in_drills(app_of, calls):  # noqa: F811
    app_of().start(handbook=False)
    left_out = (GateMonitor, Handbook)
    assert calls == named(pair for pair in STARTS if pair[0] not in left_out)


def test_a_start_that_fails_starts_nothing_further_and_closes_everything(app_of, calls):  # noqa: F811
    app = app_of(knowledge__embedding_required="true")
    # The directory had the model before, and its files are gone.
    app.directory.folder("models").joinpath("minilm.installed").write_text(MODEL_ID)
    with pytest.raises(TrimtabError):
        app.start()
    assert calls == ["Knowledge.start"]
    events = [event.action for event in app.audit.recent(10)]
    app.close()
    assert STOPPED not in events
    assert calls[1:] == named(NOT_STARTED)


def test_an_app_that_cannot_be_built_closes_what_was_opened(
    settings_of,  # noqa: F811
    tmp_path,
    calls,
):
    missing = str(tmp_path / "no-such-file.yml")
    with pytest.raises(TrimtabError):
        build(settings_of(incidents__ladders_file=missing))
    built_later = (Handbook, DrillRunner, Monitor, Scheduler, OpeningJobs, Delivery)
    expected = named(pair for pair in NOT_STARTED if pair[0] not in built_later)
    assert calls == expected
    build(settings_of()).close()  # The lock of the directory is free again.
