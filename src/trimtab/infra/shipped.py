"""Where the files are that ship with trimtab: runbooks, alert rules, the manual."""

from pathlib import Path

import trimtab

_PACKAGE = Path(trimtab.__file__).parent


def shipped(name: str) -> Path:
    """Return the folder ``library``, ``rules`` or ``docs``: in an installed package, or in a checkout."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent.parent / name
