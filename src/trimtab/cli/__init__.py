"""The `trimtab` command: an HTTP client of the service that also starts it."""

from trimtab.cli.runtime.interrupts import ending_at_once

with ending_at_once():
    from trimtab.cli.main import main

__all__ = ["main"]
