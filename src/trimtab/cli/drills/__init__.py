"""`drills`: break the service on purpose and see its runbook repair it."""

from trimtab.cli.drills.run import app

__all__ = ["app"]
