"""Evaluation of answers: offline test sets, online monitoring, experiments."""
