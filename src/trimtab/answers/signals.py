"""Signals of the answers domain."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from trimtab.answers.budgets import Budget
from trimtab.answers.leaks import LeakMonitor
from trimtab.answers.metrics import KINDS, AnswerCounters
from trimtab.answers.model_endpoint import ModelReport
from trimtab.answers.records import SLOW
from trimtab.answers.service import AnswerService
from trimtab.answers.tracing import SpanExporter
from trimtab.infra.changes import ChangeLog, RecordedChange
from trimtab.kernel.drilling import LABEL, MARK, samples_apart
from trimtab.kernel.operable import Sample, Signal

_MEANING = {
    "given": "Answers given.",
    "not_found": "Answers that say that the documents do not hold it.",
    "blocked": "Answers that a guard withheld.",
    "empty": "Questions for which nothing at all was retrieved.",
    "degraded": "Answers found by keywords alone.",
    "fallback": "Answers that another generator than the first choice wrote.",
    "generated": "Found answers that a model wrote.",
    "unsupported": "Found answers of a model whose grounding is under 0.85.",
}


_BEFORE_SECONDS = 120.0
_BLAMED_SECONDS = 1800.0


def signals(
    service: AnswerService, exporter: SpanExporter, changes: ChangeLog | None = None
) -> tuple[Signal, ...]:
    """Return every signal of the domain.

    Args:
        service: Answers the questions.
        exporter: Sends the traces.
        changes: The recorded changes that errors are compared with.
    """
    return (
        *_counts(service),
        *_around_change(service, changes or ChangeLog(service.context.clock)),
        *_generators(service),
        *_routes(service),
        *_money(service),
        *_exports(exporter),
        *_leaks(service.leaks),
        *_models(service),
        _plain(
            "answers.feedback.slow_rate",
            "1/h",
            "Complaints of users in the last hour that an answer was slow.",
            partial(_slow_complaints, service),
            "answers_feedback_slow_per_hour",
        ),
    )


def _plain(name: str, unit: str, text: str, read: Callable[[], float], metric: str = "") -> Signal:
    return Signal(name, unit, text, lambda: (Sample(float(read())),), metric=metric)


def _labelled(
    name: str, text: str, label: str, read: Callable[[], Iterable[tuple[str, float]]], **more: Any
) -> Signal:
    def samples() -> Iterable[Sample]:
        return [Sample(float(value), {label: key}) for key, value in read()]

    return Signal(name, "1", text, samples, labels=(label,), **more)


def _apart(name: str, unit: str, text: str, read: Callable[[bool], float], **more: Any) -> Signal:
    """Return a signal about users and, under its label, about drills; ``read`` receives which."""
    return Signal(name, unit, text, lambda: samples_apart(read), labels=(LABEL,), **more)


def _failures(counters: AnswerCounters) -> Iterable[Sample]:
    for drill in (False, True):
        mark = {LABEL: MARK} if drill else {}
        for code, count in counters.failures(drill=drill).items():
            yield Sample(float(count), {"code": code, **mark})


def _counts(service: AnswerService) -> Iterable[Signal]:
    counters = service.counters
    for kind in KINDS:
        yield _apart(
            f"answers.{kind}",
            "answers",
            _MEANING[kind],
            lambda drill, kind=kind: counters.count(kind, drill=drill),  # type: ignore[misc]
            metric=f"answers_{kind}_total",
            counter=True,
        )
    yield Signal(
        "answers.failed",
        "1",
        "Questions that ended in an error of the service, by its code.",
        partial(_failures, counters),
        labels=("code", LABEL),
        metric="answers_failed_total",
        counter=True,
    )


def recent_errors(service: AnswerService) -> int:
    """Return how many questions of users failed or fell back in the last two minutes."""
    since = service.context.clock.monotonic() - _BEFORE_SECONDS
    return service.counters.errors_between(since)


def _around_change(service: AnswerService, changes: ChangeLog) -> Iterable[Signal]:
    counters = service.counters

    def newest() -> RecordedChange | None:
        # What fails long after a change has another cause, and must not be held against it.
        change = changes.newest()
        return None if change is None or changes.age_seconds() > _BLAMED_SECONDS else change

    def before(drill: bool) -> float:
        change = newest()
        if change is None:
            return 0
        if change.errors_before is not None:
            return 0 if drill else change.errors_before
        at = change.monotonic
        return counters.errors_between(at - _BEFORE_SECONDS, at, drill=drill)

    def after(drill: bool) -> float:
        change = newest()
        return 0 if change is None else counters.errors_between(change.monotonic, drill=drill)

    yield _apart(
        "answers.error_ratio",
        "ratio",
        "Share of the questions of the last minute that failed or fell back; absent when none was "
        "asked.",
        lambda drill: counters.error_ratio(60.0, drill=drill),
    )
    yield _apart(
        "answers.errors.before_change",
        "questions",
        "Questions that failed or fell back in the two minutes before the newest change of the "
        "last half hour; 0 without one.",
        before,
    )
    yield _apart(
        "answers.errors.after_change",
        "questions",
        "Questions that failed or fell back since the newest change of the last half hour; 0 "
        "without one.",
        after,
    )


def _generators(service: AnswerService) -> Iterable[Signal]:
    models = service.models
    yield _labelled(
        "answers.generator.failures",
        "Failures of a generator.",
        "generator",
        lambda: [(name, models.failed[name]) for name in models.names],
        metric="answers_generator_failures_total",
        counter=True,
    )
    yield _labelled(
        "answers.generator.resting",
        "1 while a generator that failed three times in a row is not asked.",
        "generator",
        lambda: [(name, models.resting(name)) for name in models.names],
    )
    yield _labelled(
        "answers.generator.order",
        "The generators' places in the order in which they are asked, from 1.",
        "generator",
        lambda: [(name, place) for place, name in enumerate(models.names, 1)],
    )


def _money(service: AnswerService) -> Iterable[Signal]:
    def standing(read: Callable[[Budget], float]) -> Callable[[], Iterable[tuple[str, float]]]:
        return lambda: [(b.name, read(b)) for b in (service.budget, service.shadow_budget)]

    yield _labelled(
        "answers.budget.share",
        "How much of a budget is spent or reserved in its period, from 0 to 1.",
        "budget",
        standing(lambda budget: budget.standing().share),
    )
    yield _labelled(
        "answers.budget.spent_usd",
        "What was spent of a budget in its period, in US dollars.",
        "budget",
        standing(lambda budget: budget.standing().spent_usd),
    )


def _routes(service: AnswerService) -> Iterable[Signal]:
    yield _plain(
        "answers.routing.routes",
        "routes",
        "Projects whose questions are sent elsewhere.",
        lambda: len(service.retrieval.routes),
    )


def _slow_complaints(service: AnswerService) -> float:
    return service.feedback.count_reason(SLOW, service.context.clock.now() - timedelta(hours=1))


def _models(service: AnswerService) -> Iterable[Signal]:
    """Yield what the last test of the connected model said; absent before one."""

    def report_samples(
        value: Callable[[ModelReport], float | None],
    ) -> Callable[[], Iterable[Sample]]:
        def samples() -> Iterable[Sample]:
            report = service.model.report
            found = None if report is None else value(report)
            return () if found is None else (Sample(float(found)),)

        return samples

    valid = {"valid": 1.0, "invalid": 0.0}
    shown: tuple[tuple[str, str, str, Callable[[ModelReport], float | None]], ...] = (
        ("provider_up", "1", "1 when the provider answered.", lambda r: r.provider == "up"),
        ("key_valid", "1", "1 when the API key was accepted.", lambda r: valid.get(r.key)),
        ("credits_usd", "US dollars", "What was left of the key.", lambda r: r.credits_usd),
        ("calls_ratio", "ratio", "Share of the plan's calls a month used from here.", _calls_ratio),
    )
    for name, unit, text, value in shown:
        note = "At the last look at the connected model, every ten minutes; absent if unknown."
        yield Signal(f"answers.model.{name}", unit, f"{text} {note}", report_samples(value))


def _calls_ratio(report: ModelReport) -> float | None:
    if report.calls_used is None or not report.calls_limit:
        return None
    return report.calls_used / report.calls_limit


def _exports(exporter: SpanExporter) -> Iterable[Signal]:
    yield _plain(
        "answers.export.waiting",
        "traces",
        "Traces that the tracing backend does not have, at the last try.",
        lambda: exporter.last.waiting,
    )
    yield _plain(
        "answers.export.failing",
        "1",
        "1 when the tracing backend did not take the traces at the last try.",
        lambda: bool(exporter.last.error),
    )


def _leaks(leaks: LeakMonitor) -> Iterable[Signal]:
    yield _labelled(
        "answers.personal_data",
        "Where personal data was found that must not be there: kept traces, shown answers, log "
        "lines of the last hour.",
        "place",
        lambda: leaks.counts().items(),
        metric="answers_personal_data_found",
    )
    yield Signal(
        "answers.personal_data.traces",
        "1",
        "The traces that hold personal data, or whose answer or log line does; the newest twenty.",
        lambda: (
            Sample(1.0, {"place": leak.place, "trace": leak.trace_id}) for leak in leaks.named()
        ),
        ("place", "trace"),
        "answers_personal_data_trace",
    )
