"""Samples in memory, PromQL over them, and alert rules in the file format of Prometheus.

The subset of PromQL and its semantics are those of Prometheus 2.42; ``tests/monitoring`` proves it
against the real server on the same samples.
"""
