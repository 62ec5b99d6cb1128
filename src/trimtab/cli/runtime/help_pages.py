"""Imports what writes help pages without what they do not use.

Typer's module for them also imports Rich's Markdown and traceback, for modes that trimtab does not use. They are
a third of the time of a help page.
"""

import sys
from types import ModuleType

_UNUSED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


class NotUsed:
    """Stands for a class that help pages name in annotations only."""


def import_help_pages() -> None:
    """Import Typer's module for help pages; later imports of the others are as usual."""
    missing = [name for name in _UNUSED if name not in sys.modules]
    for name in missing:
        stand_in = ModuleType(name)
        setattr(stand_in, _UNUSED[name], NotUsed)
        sys.modules[name] = stand_in
    try:
        import typer.rich_utils  # noqa: F401
    finally:
        for name in missing:
            del sys.modules[name]
