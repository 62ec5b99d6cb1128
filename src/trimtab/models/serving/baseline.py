"""Answers by rules and usual shares when no version of a model can."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from trimtab.models.records import BaselineRule, Comparison, Manifest, ModelBaseline
from trimtab.models.rows import Outputs, Rows

_COMPARISONS: Mapping[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.BELOW: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.EQUAL: operator.eq,
}
_RULE_SHARE = 0.5
"""Share that a rule moves to its class; the rest keeps the usual shares."""


def baseline_outputs(manifest: Manifest, baseline: ModelBaseline, rows: Rows) -> Outputs:
    """Return the baseline's output for each row."""
    found = [_first_rule(baseline, rows, at) for at in range(len(rows))]
    if not manifest.classes:
        numbers = [baseline.number if rule is None else rule.number for rule in found]
        return Outputs(np.array(numbers, dtype=np.float64), np.full(len(rows), np.nan))
    usual = np.array([baseline.probabilities[label] for label in manifest.classes])
    shares = np.tile(usual, (len(rows), 1))
    for at, rule in enumerate(found):
        if rule is not None:
            shares[at] *= 1 - _RULE_SHARE
            shares[at, manifest.classes.index(rule.label)] += _RULE_SHARE
    labels = shares.argmax(axis=1)
    confidence = shares[np.arange(len(rows)), labels]
    is_binary = manifest.positive in manifest.classes
    values = shares[:, manifest.classes.index(manifest.positive)] if is_binary else confidence
    return Outputs(values, confidence, manifest.classes, labels, shares)


def _first_rule(baseline: ModelBaseline, rows: Rows, at: int) -> BaselineRule | None:
    for rule in baseline.rules:
        value = rows.column(rule.column)[at]
        # A missing value satisfies no rule; a rule may compare a text with a number by mistake.
        if value is None or isinstance(value, str) != isinstance(rule.than, str):
            continue
        if _COMPARISONS[rule.comparison](value, rule.than):
            return rule
    return None
