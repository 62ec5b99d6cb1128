import shutil
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from tests.answers.openai_server import openai_server
from tests.answers.service import QUESTION, Whole
from tests.answers.world import StillClock, WholeDrafts
from tests.evaluation.online.test_quality_monitor import WordEmbedder
from tests.knowledge.engines.qdrant_server import collection, qdrant_server
from trimtab.answers import Question
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.model_endpoint import PROVIDERS, ModelEndpoint
from trimtab.app.checklists import Readings
from trimtab.infra.audit_files import AuditFiles
from trimtab.infra.auth import Keys, Role
from trimtab.infra.scheduler import Scheduler
from trimtab.infra.settings.sections.trust import TrustSettings
from trimtab.infra.signing import Signer
from trimtab.kernel.health import ComponentHealth, Health, Status
from trimtab.kernel.tasks import ScheduledTask
from trimtab.knowledge.engines.qdrant_usage import QdrantUsageMonitor
from trimtab.operations.checklists import Checklists, PeriodUnknown
from trimtab.operations.readings import DependencyReading
from trimtab.testing.clock import FakeClock


class CurrentPackages(Readings):
    """Readings without the audit of the packages, which has tests of its own."""

    def dependencies(self):
        return DependencyReading(1, 1, self.answers.context.clock.now().date(), ())


NO_QDRANT = QdrantUsageMonitor("", 0)


class Operated(Whole):
    def __init__(self, path, clock=None, embedder=None, qdrant=NO_QDRANT):
        super().__init__(path, clock, embedder=embedder)
        self.keys = Keys(self.database, self.clock, self.audit)
        self.files = AuditFiles(
            self.directory.folder("audit_logs") / "local", self.audit, Signer.of(self.directory)
        )
        self.health = Health(self.clock)
        self.alerts = []
        self.status = Status.UP
        self.health.register("database", lambda: ComponentHealth(self.status))
        self.backups = SimpleNamespace(newest_good=lambda: None)
        readings = CurrentPackages(
            self.service, self.evaluation.monitor, self.exporter, self.backups, qdrant
        )
        self.tasks = Checklists(
            readings, self.health, self.keys, self.files, TrustSettings(), lambda: self.alerts
        )

    def of(self, period):
        return {result.id: result for result in self.tasks.run(period)}


@pytest.fixture
def around(tmp_path):
    around = Operated(tmp_path / "data")
    yield around
    around.close()


def test_a_healthy_day_passes(around):
    around.service.answer(Question("p", QUESTION))
    results = around.of("daily")
    assert list(results) == ["ENT-10", "ENT-11", "ENT-12", "ENT-13", "ENT-14", "ENT-25"]
    assert all(result.passed for result in results.values())


def test_a_component_that_is_down_is_named(around):
    around.status = Status.DOWN
    found = around.of("daily")["ENT-10"]
    assert not found.passed
    assert "database" in found.todo


@pytest.mark.feature("F412")
def test_a_firing_alert_names_its_playbook_and_one_without_is_a_task(around):
    around.alerts = [("AnswersFailing", "answers-failing"), ("Odd", "")]
    results = around.of("daily")
    assert "AnswersFailing: answers-failing" in results["ENT-12"].todo
    assert results["ENT-13"].todo == "Write a page for Odd."


def test_empty_results_over_5_percent_send_to_their_runbook(around):
    around.retriever.retrieved = type(around.retriever.retrieved)(())
    around.service.answer(Question("p", QUESTION))
    assert "answers-retrieval-degraded" in around.of("daily")["ENT-11"].todo


def test_a_week_without_baseline_says_how_to_pin_one(around):
    assert "pin_baseline" in around.of("weekly")["ENT-19"].todo


@pytest.mark.feature("F428")
def test_a_week_of_other_questions_sends_to_the_runbook_of_drift(tmp_path):
    clock = StillClock()
    around = Operated(tmp_path / "data", clock, WordEmbedder())

    def ask(text):
        for number in range(40):
            around.service.answer(Question("p", f"{text} {number % 3}"))
        clock.seconds += 1
        return around.of("weekly")["ENT-19"]

    ask(QUESTION)
    around.evaluation.monitor.pin_baseline("boss")
    assert ask(QUESTION).todo == ""
    clock.seconds += 3_700
    found = ask("Who designed the eviction rule, and why that one there?")
    around.close()
    assert "runbook answers-retrieval-degraded" in found.todo


def test_a_quiet_month_passes_and_tells_what_providers_cost(around):
    around.keys.create("ci", Role.READER, actor="me")
    around.files.seal()
    results = around.of("monthly")
    assert all(result.passed for result in results.values())
    assert results["ENT-23"].detail.startswith("0.0000 of 5 USD, 0 calls")


