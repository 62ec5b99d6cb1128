"""SQLite databases: connections, migrations and integrity checks."""
