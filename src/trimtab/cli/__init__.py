"""The `trimtab` command: a client of the HTTP interface, and the way to start it."""

from trimtab.cli.main import main

__all__ = ["main"]
