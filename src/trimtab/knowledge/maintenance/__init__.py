"""Maintenance of stored data: backups, checks, repair, restore, clean-up, deletion proofs."""

from trimtab.knowledge.maintenance.service import DerivedData, Maintenance

__all__ = ["DerivedData", "Maintenance"]
