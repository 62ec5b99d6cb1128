"""`drills`: inject faults and check that their runbooks repair them."""

from trimtab.cli.drills import outage
from trimtab.cli.drills.run import app

__all__ = ["app", "outage"]
