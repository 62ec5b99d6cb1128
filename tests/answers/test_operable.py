"""Signals, actions and faults of answers; each cause's evidence holds under its own fault, and its fix ends it."""

import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.answers.service import QUESTION, Whole
from tests.answers.world import CACHE_TEXT, given
from trimtab.answers import ExtractiveGenerator, PipelineGuards, Question
from trimtab.answers.actions import actions
from trimtab.answers.errors import GeneratorUnknown
from trimtab.answers.faults import faults
from trimtab.answers.metrics import AnswerCounters
from trimtab.answers.signals import signals
from trimtab.evaluation.actions import actions as evaluation_actions
from trimtab.evaluation.signals import signals as evaluation_signals
from trimtab.guardrails.service import Guardrails
from trimtab.guardrails.signals import signals as guard_signals
from trimtab.infra.changes import ChangeLog
from trimtab.infra.changes import actions as change_actions
from trimtab.infra.changes import signals as change_signals
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings
from trimtab.infra.telemetry import SignalCollector, new_registry
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.operable import ActionContext, Catalog, Fault, Realism, check_arguments
from trimtab.monitoring.checks import check, compile_check
from trimtab.monitoring.files import Known, load_rules
from trimtab.monitoring.labels import value_of
from trimtab.monitoring.proofs import check_proof
from trimtab.monitoring.scrape import Scrape
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.views import SeriesView, metrics_apart
from trimtab.privacy.actions import actions as privacy_actions
from trimtab.privacy.signals import signals as privacy_signals
from trimtab.runbooks.lint import PageChecks, lint
from trimtab.runbooks.model import Runbook
from trimtab.runbooks.page import parse_page

ROOT = Path(__file__).parent.parent.parent
PAGES = {
    path.stem: parse_page(path.read_text(encoding="utf-8"), path.name)
    for path in sorted((ROOT / "library").glob("answers-*.md"))
}
BOOKS = [page for page in PAGES.values() if isinstance(page, Runbook)]
# An erasure fails on a file of knowledge: tests/privacy/test_faults.py drills that cause on the whole service.
ELSEWHERE = "answers.erasure.break"
CAUSES = [
    (book, cause)
    for book in BOOKS
    for cause in book.causes
    if ELSEWHERE not in {command.name for command in cause.drill}
]
CONTEXT = ActionContext("key", "runbook:test")


class _Unheard:
    def append(self, actor, action, subject, facts=None):
        """Nobody reads this audit."""


class Ahead(SystemClock):
    """The machine's clock, and as far ahead as the samples; durations stay the machine's (the rate is not 1)."""

    def __init__(self):
        super().__init__(rate=1.000001)
        self.ahead = 0.0

    def monotonic(self):
        return super().monotonic() + self.ahead


class Operated(Whole):
    """The service behind its guards, with the catalog of both and their samples."""

    def __init__(self, path, **settings):
        self.guardrails = Guardrails(GuardrailsSettings(), SystemClock(), _Unheard())
        guards = PipelineGuards(
            self.guardrails.questions, self.guardrails.answers, self.guardrails.passages
        )
        super().__init__(path, **{"clock": Ahead(), "guards": guards, **settings})
        changes = ChangeLog(self.clock)
        elsewhere = Fault(ELSEWHERE, "x", lambda _: {}, lambda _: None, realism=Realism.REAL)
        self.catalog = Catalog(
            (
                *signals(self.service, self.exporter, changes),
                *evaluation_signals(self.evaluation),
                *privacy_signals(self.erasures),
                *guard_signals(self.guardrails),
                *change_signals(changes),
            ),
            (
                *actions(self.service, self.exporter),
                *evaluation_actions(self.evaluation),
                *privacy_actions(self.erasures),
                *change_actions(changes, lambda: self.catalog),
            ),
            (*faults(self.service, self.exporter, self.clock, changes), elsewhere),
        )
        registry = new_registry()
        registry.register(SignalCollector(self.catalog.signals.values()))
        self.series = SeriesStore(7200)
        self.scrape = Scrape(registry, self.series)
        self.now = datetime(2026, 11, 22, tzinfo=UTC)

    def close(self):
        super().close()
        self.guardrails.close()

    def minutes(self, count, *, busy=False):
        """Scrape every 15 seconds for so many minutes; when busy, a drill's answer is given before each."""
        for _ in range(int(count * 4)):
            given = self.service.counters.count("given", drill=True)
            if busy:
                eventually(
                    lambda given=given: self.service.counters.count("given", drill=True) > given
                )
            self.now += timedelta(seconds=15)
            if isinstance(self.clock, Ahead):
                self.clock.ahead += 15
            self.scrape.take(self.now)

    def looked(self):
        """Scrape once more, a tenth of a second later."""
        self.now += timedelta(seconds=0.1)
        self.scrape.take(self.now)
        return True

    def holds(self, expression):
        """Return whether the expression holds for the rules: for users or for a drill."""
        return check(compile_check(expression), self.series, self.now, scrape_seconds=15).holds

    def holds_in_drill(self, expression):
        view = SeriesView(self.series, metrics_apart(self.catalog.signals.values()), drill=True)
        return check(compile_check(expression), view, self.now, scrape_seconds=15).holds

    def labels(self, expression):
        """Return the drill labels of what the expression finds."""
        found = check(compile_check(expression), self.series, self.now, scrape_seconds=15)
        return {value_of(labels, "drill") for labels, _ in found.samples}

    def act(self, name, **given):
        action = self.catalog.action(name)
        return action.run(check_arguments(action.params, given), CONTEXT)

    def undo(self, name, result):
        return self.catalog.action(name).undo(result.undo_arguments, CONTEXT)

    def read(self, name):
        samples = list(self.catalog.signal(name).read())
        return {next(iter(s.labels.values()), ""): s.value for s in samples}

    def ask(self, times=1):
        for number in range(times):
            self.service.answer(Question("handbook", f"{QUESTION} {number}", user_id="ann"))


