"""Monitoring of models that run here or anywhere: drift, data quality, metrics, latency."""
