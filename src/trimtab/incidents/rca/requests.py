"""Derives requests, latency and availability of nodes from counters and histograms of services.

Read are histograms and summaries of durations (`..._seconds_sum` and `_count`, or milliseconds), as
Prometheus clients and OpenTelemetry write them, and the service graph that OpenTelemetry collectors
and Tempo derive from traces.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.incidents.rca.frame import Array, MetricColumn
from trimtab.monitoring.labels import METRIC_NAME

EDGES = "traces_service_graph_request_"
"""Beginning of the metrics of the service graph, with the labels `client` and `server`."""
_SERVER = f"{EDGES}server_seconds"
_FAILED = f"{EDGES}failed_total"
_UNITS = {"_seconds": 1.0, "_milliseconds": 0.001, "_ms": 0.001}
_STATUS = (
    "code",
    "status",
    "status_code",
    "http_status_code",
    "http_response_status_code",
    "response_code",
)
_OTHERS = ("client", "db_", "rpc_client")
"""Words in the names of durations that a node spends on others."""


@dataclass(frozen=True, slots=True)
class NodeSeries:
    """One series of a node, at the instants of both windows."""

    node: str
    labels: Mapping[str, str]
    values: Array
    """Of a counter, its growth in a second."""


def edges(labels: Iterable[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the services that each service calls, by the series of a service graph."""
    found: dict[str, list[str]] = defaultdict(list)
    for each in labels:
        client, server = each.get("client", ""), each.get("server", "")
        is_edge = each.get(METRIC_NAME, "").startswith(EDGES) and client and server
        if is_edge and client != server and server not in found[client]:
            found[client].append(server)
    return {client: tuple(servers) for client, servers in found.items() if servers}


def request_columns(series: Sequence[NodeSeries], step_seconds: float) -> dict[MetricColumn, Array]:
    """Return the columns `requests`, `latency` and `availability` of each node that has them.

    Args:
        series: Of all nodes.
        step_seconds: Time between two values, for which requests are counted.
    """
    columns: dict[MetricColumn, Array] = {}
    failed = _failed_of_graph(series)
    for (node, base), (sums, counts, errors) in _chosen(series).items():
        requests = np.sum(counts, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            latency = np.where(requests > 0, np.sum(sums, axis=0) / requests, np.nan)
            failures = errors + (failed.get(node, 0.0) if base == _SERVER else 0.0)
            available = np.where(requests > 0, 100.0 * (1 - failures / requests), np.nan)
        columns[MetricColumn(node, "requests", "Sum")] = requests * step_seconds
        columns[MetricColumn(node, "latency", "Average")] = latency
        columns[MetricColumn(node, "availability", "Average")] = np.clip(available, 0.0, 100.0)
    return columns


_Parts = tuple[list[Array], list[Array], Array]
"""Rates of the sums in seconds, of the counts, and of the counts of failed requests."""


def _chosen(series: Sequence[NodeSeries]) -> dict[tuple[str, str], _Parts]:
    """Return for each node the duration of which it has the most requests."""
    grouped: dict[str, dict[str, _Parts]] = defaultdict(dict)
    for each in series:
        name = each.labels.get(METRIC_NAME, "")
        base, _, part = name.rpartition("_")
        unit = next((factor for end, factor in _UNITS.items() if base.endswith(end)), 0.0)
        if not unit or part not in ("sum", "count") or _is_of_others(base):
            continue
        nothing: _Parts = ([], [], np.zeros(len(each.values)))
        sums, counts, errors = grouped[each.node].setdefault(base, nothing)
        values = np.nan_to_num(each.values)
        if part == "sum":
            sums.append(values * unit)
            continue
        counts.append(values)
        if any(each.labels.get(label, "").startswith("5") for label in _STATUS):
            errors += values
    found = {}
    for node, bases in grouped.items():
        chosen = _busiest(bases)
        if chosen is not None:
            found[node, chosen] = bases[chosen]
    return found


def _is_of_others(base: str) -> bool:
    return base != _SERVER and any(word in base for word in _OTHERS)


def _busiest(bases: Mapping[str, _Parts]) -> str | None:
    whole = sorted(base for base, (sums, counts, _) in bases.items() if sums and counts)
    return max(whole, key=lambda base: float(np.sum(bases[base][1])), default=None)


def _failed_of_graph(series: Sequence[NodeSeries]) -> dict[str, Array]:
    failed: dict[str, Array] = {}
    for each in series:
        if each.labels.get(METRIC_NAME) == _FAILED:
            failed[each.node] = failed.get(each.node, 0.0) + np.nan_to_num(each.values)
    return failed
