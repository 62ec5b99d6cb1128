"""Offline evaluation: golden questions, regression against past traces, load tests."""

from trimtab.evaluation.offline import golden
from trimtab.evaluation.offline.cases import Reply, read_cases, traces_as_cases
from trimtab.evaluation.offline.load import run_load
from trimtab.evaluation.offline.regression import compare, run

__all__ = ["Reply", "compare", "golden", "read_cases", "run", "run_load", "traces_as_cases"]
