"""The command line: `trimtab ...`, one thin file for each domain."""

import typer

from trimtab.cli import gates


def main() -> None:
    """Run the command line."""
    app = typer.Typer(
        no_args_is_help=True, help="trimtab: an AI knowledge service that proves itself."
    )
    app.add_typer(gates.app, name="gates")
    app()
