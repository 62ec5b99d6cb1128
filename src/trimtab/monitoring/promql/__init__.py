"""Evaluator for the part of PromQL that rules and runbook checks use."""
