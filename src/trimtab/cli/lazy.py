"""Command groups whose modules are loaded only when they are used, so that `trimtab --help` stays fast."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand


class LazyCommand(TyperCommand):
    """Stands in the list of commands under a name and a help text; the real one is loaded when it is called.

    Typer asks a command for its context first of all, also to complete a line; the context that it gets is the real
    command's, and everything after that concerns the real one.
    """

    def __init__(self, name: str, help_text: str, load: Callable[[], typer.Typer]) -> None:
        super().__init__(name, help=help_text)
        self._load = load

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Any = None,
        **extra: Any,
    ) -> Any:
        """Return the real command's context."""
        real = typer.main.get_command(self._load())
        return real.make_context(info_name, args, parent, **extra)
