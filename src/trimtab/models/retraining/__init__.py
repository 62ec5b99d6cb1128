"""Retraining as a durable job behind an approval."""
