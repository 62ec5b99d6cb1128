"""Care of what is kept: backups, checks, repair, restore, clean-up, and the proof that deletions hold."""

from trimtab.knowledge.care.care import Care

__all__ = ["Care"]
