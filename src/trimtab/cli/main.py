"""The command's root: global options, sub-commands, and the one place where errors become exit codes.

Commands import what they need when they run, so that `trimtab --help` and shell completion stay
fast.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli import demo, guardrails, incidents, runbooks, service
from trimtab.cli.admin import audit, keys
from trimtab.cli.answers import ask as answers
from trimtab.cli.drills import run as drills
from trimtab.cli.evaluation import experiments as trials
from trimtab.cli.evaluation import run as evaluating
from trimtab.cli.gates import lazy as gates
from trimtab.cli.knowledge import disk as knowledge_disk
from trimtab.cli.knowledge import documents as knowledge
from trimtab.cli.knowledge import engines as knowledge_move
from trimtab.cli.knowledge import evaluate as knowledge_evaluate
from trimtab.cli.knowledge import maintenance as knowledge_care
from trimtab.cli.knowledge import schema as knowledge_schema
from trimtab.cli.knowledge import warm as knowledge_warm
from trimtab.cli.monitoring import catalog, logs, rules
from trimtab.cli.runtime.errors import ProgramError, exit_code, report
from trimtab.cli.runtime.session import Session
from trimtab.kernel.errors import InvalidInput, TrimtabError

app = typer.Typer(
    name="trimtab",
    help="An AI knowledge service that runs, repairs and proves itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
service.add_to(app)
answers.add_to(app)
knowledge.add_to(app)
catalog.add_to(app)
rules.add_to(app)
logs.add_to(app)
app.command()(demo.demo)
knowledge_care.add_to(knowledge_evaluate.app)
knowledge_disk.add_to(knowledge_evaluate.app)
knowledge_evaluate.app.command()(knowledge.ingest)
knowledge_evaluate.app.command("move")(knowledge_move.move)
app.add_typer(knowledge_evaluate.app, name="knowledge")
knowledge_warm.add_to(knowledge_evaluate.app)
knowledge_schema.add_to(knowledge_evaluate.app)
app.add_typer(incidents.app, name="incidents")
app.add_typer(runbooks.app, name="runbooks")
app.add_typer(drills.app, name="drills")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
evaluating.add_to(app)
trials.add_to(answers.answers_app)
app.add_typer(guardrails.app, name="guardrails")
app.add_typer(gates.app, name="gates")


@app.callback()
def _options(
    context: typer.Context,
    data_dir: Annotated[
        Path | None, typer.Option(help="The data directory to work on.", show_default="data")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="The settings file.", show_default="trimtab.toml when there is one"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Set one setting; repeatable."),
    ] = None,
    url: Annotated[
        str, typer.Option(envvar="TRIMTAB_URL", help="Talk to the service at this address.")
    ] = "",
    api_key: Annotated[
        str, typer.Option(envvar="TRIMTAB_API_KEY", help="The key for --url.", show_default=False)
    ] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="An access label to see labelled documents with; repeatable. With --url the key's own count."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where a mistake happened.")] = False,
) -> None:
    del debug  # `main` looks for it itself: an error may come before the options are read.
    flags = dict(_flag(text) for text in set_ or ())
    if data_dir is not None:
        flags["service.data_dir"] = str(data_dir)
    labels = tuple(label or ())
    session = Session(
        config=config, flags=flags, url=url, api_key=api_key, json=json, labels=labels
    )
    context.obj = session
    context.call_on_close(session.close)


def _flag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(
            f"--set {text}: there is no value.", hint="Write --set section.field=value."
        )
    return name, value


_PRIVATE = 0o077
"""What this process and those that it starts write is for its user alone: databases, logs, keys, reports."""


def main() -> None:
    """Run the command line and exit with its code; an error prints what happened and the next step."""
    os.umask(_PRIVATE)
    try:
        app()
    except TrimtabError as error:
        report(error, as_json="--json" in sys.argv)
        sys.exit(exit_code(error))
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        unknown = ProgramError(f"Something went wrong inside trimtab: {error!r}.")
        report(unknown, as_json="--json" in sys.argv)
        sys.exit(exit_code(unknown))
