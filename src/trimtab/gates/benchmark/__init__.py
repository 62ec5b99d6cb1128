"""Benchmark gate: checks that the run is complete, reproducible and consistent.

Threat: an empty or cut result file (a well-known submission checker once passed an empty accuracy
file), predictions for other samples than were read, a log that was edited, reordered or cut, a run
that cannot be repeated, a change of unit. Limits: the log contains no secret, so an attacker who
rewrites the whole log can recompute the chain; the signed provenance of the log protects against
that.
"""

from trimtab.gates.benchmark.check import check
from trimtab.gates.benchmark.logger import BenchmarkLogger
from trimtab.gates.benchmark.prove import Proof, prove
from trimtab.gates.benchmark.stream import LogSummary, read_log

__all__ = ["BenchmarkLogger", "LogSummary", "Proof", "check", "prove", "read_log"]
