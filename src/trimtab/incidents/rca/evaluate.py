"""Measures root-cause ranking on labelled cases and on normal windows."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trimtab.incidents.rca.datasets import CaseSet, LabelledCase, read_cases
from trimtab.incidents.rca.frame import MetricFrame, common
from trimtab.incidents.rca.ranking import CauseRanking, by_shift, rank_causes
from trimtab.incidents.rca.shifts import METHODS

_NORMAL_WINDOWS = 50
"""Windows of normal time for each data set at most."""


@dataclass(frozen=True, slots=True)
class MethodScore:
    """Result of one method on the cases of a set."""

    method: str
    at_1: float
    """Part of the cases whose cause is first, whether it abstained or not."""
    at_3: float


@dataclass(frozen=True, slots=True)
class SetScore:
    """Result of the shipped ranking on one data set."""

    name: str
    cases: int
    at_1: float
    at_3: float
    answered: float
    """Part of the cases for which it named a cause."""
    wrong: float
    """Part of the cases for which it named a wrong cause."""
    normal_windows: int
    specificity: float
    """Part of the normal windows for which it named none."""
    p95_seconds: float
    methods: tuple[MethodScore, ...]
    misses: tuple[str, ...]


def evaluate(folder: Path) -> list[SetScore]:
    """Return the scores of every data set in the folder; raises as `read_cases` does."""
    return [_score(each) for each in read_cases(folder)]


def _score(cases: CaseSet) -> SetScore:
    timed = [_timed(case) for case in cases.cases]
    rankings = [ranking for ranking, _ in timed]
    named = [
        ranking.cause == case.cause if ranking.cause else None
        for case, ranking in zip(cases.cases, rankings, strict=True)
    ]
    normal = [_ranked(case).abstained_because != "" for case in _normal_windows(cases)]
    first = _part(cases, rankings, 1)
    seconds = sorted(took for _, took in timed)
    return SetScore(
        name=cases.name,
        cases=len(cases.cases),
        at_1=first,
        at_3=_part(cases, rankings, 3),
        answered=round(sum(each is not None for each in named) / len(named), 4),
        wrong=round(sum(each is False for each in named) / len(named), 4),
        normal_windows=len(normal),
        specificity=round(sum(normal) / len(normal), 4) if normal else 0.0,
        p95_seconds=round(seconds[int(0.95 * (len(seconds) - 1))], 4),
        methods=tuple(_method(cases, name) for name in ("ensemble", *METHODS)),
        misses=tuple(
            case.name
            for case, ranking in zip(cases.cases, rankings, strict=True)
            if not _among(ranking, case.cause, 1)
        ),
    )


def _ranked(case: LabelledCase) -> CauseRanking:
    return rank_causes(case.normal, case.abnormal, case.graph, case.target)


def _timed(case: LabelledCase) -> tuple[CauseRanking, float]:
    begun = time.perf_counter()
    return _ranked(case), time.perf_counter() - begun


def _method(cases: CaseSet, name: str) -> MethodScore:
    def ranked(case: LabelledCase) -> CauseRanking:
        return by_shift(*common(case.normal, case.abnormal), name)

    rankings = [ranked(case) for case in cases.cases]
    return MethodScore(name, _part(cases, rankings, 1), _part(cases, rankings, 3))


def _part(cases: CaseSet, rankings: list[CauseRanking], among: int) -> float:
    found = [
        _among(ranking, case.cause, among)
        for case, ranking in zip(cases.cases, rankings, strict=True)
    ]
    return round(sum(found) / len(found), 4)


def _among(ranking: CauseRanking, cause: str, first: int) -> bool:
    return cause in [each.node for each in ranking.nodes[:first]]


def _normal_windows(cases: CaseSet) -> Iterator[LabelledCase]:
    """Yield windows of the second half of normal time, against its first half."""
    seen: list[MetricFrame] = []
    count = 0
    for case in cases.cases:
        if any(case.normal is each for each in seen):
            continue
        seen.append(case.normal)
        half = len(case.normal.values) // 2
        length = min(len(case.abnormal.values), half)
        for begin in _begins(half, len(case.normal.values), length):
            if count >= _NORMAL_WINDOWS:
                return
            count += 1
            normal, window = case.normal.rows(0, half), case.normal.rows(begin, begin + length)
            yield LabelledCase("normal", normal, window, "", case.graph, case.target)


def _begins(first: int, end: int, length: int) -> Iterator[int]:
    begin = first
    while length and begin + length <= end:
        yield begin
        begin += length
