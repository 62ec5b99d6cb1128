"""Watches and operates a PostgreSQL server: signals, actions and faults."""
