"""Data drift: population stability index (PSI) of each column.

PSI = sum over bins of (now - then) * ln(now / then). Values are comparable only with the same bins,
so the reference's decile edges are kept with the baseline. Without drift the expected PSI is about
(bins - 1) * (1/n_then + 1/n_now); that is subtracted before the comparison with the thresholds.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trimtab.gates.codes import finding
from trimtab.gates.datasets import THREADS
from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.policy import DriftPolicy
from trimtab.gates.records import Finding

BINS = 10
EDGE_ROWS = 100_000
"""From about this many rows, evenly spaced, the edges are taken."""
_EMPTY = 1e-6
"""Stands for an empty bin, whose logarithm would be infinite."""
Table = npt.NDArray[np.float64] | npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bins:
    """Bin edges and shares of one reference column."""

    edges: npt.NDArray[np.float64]
    """Inner edges, ascending and distinct; shape (k,), k <= 9."""
    shares: npt.NDArray[np.float64]
    """Share of the reference in each bin and, last, its share of missing values; shape (k + 2,)."""
    rows: int


def read_table(path: Path) -> Table:
    """Return a table of numbers from ``.npy`` or CSV, shape (rows, columns).

    Raises:
        EvidenceUnreadable: The file has neither format, or is not two-dimensional.
    """
    try:
        if path.suffix == ".npy":
            table = np.load(path, allow_pickle=False, mmap_mode="r")
        else:
            table = np.genfromtxt(path, delimiter=",", skip_header=1, dtype=np.float64, ndmin=2)
    except (OSError, ValueError) as error:
        raise EvidenceUnreadable(f"{path.name} is not a table of numbers: {error}") from error
    if table.ndim != 2 or not len(table):
        raise EvidenceUnreadable(f"{path.name} has shape {table.shape}, wanted (rows, columns).")
    checked: Table = table
    return checked


def pin_bins(reference: Table) -> tuple[Bins, ...]:
    """Return decile bins for each column of the reference."""
    with ThreadPoolExecutor(THREADS) as pool:
        return tuple(pool.map(lambda column: _pin(reference[:, column]), range(reference.shape[1])))


def _pin(column: npt.NDArray[np.floating]) -> Bins:
    # The edges need only be near the deciles; the shares are counted on every row.
    sample = column[:: max(1, len(column) // EDGE_ROWS)]
    known = sample[~np.isnan(sample)]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.empty(0)
    return Bins(edges, _shares(column, edges), len(column))


def _shares(
    column: npt.NDArray[np.floating], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the share of rows in each bin, then of missing values.

    A bin is the interval [edge, next edge).
    """
    # One comparison of a contiguous column for each of the nine edges costs a tenth of a binary
    # search for each row.
    values = np.ascontiguousarray(column)
    missing = int(np.count_nonzero(np.isnan(values)))
    reached = [np.count_nonzero(values >= edge) for edge in edges.astype(values.dtype)]
    at_least = np.array([len(values) - missing, *reached, 0], dtype=np.float64)
    return np.append(at_least[:-1] - at_least[1:], missing) / len(values)


def psi(bins: Bins, column: npt.NDArray[np.floating]) -> float:
    """Return a column's PSI minus its noise floor; at least 0."""
    then = np.maximum(bins.shares, _EMPTY)
    now = np.maximum(_shares(column, bins.edges), _EMPTY)
    used = (bins.shares > 0) | (now > _EMPTY)
    value = float(np.sum(((now - then) * np.log(now / then))[used]))
    floor = (int(used.sum()) - 1) * (1 / bins.rows + 1 / len(column))
    return max(0.0, value - floor)


def data_findings(
    reference: Table, current: Table, rules: DriftPolicy, names: Sequence[str] = ()
) -> tuple[tuple[tuple[str, float], ...], tuple[Finding, ...]]:
    """Return the PSI of each column, and findings for those that drifted.

    Raises:
        EvidenceUnreadable: The tables have different columns.
    """
    if reference.shape[1] != current.shape[1]:
        raise EvidenceUnreadable(f"{reference.shape[1]} columns then, {current.shape[1]} now.")
    pinned = pin_bins(reference)
    labels = [names[i] if i < len(names) else f"column {i}" for i in range(len(pinned))]
    with ThreadPoolExecutor(THREADS) as pool:
        values = list(pool.map(lambda i: psi(pinned[i], current[:, i]), range(len(pinned))))
    rows = tuple(zip(labels, values, strict=True))
    return rows, tuple(found for label, value in rows for found in _judge(label, value, rules))


def _judge(label: str, value: float, rules: DriftPolicy) -> list[Finding]:
    if value >= rules.psi_critical:
        return [
            finding(
                "drift.critical", label, f"PSI {value:.3f}, critical from {rules.psi_critical:g}"
            )
        ]
    if value >= rules.psi_warning:
        return [
            finding("drift.warning", label, f"PSI {value:.3f}, warning from {rules.psi_warning:g}")
        ]
    return []
