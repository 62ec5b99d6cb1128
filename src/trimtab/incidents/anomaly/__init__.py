"""Anomalies of single series that have no threshold, found without labels."""
