"""Serving: batches, deadlines, fallbacks, stored results, canaries and shadows."""
