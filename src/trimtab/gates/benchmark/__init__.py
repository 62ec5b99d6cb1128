"""The benchmark gate: the run was complete, reproducible, and counted what it says it counted.

Threat: an empty or cut result file (a well-known submission checker once passed an empty accuracy file), predictions
for other samples than were read, a log that was edited, reordered or cut, a run that nobody can repeat, a change of
unit. Limits: a log carries no secret, so whoever rewrites all of it can chain it again; the signed provenance that
covers the log is what stands against that.
"""

from trimtab.gates.benchmark.check import check
from trimtab.gates.benchmark.logger import BenchmarkLogger
from trimtab.gates.benchmark.prove import Proof, prove
from trimtab.gates.benchmark.stream import LogSummary, read_log

__all__ = ["BenchmarkLogger", "LogSummary", "Proof", "check", "prove", "read_log"]
