"""Signals of the guards, for metrics, alerts and runbooks."""

import math
from collections.abc import Iterable, Mapping

from trimtab.guardrails.metrics import GuardMetrics
from trimtab.guardrails.service import ANSWERS, PROBE, Guardrails
from trimtab.kernel.drilling import LABEL, MARK, samples_apart
from trimtab.kernel.operable import Sample, Signal


def signals(guardrails: Guardrails) -> tuple[Signal, ...]:
    """Return all signals of the guardrails domain."""
    return (*_of_validation(guardrails), *_of_verdicts(guardrails), *_of_state(guardrails))


def _metrics(guardrails: Guardrails) -> Iterable[tuple[dict[str, str], GuardMetrics]]:
    """Yield labels and metrics of each engine, for users, then drills."""
    for drill in (False, True):
        mark = {LABEL: MARK} if drill else {}
        for name, engine in guardrails.engines.items():
            yield {"judged": name, **mark}, engine.get_metrics(drill=drill)


def _by_guard(
    labels: Mapping[str, str], values: Mapping[str, float], scale: float = 1.0
) -> Iterable[Sample]:
    judged = labels["judged"]
    return (
        Sample(value * scale, {"judged": judged, "guard": guard, **labels})
        for guard, value in values.items()
    )


def _of_validation(guardrails: Guardrails) -> Iterable[Signal]:
    def success_rate() -> Iterable[Sample]:
        for labels, found in _metrics(guardrails):
            if found.validation_success_rate is not None:
                yield Sample(found.validation_success_rate, labels)

    def duration() -> Iterable[Sample]:
        for labels, found in _metrics(guardrails):
            yield from _by_guard(labels, found.processing_duration_ms, 0.001)

    def counts(name: str) -> Iterable[Sample]:
        for labels, found in _metrics(guardrails):
            yield Sample(getattr(found, name), labels)

    yield Signal(
        "guardrails.validation.success_rate",
        "1",
        "The share of verdicts since the start that are judgements, not errors or timeouts.",
        success_rate,
        ("judged", LABEL),
        "guardrail_validation_success_rate",
    )
    yield Signal(
        "guardrails.processing.duration",
        "seconds",
        "The 95th percentile of a guard's time over its last 500 verdicts.",
        duration,
        ("judged", "guard", LABEL),
        "guardrail_processing_duration",
    )
    yield Signal(
        "guardrails.validation.verdicts",
        "1",
        "Verdicts since the start, also those from an error or a timeout.",
        lambda: counts("validations"),
        ("judged", LABEL),
        "guardrail_validations_total",
        counter=True,
    )
    yield Signal(
        "guardrails.validation.failures",
        "1",
        "Verdicts that come from an error or a timeout, since the start.",
        lambda: counts("failures"),
        ("judged", LABEL),
        "guardrail_validation_failures_total",
        counter=True,
    )


def _of_verdicts(guardrails: Guardrails) -> Iterable[Signal]:
    def blocks() -> Iterable[Sample]:
        # Start at zero, so that `increase` sees the first block of a guard.
        for labels, found in _metrics(guardrails):
            configs = guardrails.engines[labels["judged"]].configs
            none = dict.fromkeys((config.guard.name for config in configs), 0)
            yield from _by_guard(labels, {**none, **found.blocked})

    def false_positives() -> Iterable[Sample]:
        # Only blocks of user traffic are reviewed.
        for judged, engine in guardrails.engines.items():
            rate = engine.get_metrics().false_positive_rate
            if rate is not None:
                yield Sample(rate, {"judged": judged})

    def grounding() -> Iterable[Sample]:
        engine, nan = guardrails.engines[ANSWERS], math.nan
        return samples_apart(
            lambda drill: 1 - engine.get_metrics(drill=drill).score_p50.get("hallucination", nan)
        )

    yield Signal(
        "guardrails.blocks",
        "1",
        "Texts that a guard has blocked since the start.",
        blocks,
        ("judged", "guard", LABEL),
        "guardrail_blocks_total",
        counter=True,
    )
    yield Signal(
        "guardrails.false_positive_rate",
        "1",
        "Of the reviewed blocks, the share that a person called wrong; absent before the first"
        " review.",
        false_positives,
        ("judged",),
        "guardrail_false_positive_rate",
    )
    yield Signal(
        "guardrails.grounding.median",
        "1",
        "The median grounding score of the worst sentence of an answer, over the last 500 answers.",
        grounding,
        (LABEL,),
        metric="guardrail_grounding_score_p50",
    )


def _of_state(guardrails: Guardrails) -> Iterable[Signal]:
    def failing() -> Iterable[Sample]:
        found = guardrails.failing()
        names = {
            config.guard.name for engine in guardrails.engines.values() for config in engine.configs
        }
        names.add(PROBE)
        return (Sample(float(name in found), {"guard": name}) for name in sorted(names))

    yield Signal(
        "guardrails.guard.failing",
        "1",
        "1 when the guard failed or was late on a harmless text that is put to it every few"
        " seconds; `probe`: the probe itself.",
        failing,
        ("guard",),
        "guardrail_failing",
    )
    yield Signal(
        "guardrails.bypass.active",
        "1",
        "1 while a bypass is in force.",
        lambda: (Sample(float(guardrails.bypass.active() is not None)),),
        metric="guardrail_bypass_active",
    )
