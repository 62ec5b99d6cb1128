"""Samples in memory, PromQL over them, alert rules in Prometheus' own file format.

The subset of PromQL and its semantics are those of Prometheus 2.42; ``tests/infra/rules`` proves it against the real
server on the same samples.
"""
