"""Detects and repairs damage in SQLite files; only `infra.storage` may import it."""
