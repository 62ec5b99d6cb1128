"""`trimtab gates`: a group that loads its commands when one of them is asked for, so that `trimtab --help` stays fast."""

from typing import Any

import typer

from trimtab.cli.gates.errors import GatesGroup


class LazyGates(GatesGroup):
    """Knows its commands once somebody needs them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands' names, in the order of the help page."""
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return one command, or None."""
        self._load()
        return super().get_command(ctx, cmd_name)

    def _load(self) -> None:
        if not self.commands:
            # The gates import the whole of numpy, httpx and psutil, which no other command needs.
            from trimtab.cli.gates.run import app as whole

            loaded: Any = typer.main.get_group(whole)
            self.commands.update(loaded.commands)


app = typer.Typer(
    cls=LazyGates, no_args_is_help=True, help="Quality gates: no release without evidence."
)