@pytest.fixture
def whole(tmp_path):
    whole = Operated(tmp_path / "data")
    yield whole
    whole.close()


def eventually(found):
    """Wait for what a background thread does; fail after half a minute."""
    until = time.monotonic() + 30
    while not found():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


@pytest.mark.feature("F410", "F411", "F412")
def test_eleven_alerts_each_name_a_page_that_exists_and_stand_in_the_playbook():
    assert len(alert_rules()) == 12  # The documents' eleven, and failed erasures.
    playbook = (ROOT / "docs" / "runbooks" / "alerting-playbooks.md").read_text(encoding="utf-8")
    for alert in alert_rules():
        page = alert["annotations"]["runbook_url"].removeprefix("runbook:")
        assert f"| `{alert['alert']}` | {alert['annotations']['title']} | `{page}` |" in playbook
        assert page in PAGES
        book = PAGES[page]
        assert all(
            cause.evidence and (cause.fix or "trimtab " in cause.prose) for cause in book.causes
        )
        assert book.causes


def test_the_rules_load_and_name_only_metrics_that_exist(whole):
    metrics = {signal.metric_name for signal in whole.catalog.signals.values()}
    load_rules([ROOT / "rules" / "answers.yml"], Known(metrics, PAGES))


@cache
def alert_rules():
    """Return the rules of the answers; read by tests only, so that a mutant needs no new collection."""
    document = yaml.safe_load((ROOT / "rules" / "answers.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def alert_names(file):
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.id)
def test_the_page_names_only_what_exists(book, whole):
    # Pages also look at knowledge, whose signals the whole app has.
    others = [name for c in book.gather for name in getattr(c, "signals", ()) if name.startswith(("knowledge.", "service.starts", "answers.contradictions"))]  # fmt: skip
    foreign = [type(whole.catalog.signal("answers.given"))(name, "1", "x", tuple) for name in dict.fromkeys(others)]  # fmt: skip
    catalog = Catalog(
        (*whole.catalog.signals.values(), *foreign),
        whole.catalog.actions.values(),
        whole.catalog.faults.values(),
    )
    alerts = {name for file in (ROOT / "rules").glob("*.yml") for name in alert_names(file)}
    lint(book, PageChecks(catalog, alerts, compile_check, check_proof))


@pytest.mark.parametrize(("book", "cause"), CAUSES, ids=lambda part: part.id)
def test_the_evidence_holds_under_its_fault_and_not_before_and_the_fix_ends_it(book, cause, whole):
    whole.ask(3)
    whole.evaluation.monitor.run_once()
    whole.minutes(6)
    evidence = [check.expression for check in cause.evidence]
    assert not all(map(whole.holds_in_drill, evidence))

    fault = whole.catalog.fault(cause.drill[0].name)
    fast = {"per_second": "50"} if "per_second" in {p.name for p in fault.params} else {}
    state = fault.inject(check_arguments(fault.params, {**cause.drill[0].arguments, **fast}))
    try:
        if fast:
            eventually(lambda: whole.service.counters.count("given", drill=True) > 65)
        whole.exporter.run_once()
        whole.minutes(1)
        # A model that rests is tried again every half minute, and rests again when the next question has met it.
        eventually(lambda: whole.looked() and all(map(whole.holds_in_drill, evidence)))
        alerts = [a["expr"] for a in alert_rules() if a["alert"] in book.alerts]
        assert any(whole.holds(expression) for expression in alerts)
        # Users met none of it: no alert of the traffic is without the label.
        assert all(whole.labels(e) <= {"true"} for e in alerts if "increase" in e)
        for act in cause.fix:
            whole.act(act.name, **act.arguments)
            whole.jobs.run()
        if cause.fix:
            whole.minutes(3)
            # The questions go on; they are answered rightly now.
            for _ in range(5):  # A repair is given time until it gives up.
                whole.minutes(3, busy=bool(fast))
                verified = all(whole.holds_in_drill(c.expression) for c in cause.verify)
                if verified:
                    break
            assert verified
    finally:
        fault.restore(state)
        fault.restore(state)


def test_a_broken_backend_shows_also_where_nothing_was_asked_before(whole):
    fault = whole.catalog.fault("answers.export.break")
    state = fault.inject(check_arguments(fault.params, {"per_second": "50"}))
    try:
        eventually(lambda: whole.exporter.run_once().error)
        whole.minutes(1)
        assert whole.holds("answers_export_failing == 1")
    finally:
        fault.restore(state)
    whole.exporter.run_once()
    whole.minutes(1)
    assert not whole.holds("answers_export_failing == 1")


@pytest.mark.parametrize("how", ["kill", "hang", "429", "500", "garbage"])
def test_a_model_that_fails_in_any_way_costs_no_answer(whole, how):
    fault = whole.catalog.fault("answers.generator.break")
    state = fault.inject(check_arguments(fault.params, {"how": how, "per_second": "0.01"}))
    answer = whole.service.answer(Question("handbook", QUESTION))
    fault.restore(state)
    assert (answer.model, answer.found) == ("extractive", True)
    assert answer.notice
    assert whole.service.models.names == ("extractive",)


def test_the_honest_endpoint_of_a_drill_writes_the_answers_itself(whole):
    fault = whole.catalog.fault("answers.generator.misconfigure")
    given = check_arguments(fault.params, {"per_second": "0.01"})
    state = fault.inject(given)
    before = whole.read("answers.errors.before_change")
    answers = whole.service.counters.count("generated", drill=True)
    fault.restore(state)
    assert (before, answers) == ({"": 0.0, "true": 0.0}, 8)
    assert whole.service.counters.count("given") == 0


def test_what_a_model_made_up_is_counted_as_unsupported(whole):
    fault = whole.catalog.fault("answers.generator.break")
    state = fault.inject(
        check_arguments(fault.params, {"how": "unsupported", "per_second": "0.01"})
    )
    whole.service.answer(Question("handbook", QUESTION))
    fault.restore(state)
    assert (whole.service.counters.count("generated"), whole.service.counters.count("unsupported")) == (1, 1)  # fmt: skip


def test_a_models_answer_that_a_guard_rejected_is_counted_as_unsupported():
    counters = AnswerCounters(SystemClock())
    counters.on_answer(given(model="extractive", rejected=True))
    assert (counters.count("generated"), counters.count("unsupported")) == (1, 1)


def test_errors_of_the_service_are_counted_by_code_and_those_of_the_caller_are_not(whole):
    class Down:
        def search(self, project, query, top_k, **_labels):
            raise Unavailable("down")

    whole.service.retrieval._retriever = Down()
    for text in ("", QUESTION):
        with pytest.raises(Exception, match=r"empty|down"):
            whole.service.answer(Question("handbook", text))
    assert whole.read("answers.failed") == {"trimtab.unavailable": 1.0}


def test_every_signal_can_be_read_before_the_first_question(whole):
    for signal in whole.catalog.signals.values():
        list(signal.read())


def test_preferring_a_generator_can_be_undone(whole):
    whole.service.models.put("second", ExtractiveGenerator())
    result = whole.act("answers.generator.prefer", generator="extractive")
    assert whole.read("answers.generator.order") == {"extractive": 1.0, "second": 2.0}
    whole.undo("answers.generator.prefer", result)
    assert whole.service.models.names == ("second", "extractive")


def test_an_unknown_generator_is_refused(whole):
    with pytest.raises(GeneratorUnknown):
        whole.act("answers.generator.prefer", generator="best")


@pytest.mark.feature("F474")
def test_a_route_can_be_set_undone_and_reset(whole):
    result = whole.act("answers.routing.set", project="old", target="new")
    whole.ask()
    whole.service.answer(Question("old", QUESTION))
    assert whole.retriever.asked[-1][0] == "new"
    whole.undo("answers.routing.set", result)
    assert whole.service.retrieval.routes == {}
    whole.act("answers.routing.set", project="old", target="new")
    whole.undo("answers.routing.reset", whole.act("answers.routing.reset"))
    assert whole.service.retrieval.routes == {"old": "new"}


@pytest.mark.feature("F477")
def test_the_erase_action_erases_and_the_certificate_counts(whole):
    whole.ask(3)
    erasure_id = whole.act("answers.user.erase", user_id="ann").facts["erasure"]
    whole.jobs.run()
    found = {step.name: step.found for step in whole.erasures.find(erasure_id).steps}
    assert found["answers.traces"] == 3
    assert whole.service.traces.count_user("ann") == 0
    assert len(whole.service.cache) == 0


def test_nothing_of_an_erased_user_is_left_in_the_database_file(whole):
    whole.service.answer(Question("handbook", f"{QUESTION} asks ann-lovelace", user_id="ann-lovelace"))  # fmt: skip
    whole.act("answers.user.erase", user_id="ann-lovelace")
    whole.jobs.run()
    files = [file for file in whole.directory.path.rglob("*") if file.is_file()]
    assert [file.name for file in files if b"ann-lovelace" in file.read_bytes()] == []


@pytest.mark.parametrize("name", ["answers.generator.prefer", "answers.routing.set", "answers.user.erase", "answers.cache.clear", "answers.export.send", "answers.routing.reset", "answers.erasure.retry", "answers.watch.pin_baseline"])  # fmt: skip
def test_a_dry_run_changes_nothing(whole, name):
    whole.ask(2)
    given = {
        "generator": "extractive",
        "project": "a",
        "target": "b",
        "user_id": "ann",
    }
    action = whole.catalog.action(name)
    arguments = {param.name: given[param.name] for param in action.params}
    before = (
        whole.service.traces.recent(9),
        whole.service.retrieval.routes,
        len(whole.service.cache),
    )
    assert action.dry_run(arguments, CONTEXT).summary
    after = (
        whole.service.traces.recent(9),
        whole.service.retrieval.routes,
        len(whole.service.cache),
    )
    assert after == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("answers.generator.prefer", {"generator": "extractive"}),
        ("answers.routing.set", {"project": "a", "target": "a"}),
        ("answers.routing.reset", {}),
        ("answers.cache.clear", {}),
        ("answers.export.send", {}),
        ("answers.erasure.retry", {}),
    ],
)
def test_an_act_that_would_change_nothing_says_so_before_and_after(whole, name, arguments):
    action = whole.catalog.action(name)
    assert not action.dry_run(arguments, CONTEXT).changes
    done = action.run(arguments, CONTEXT)
    assert not done.changes
    assert not done.undo_arguments or name == "answers.routing.set"


