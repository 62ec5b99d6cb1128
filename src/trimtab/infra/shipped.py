"""Locates the files that ship with trimtab: runbooks, alert rules, manual, manifests."""

from pathlib import Path

import trimtab

_PACKAGE = Path(trimtab.__file__).parent


def shipped(name: str) -> Path:
    """Return the folder ``library``, ``rules``, ``docs``... of the package or checkout."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent.parent / name
