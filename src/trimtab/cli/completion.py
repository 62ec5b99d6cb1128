"""`completion`: the script with which a shell completes the commands of trimtab."""

from enum import StrEnum
from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()

_VARIABLE = "_TRIMTAB_COMPLETE"
"""Set by the script when it asks the command for completions; Typer derives it from the name."""


class Shell(StrEnum):
    """Shells that can complete commands."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell that runs the script.")],
    json: Json = False,
) -> None:
    """Print the script that completes commands in bash, zsh or fish.

    Examples, for the current shell or its start file:
    source <(trimtab completion bash)

    source <(trimtab completion zsh)

    trimtab completion fish | source
    """
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name="trimtab", complete_var=_VARIABLE, shell=shell.value)
    if not printed_as_json(session_of(context), {"shell": shell.value, "script": script}):
        print_line(script)
