"""Tests of the adapter to PostgreSQL, on real servers."""
