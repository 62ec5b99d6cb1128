"""Command groups that import a command's module when the command is used.

`trimtab --help` then costs one table instead of the code of every domain.
"""

import shutil
from collections.abc import Iterator, Mapping, MutableMapping
from copy import copy
from dataclasses import dataclass
from importlib import import_module  # noqa: TID251 - a test keeps the tables to `trimtab.cli`.
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from trimtab.cli.runtime.interrupts import ending_at_once

_NARROW = 60
"""Columns below which help pages have no frames and no columns."""
_TERM = 14
"""Columns for an option in a narrow help page; a longer one has its text on the next lines."""
_Formatter: Any = typer.Context.formatter_class


class NarrowFormatter(_Formatter):  # type: ignore[misc]
    """Formats a help page for a narrow terminal."""

    def __init__(self, **_: Any) -> None:
        super().__init__(width=shutil.get_terminal_size().columns)

    def write_dl(self, rows: Any, col_max: int = _TERM, col_spacing: int = 2) -> None:
        """Write options or commands with their texts."""
        super().write_dl(rows, min(col_max, _TERM), col_spacing)


class NarrowContext(typer.Context):
    """The context of commands on a narrow terminal."""

    formatter_class = NarrowFormatter


def adapt(command: Any) -> None:
    """Let a command's help fit a narrow terminal, and name no type of a switch: it takes none."""
    for param in command.params:
        _without_type(param)
    made = command.get_help_option
    command.get_help_option = lambda context: _without_type(made(context))
    if shutil.get_terminal_size().columns < _NARROW:
        command.rich_markup_mode = None
        command.context_class = NarrowContext


def _without_type(param: Any) -> Any:
    if getattr(param, "is_flag", False) and param.metavar is None:
        param.metavar = ""
    return param


@dataclass(frozen=True, slots=True)
class Lazy:
    """One row of a command table: where the command is, and what it does."""

    module: str
    """A module with a Typer named ``app``. A command in it that has the row's name is the command;
    if there is none, the whole app is a group."""
    help: str
    """One line for the list of commands; also the page of a group."""
    panel: str | None = None
    """Heading under which the list shows the command."""
    hidden: bool = False
    """Whether the list leaves it out."""


class LazyCommands(MutableMapping[str, Any]):
    """The commands of a group by name; looking one up imports it."""

    def __init__(self, table: Mapping[str, Lazy]) -> None:
        self._table = table
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._table[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._table, **self._loaded})

    def __len__(self) -> int:
        return len({**self._table, **self._loaded})


class LazyGroup(TyperGroup):
    """A command group that is built from a table of modules."""

    table: ClassVar[Mapping[str, Lazy]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = LazyCommands(self.table)
        adapt(self)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, in the order of the table."""
        return list(self.commands)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page; its list of commands comes from the table, so none is imported."""
        super(LazyGroup, self._listing()).format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return the completions of a word; names of commands come from the table, too."""
        command, ctx.command = ctx.command, self._listing()
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            ctx.command = command

    def _listing(self) -> "LazyGroup":
        """Return this group with commands that have a name and a help text, nothing else."""
        listing = copy(self)
        listing.commands = {
            name: TyperCommand(name, help=row.help, rich_help_panel=row.panel, hidden=row.hidden)
            for name, row in self.table.items()
        }
        return listing


def _load(name: str, row: Lazy) -> Any:
    with ending_at_once():
        group: Any = typer.main.get_group(import_module(row.module).app)
    command = group.commands.get(name)
    if command is None:
        command = group
        command.name, command.help = name, row.help
    adapt(command)
    command.hidden = row.hidden
    if isinstance(command, LazyGroup):
        return command  # Its commands are adapted when they are loaded.
    for sub in getattr(command, "commands", {}).values():
        adapt(sub)
        for leaf in getattr(sub, "commands", {}).values():
            adapt(leaf)
    return command
