"""Runs a module's tests of knowledge on SQLite and on PostgreSQL: it imports this fixture."""

import pytest


@pytest.fixture
def knowledge_server(databases):
    """Return the PostgreSQL server of the knowledge database; None for a SQLite file."""
    if databases.engine == "sqlite":
        return None
    return databases.server("knowledge", ("knowledge",))
