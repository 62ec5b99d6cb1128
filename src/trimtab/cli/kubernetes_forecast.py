"""Rows of `kubernetes forecast`: what is used, what will be, and what keeps it below 70 %."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

LIMIT = 0.7
"""The share below which the documents want every resource."""
_PLACE = ("cluster", "namespace", "name")


def forecast_rows(read: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return one row for each resource, the one with the highest expected peak first.

    Args:
        read: Samples of the signals, by their names.
    """
    expected = {_key(each): each["value"] for each in read["usage.forecast.peak"]}
    workloads = {
        tuple(each["labels"][name] for name in _PLACE): each
        for each in read["k8s.replicas.desired"]
    }
    rows = [_row(each, expected.get(_key(each)), workloads) for each in read["usage.peak"]]
    return sorted(rows, key=lambda row: -(row["expected"] or 0))


def _row(
    past: Mapping[str, Any],
    expected: float | None,
    workloads: Mapping[tuple[str, ...], Mapping[str, Any]],
) -> dict[str, Any]:
    labels = past["labels"]
    row = {**labels, "peak": past["value"], "expected": expected, "act": "", "advice": ""}
    if expected is None or expected <= LIMIT:
        return row
    workload = workloads.get(tuple(labels[name] for name in _PLACE))
    if workload is None:
        return {**row, "advice": "add room"}
    replicas, kind = math.ceil(workload["value"] * expected / LIMIT), workload["labels"]["kind"]
    place = f"namespace={labels['namespace']} cluster={labels['cluster']}"
    act = f"trimtab act k8s.scale name={labels['name']} kind={kind} {place} replicas={replicas}"
    return {**row, "act": act}


def _key(sample: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(sample["labels"].items()))
