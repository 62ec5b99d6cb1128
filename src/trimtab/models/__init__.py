"""Trained models: a registry that proves what serves, and predictions over HTTP."""
