"""Trained models: registry, serving and monitoring."""
