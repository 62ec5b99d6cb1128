"""Reads labelled cases of root-cause data sets: Sock Shop (RCD) and PetShop."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trimtab.incidents.errors import CasesRefused
from trimtab.incidents.rca.contribution import Target
from trimtab.incidents.rca.frame import Array, MetricColumn, MetricFrame

_SYMPTOMS = ("latency", "availability")


@dataclass(frozen=True, slots=True)
class LabelledCase:
    """A problem whose cause is known."""

    name: str
    normal: MetricFrame
    abnormal: MetricFrame
    cause: str
    graph: Mapping[str, Sequence[str]] | None = None
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class CaseSet:
    """The cases of one data set."""

    name: str
    cases: tuple[LabelledCase, ...]


def read_cases(folder: Path) -> list[CaseSet]:
    """Read every data set in a folder or in its sub-folders.

    Raises:
        CasesRefused: There is none, or a file of one cannot be read.
    """
    try:
        found = [each for place in _folders(folder) if (each := _set_of(place)) is not None]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CasesRefused(f"The cases in {folder.name} cannot be read: {error!r}.") from error
    if not found:
        raise CasesRefused(f"No labelled cases are in {folder.name}.")
    return found


def _folders(folder: Path) -> Iterator[Path]:
    yield folder
    yield from sorted(each for each in folder.glob("*") if each.is_dir())
    yield from sorted(each for each in folder.glob("*/*") if each.is_dir())


def _set_of(folder: Path) -> CaseSet | None:
    if (folder / "graph.csv").exists() and (folder / "noissue" / "metrics.csv").exists():
        return CaseSet(folder.name, tuple(_petshop(folder)))
    cases = tuple(_sockshop(folder))
    return CaseSet(folder.name, cases) if cases else None


def _sockshop(folder: Path) -> Iterator[LabelledCase]:
    for problem in sorted(folder.glob("*-*")):
        node, dash, _ = problem.name.rpartition("-")
        for repeat in sorted(problem.glob("*")):
            if dash and (repeat / "normal.csv").exists():
                yield LabelledCase(
                    f"{problem.name}/{repeat.name}",
                    _flat(repeat / "normal.csv"),
                    _flat(repeat / "anomalous.csv"),
                    node,
                )


def _petshop(folder: Path) -> Iterator[LabelledCase]:
    normal = _layered(folder / "noissue" / "metrics.csv")
    graph = _graph(folder / "graph.csv")
    for case in sorted(folder.glob("*/issue_*")):
        document = json.loads((case / "target.json").read_text(encoding="utf-8"))
        symptom = document["target"]["metric"]
        if symptom not in _SYMPTOMS:
            raise ValueError(f"unknown symptom {symptom!r}")
        yield LabelledCase(
            f"{case.parent.name}/{case.name}",
            normal,
            _layered(case / "metrics.csv"),
            str(document["root_cause"]["node"]),
            graph,
            Target(str(document["target"]["node"]), symptom),
        )


def _flat(file: Path) -> MetricFrame:
    """Read a file with a header of ``<node>_<metric>`` and the time in the first column."""
    rows = _rows(file)
    columns = []
    for name in rows[0][1:]:
        node, _, metric = name.partition("_")
        columns.append(MetricColumn(node, metric))
    return MetricFrame(tuple(columns), _values(rows[1:]))


def _layered(file: Path) -> MetricFrame:
    """Read a file with three headers: node, metric and statistic."""
    rows = _rows(file)
    headers = zip(rows[0][1:], rows[1][1:], rows[2][1:], strict=True)
    return MetricFrame(tuple(MetricColumn(*each) for each in headers), _values(rows[4:]))


def _graph(file: Path) -> dict[str, list[str]]:
    rows = _rows(file)
    names = rows[0][1:]
    return {
        row[0]: [name for name, cell in zip(names, row[1:], strict=True) if float(cell) > 0]
        for row in rows[1:]
    }


def _rows(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.reader(stream) if row]


def _values(rows: Sequence[Sequence[str]]) -> Array:
    return np.asarray([[_number(cell) for cell in row[1:]] for row in rows], dtype=np.float64)


def _number(cell: str) -> float:
    return float(cell) if cell.strip() else float("nan")
