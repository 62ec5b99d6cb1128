"""Offline evaluation: golden questions, regression against past traces, load tests."""

from trimtab.evaluation.offline import golden
from trimtab.evaluation.offline.cases import EvaluationCase, Reply, read_cases, traces_as_cases
from trimtab.evaluation.offline.load import LoadReport, run_load
from trimtab.evaluation.offline.regression import EvalRun, Regression, compare, run

__all__ = [
    "EvalRun",
    "EvaluationCase",
    "LoadReport",
    "Regression",
    "Reply",
    "compare",
    "golden",
    "read_cases",
    "run",
    "run_load",
    "traces_as_cases",
]
