"""The `trimtab` command: an HTTP client of the service that also starts it."""

from trimtab.cli.main import main

__all__ = ["main"]
