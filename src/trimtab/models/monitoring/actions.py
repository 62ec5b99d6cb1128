"""Actions of model monitoring: look now, and correct what a vendor changed."""

import json
import math
from collections.abc import Callable, Iterable

from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.models.monitoring.corrections import CorrectionKind, InputCorrection
from trimtab.models.monitoring.drift import FeatureDrift
from trimtab.models.monitoring.errors import NotMonitored
from trimtab.models.monitoring.profile import FeatureProfile
from trimtab.models.monitoring.service import ModelMonitor

MAX_NULL_RATE = 0.1
"""Share of missing values above which a column is filled; that of the procedures."""
_MODEL = Param("model", "string", "The model; by default that of the incident.", "")

Find = Callable[[ModelMonitor, str], list[InputCorrection]]


def actions(monitor: ModelMonitor) -> tuple[Action, ...]:
    """Return every action of the monitoring of models."""
    return (
        _look(monitor),
        _correct(
            monitor,
            "models.inputs.rescale",
            "Take a change of unit back: divide each feature whose unit changed by the measured "
            "factor, for what comes in from now on.",
            unit_corrections,
        ),
        _correct(
            monitor,
            "models.inputs.fill",
            "Fill each number of which over 10 % are missing with the middle of the reference, for "
            "what comes in from now on.",
            null_corrections,
        ),
    )


def unit_corrections(monitor: ModelMonitor, model: str) -> list[InputCorrection]:
    """Return the corrections of features whose values look like another unit."""
    before = {c.feature: c.value for c in monitor.corrections(model) if c.kind == "scale"}
    return [
        InputCorrection(
            model,
            each.feature,
            CorrectionKind.SCALE,
            before.get(each.feature, 1.0) / each.unit_factor,
        )
        for each in monitor.status(model).drift.features
        if each.unit_factor
    ]


def null_corrections(monitor: ModelMonitor, model: str) -> list[InputCorrection]:
    """Return the corrections of numbers that are missing too often."""
    profiles = {each.feature: each for each in monitor.model(model).reference.features}
    return [
        InputCorrection(model, each.feature, CorrectionKind.FILL, _middle(profiles[each.feature]))
        for each in monitor.status(model).drift.features
        if _is_missing_often(each) and profiles[each.feature].is_number
    ]


def _is_missing_often(each: FeatureDrift) -> bool:
    allowed = max(MAX_NULL_RATE, 1.5 * each.reference_null_rate)
    return not math.isnan(each.null_rate) and each.null_rate > allowed


def _middle(profile: FeatureProfile) -> float:
    """Return the edge next to the median of the reference."""
    below = 0.0
    for edge, share in zip(profile.edges, profile.shares, strict=False):
        below += share
        if below >= 0.5:
            return edge
    return profile.edges[-1] if profile.edges else 0.0


def _look(monitor: ModelMonitor) -> Action:
    def run(_: Arguments, __: ActionContext) -> ActionResult:
        monitor.run_once()
        found = monitor.statuses()
        facts = {each.model: {"drift": each.drift.verdict, "rows": each.requests} for each in found}
        return ActionResult(f"Looked at {len(found)} models.", facts)

    return Action(
        "models.monitor.look",
        "Compute what changed since the last look: accuracy, errors, latency, missing values and "
        "drift of every monitored model.",
        Risk.OBSERVE,
        run,
        run,
    )


def _correct(monitor: ModelMonitor, name: str, text: str, find: Find) -> Action:
    def run(given: Arguments, context: ActionContext) -> ActionResult:
        model = _target(monitor, given, context)
        found = find(monitor, model)
        former = {each.feature: each for each in monitor.corrections(model)}
        for each in found:
            monitor.correct(each, context.actor)
        taken = [_former(former.get(each.feature), each) for each in found]
        undo = {"model": model, "former": json.dumps(taken)} if found else None
        summary = f"Updated the feature pipeline of {model}: {_shown(found)}."
        return ActionResult(summary, _facts(found), undo, changes=bool(found))

    def dry_run(given: Arguments, context: ActionContext) -> ActionResult:
        model = _target(monitor, given, context)
        found = find(monitor, model)
        summary = f"The feature pipeline of {model} would be updated: {_shown(found)}."
        return ActionResult(summary, _facts(found), changes=bool(found))

    def undo(given: Arguments, context: ActionContext) -> ActionResult:
        model = str(given["model"])
        for feature, kind, value in json.loads(str(given["former"])):
            if kind is None:
                monitor.uncorrect(model, feature, context.actor)
            else:
                former = InputCorrection(model, feature, CorrectionKind(kind), value)
                monitor.correct(former, context.actor)
        return ActionResult(f"Restored the feature pipeline of {model}.")

    return Action(
        name, text, Risk.APPROVAL, run, dry_run, (_MODEL,), undo, effect=Effect.REVERSIBLE
    )


def _target(monitor: ModelMonitor, given: Arguments, context: ActionContext) -> str:
    name = str(given["model"]) or context.component
    if not name:
        raise NotMonitored("No model is named.", hint="Add model=NAME.")
    return monitor.model(name).name


def _former(former: InputCorrection | None, each: InputCorrection) -> list[object]:
    if former is None:
        return [each.feature, None, None]
    return [each.feature, former.kind, former.value]


def _facts(found: Iterable[InputCorrection]) -> dict[str, object]:
    return {each.feature: {"kind": each.kind, "value": each.value} for each in found}


def _shown(found: Iterable[InputCorrection]) -> str:
    texts = [
        f"{each.feature} is multiplied by {each.value:.4g}"
        if each.kind is CorrectionKind.SCALE
        else f"missing {each.feature} becomes {each.value:.4g}"
        for each in found
    ]
    return ", ".join(texts) or "nothing needs a correction"
