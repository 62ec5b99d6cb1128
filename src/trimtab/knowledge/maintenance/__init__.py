"""Care of what is kept: backups, checks, repair, restore, clean-up, and the proof that deletions hold."""

from trimtab.knowledge.maintenance.service import Maintenance

__all__ = ["Maintenance"]
