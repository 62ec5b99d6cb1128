"""List the names of all commands, so that the docs gate can check the pages."""

from typing import Any

import typer

CATALOG_WORDS = frozenset({"read", "check", "act", "fault"})
"""Top-level commands whose argument is a name from the catalog."""


def command_names(context: typer.Context) -> frozenset[str]:
    """Return all commands of the running program by their words, such as ``gates run``."""
    root = context.find_root().command
    # Run as its own program (as tests may), this group is the root.
    start = () if "gates" in getattr(root, "commands", {}) else ("gates",)
    return frozenset(_walk(root, start)) | CATALOG_WORDS


def _walk(command: Any, words: tuple[str, ...]) -> list[str]:
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        return [" ".join(words)]
    return [name for word, sub in subcommands.items() for name in _walk(sub, (*words, word))]