@pytest.mark.feature("F440")
def test_credits_and_a_refused_key_of_the_connected_model_are_told_this_month(around, monkeypatch):
    with openai_server(key="sk-mine", key_facts={"data": {"limit_remaining": 2.5}}) as server:
        monkeypatch.setitem(PROVIDERS, "openrouter", server.url)
        around.service.model.connect(ModelEndpoint(server.url, "tiny", "sk-mine"))
        use = around.of("monthly")["ENT-23"]
        assert (use.passed, use.detail.endswith(", 2.50 USD left")) == (True, True)
        server.script.key = "another"
        refused = around.of("monthly")["ENT-23"]
    assert (refused.passed, "refuses the API key" in refused.todo) == (False, True)


@pytest.mark.feature("F441")
@pytest.mark.parametrize(("used", "passed"), [(899, True), (902, False)])
def test_the_months_calls_at_cohere_are_told_beside_the_limit(around, monkeypatch, used, passed):
    with openai_server(key="sk-mine") as server:
        monkeypatch.setitem(PROVIDERS, "cohere", server.url)
        around.service.model.connect(ModelEndpoint(server.url, "tiny", "sk-mine"))
        calls = around.service.model.calls
        while calls.used(server.url) < used:
            calls.count(server.url)
        use = around.of("monthly")["ENT-23"]
    assert f"{used} of 1000 calls of this month" in use.detail
    assert (use.passed, "calls of this month are nearly used" in use.todo) == (passed, not passed)


@pytest.mark.feature("F442")
@pytest.mark.parametrize(("points", "passed"), [(3_000_000, True), (3_200_000, False)])
def test_storage_and_request_limits_at_qdrant_cloud_are_told(tmp_path, points, passed):
    with qdrant_server({"a b": collection(points, 384, "float16", reads=120)}) as url:
        around = Operated(tmp_path / "data", qdrant=QdrantUsageMonitor(url, 4.0))
        use = around.of("monthly")["ENT-23"]
        around.close()
    assert f"about {points * 384 * 3 / 1e9:.2f} of 4 GB at Qdrant" in use.detail
    assert "at most 120 reads a minute" in use.detail
    assert (use.passed, "storage at Qdrant is nearly full" in use.todo) == (passed, not passed)


@pytest.mark.feature("F442")
def test_a_qdrant_that_refuses_its_key_is_something_to_do_this_month(tmp_path):
    with qdrant_server({}, key="right") as url:
        monitor = QdrantUsageMonitor(url.replace("right", "wrong"), 4.0)
        around = Operated(tmp_path / "data", qdrant=monitor)
        use = around.of("monthly")["ENT-23"]
        around.close()
    assert (use.passed, use.todo) == (
        False,
        "Qdrant's use is not known: it refuses the API key.",
    )


def test_a_cut_audit_chain_fails_the_month(around):
    around.keys.create("ci", Role.READER, actor="me")
    around.files.seal()
    with around.database.write() as connection:
        connection.execute(sa.text("delete from audit_events where seq = 2"))
    assert "event 2" in around.of("monthly")["ENT-25"].todo


def test_the_daily_round_notices_that_the_sealed_files_are_gone(around):
    around.files.seal()
    assert around.of("daily")["ENT-25"].passed
    shutil.rmtree(around.files.folder)
    assert "they were sealed" in around.of("daily")["ENT-25"].todo


def test_an_unknown_period_says_so(around):
    with pytest.raises(PeriodUnknown):
        around.tasks.run("yearly")


def test_chores_come_round_and_one_that_fails_does_not_stop_the_others():
    clock, done = FakeClock(), []
    scheduler = Scheduler(
        (ScheduledTask("bad", 10, lambda: 1 / 0), ScheduledTask("a", 60, lambda: done.append("a")), ScheduledTask("b", 10, lambda: done.append("b"))),
        clock,
    )  # fmt: skip
    assert scheduler.run_due() == ["a", "b"]
    clock.advance(10)
    assert scheduler.run_due() == ["b"]
    clock.advance(50)
    scheduler.run_due()
    assert done == ["a", "b", "b", "a", "b"]


def test_the_checks_come_in_the_order_of_the_contract(around):
    assert list(around.of("monthly")) == ["ENT-21", "ENT-22", "ENT-23", "ENT-25"]


@pytest.mark.feature("F436")
def test_a_model_that_refuses_its_key_is_something_to_do_this_month(around):
    class Refusing(WholeDrafts):
        def generate(self, question, passages):
            raise GeneratorUnavailable("The model failed: AuthenticationError.")

    around.service.models.put("first", Refusing())
    around.service.models.prefer("first")
    for number in range(3):
        around.service.answer(Question("p", f"{QUESTION} {number}"))
    assert (
        "the generator first failed three times in a row: check its key"
        in around.of("monthly")["ENT-22"].todo
    )


@pytest.mark.feature("F439")
def test_a_tracing_backend_that_does_not_take_traces_is_something_to_do_this_month(around):
    around.exporter.redirect("http://127.0.0.1:9")
    around.service.answer(Question("p", QUESTION))
    around.exporter.run_once()
    assert "check answers.otlp_headers" in around.of("monthly")["ENT-22"].todo