def test_an_act_that_would_change_something_says_so(whole):
    whole.ask(2)
    for name in ("answers.cache.clear", "answers.routing.set"):
        action = whole.catalog.action(name)
        arguments = {"project": "a", "target": "b"} if action.params else {}
        assert action.dry_run(arguments, CONTEXT).changes
        assert action.run(arguments, CONTEXT).changes


def test_the_texts_of_passages_reach_no_signal(whole):
    whole.ask()
    whole.evaluation.monitor.run_once()
    for signal in whole.catalog.signals.values():
        assert CACHE_TEXT[:20] not in str(list(signal.read()))


@pytest.mark.parametrize(("seconds", "after"), [(1790, 6.0), (1801, 0.0)])
def test_errors_are_laid_to_a_change_of_the_last_half_hour_only(tmp_path, seconds, after):
    clock = Ahead()
    whole = Whole(tmp_path, clock=clock)
    changes = ChangeLog(clock)
    changes.record("alice", "answers.generator.prefer", {"generator": "first"})
    for _ in range(6):
        whole.service.counters.count_failure("x")
    clock.ahead += seconds
    read = {one.name: one.read for one in signals(whole.service, whole.exporter, changes)}
    assert [sample.value for sample in read["answers.errors.after_change"]()] == [after, 0.0]
    whole.close()
