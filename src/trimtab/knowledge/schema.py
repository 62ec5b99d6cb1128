"""The tables as `schema.sql`, for the command line: only the domain itself may import its store."""

from trimtab.knowledge.store.schema import schema_sql

__all__ = ["schema_sql"]
