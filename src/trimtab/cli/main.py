"""The command line: global options, the table of commands, and errors as exit codes.

A command is imported when it is used, and imports what it needs when it runs, so that
`trimtab --help` stays fast.
"""

import io
import os
import sys
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from trimtab.cli.runtime.errors import Exit, exit_code, of_unexpected, report
from trimtab.cli.runtime.help_pages import import_help_pages
from trimtab.cli.runtime.interrupts import end_at_once
from trimtab.cli.runtime.lazy_group import Lazy, LazyGroup
from trimtab.cli.runtime.session import Session, SetOptions, settings_of
from trimtab.kernel.errors import TrimtabError


class Commands(LazyGroup):
    """Every command and command group of `trimtab`."""

    table: ClassVar = {
        "serve": Lazy(
            "trimtab.cli.service",
            "Start the service, its console and its monitor; Ctrl-C stops it.",
            "Start",
        ),
        "status": Lazy(
            "trimtab.cli.service",
            "Show the state of each component; exit 6 when no service is running.",
            "Start",
        ),
        "restart": Lazy(
            "trimtab.cli.restart",
            "Finish the requests under way, then start the service again and wait for it.",
            "Start",
        ),
        "console": Lazy(
            "trimtab.cli.service",
            "Print a link that signs your browser in to the console once.",
            "Start",
        ),
        "demo": Lazy(
            "trimtab.cli.demo",
            "Show the whole loop on fresh data: answer, break, detect, repair, prove.",
            "Start",
        ),
        "ingest": Lazy(
            "trimtab.cli.knowledge.ingest",
            "Send files and folders to a project; files that are ingested already cost little.",
            "Documents and answers",
        ),
        "search": Lazy(
            "trimtab.cli.knowledge.search",
            "Find the passages that answer a query.",
            "Documents and answers",
        ),
        "ask": Lazy(
            "trimtab.cli.answers.ask",
            "Answer a question from a project's documents, with the source of every sentence.",
            "Documents and answers",
        ),
        "projects": Lazy(
            "trimtab.cli.knowledge.projects",
            "List, create and delete projects.",
            "Documents and answers",
        ),
        "documents": Lazy(
            "trimtab.cli.knowledge.documents",
            "List, show, review, delete and label the documents of a project.",
            "Documents and answers",
        ),
        "knowledge": Lazy(
            "trimtab.cli.knowledge",
            "Maintain the documents, move projects and measure search.",
            "Documents and answers",
        ),
        "traces": Lazy(
            "trimtab.cli.answers.traces",
            "List answers and show the stages of one.",
            "Documents and answers",
        ),
        "answers": Lazy(
            "trimtab.cli.answers",
            "Measure answers, compare configurations, review and erase.",
            "Documents and answers",
        ),
        "review": Lazy(
            "trimtab.cli.review",
            "Judge answers: take an item, submit a verdict, see queues and agreement.",
            "Documents and answers",
        ),
        "guardrails": Lazy(
            "trimtab.cli.guardrails", "Measure and train the guards.", "Documents and answers"
        ),
        "llm": Lazy(
            "trimtab.cli.answers.llm",
            "Connect a language model, test it, and forget it again.",
            "Documents and answers",
        ),
        "models": Lazy(
            "trimtab.cli.models",
            "Register trained models, serve them, and prove what serves.",
            "Documents and answers",
        ),
        "incidents": Lazy(
            "trimtab.cli.incidents",
            "Show, declare and work on incidents, their alerts and silences.",
            "Operate",
        ),
        "oncall": Lazy(
            "trimtab.cli.incidents.oncall",
            "Show who is on call, and put another person on call.",
            "Operate",
        ),
        "mcp": Lazy(
            "trimtab.cli.agents.mcp",
            "Let agents use the service as tools: over standard input and output, or over HTTP.",
            "Operate",
        ),
        "calendar": Lazy(
            "trimtab.cli.calendar",
            "List, add and close dated tasks: reports, analyses, meetings, reviews.",
            "Operate",
        ),
        "maintenance": Lazy(
            "trimtab.cli.maintenance", "Announce maintenance, and end it.", "Operate"
        ),
        "kubernetes": Lazy(
            "trimtab.cli.kubernetes",
            "Show workloads of clusters; print the role and the manifests of trimtab.",
            "Operate",
        ),
        "notifications": Lazy(
            "trimtab.cli.notifications",
            "Test the channels, list deliveries, send dead letters again.",
            "Operate",
        ),
        "watchdog": Lazy(
            "trimtab.cli.watchdog",
            "Watch a service from outside; call people when it is down.",
            "Operate",
        ),
        "rollback": Lazy(
            "trimtab.cli.rollback",
            "Roll back configuration, database, model or deployment: approval, act, verification.",
            "Operate",
        ),
        "profile": Lazy(
            "trimtab.cli.profile",
            "Record where the running service's memory goes.",
            "Operate",
        ),
        "fleet": Lazy(
            "trimtab.cli.fleet",
            "Show the processes on this database, and which of them leads.",
            "Operate",
        ),
        "queries": Lazy(
            "trimtab.cli.queries",
            "Show the running database queries, the slow ones and the connections.",
            "Operate",
        ),
        "runbooks": Lazy("trimtab.cli.runbooks", "List, show and check runbooks.", "Operate"),
        "drills": Lazy(
            "trimtab.cli.drills",
            "Prove by fault injection that runbooks repair what they are for.",
            "Operate",
        ),
        "alerts": Lazy(
            "trimtab.cli.monitoring.rules", "List the pending and firing alerts.", "Operate"
        ),
        "logs": Lazy(
            "trimtab.cli.monitoring.logs",
            "Print the log of the data directory, oldest line first.",
            "Operate",
        ),
        "read": Lazy(
            "trimtab.cli.monitoring.catalog", "Read signals; without names, all of them.", "Operate"
        ),
        "check": Lazy(
            "trimtab.cli.monitoring.rules",
            "Check a PromQL comparison; exit 1 if false, 3 if the samples cannot tell.",
            "Operate",
        ),
        "act": Lazy("trimtab.cli.monitoring.catalog", "Run an action on the service.", "Operate"),
        "fault": Lazy(
            "trimtab.cli.monitoring.catalog",
            "Inject or restore a fault for a drill; needs `service.drills`.",
            "Operate",
        ),
        "gates": Lazy(
            "trimtab.cli.gates", "Quality gates: no release without evidence.", "Release"
        ),
        "settings": Lazy(
            "trimtab.cli.service",
            "List every setting in force, its unit and its environment variable.",
            "Administer",
        ),
        "move-to": Lazy(
            "trimtab.cli.move_to",
            "Move all data to PostgreSQL, or back to SQLite, with proof; no service may run.",
            "Administer",
        ),
        "keys": Lazy(
            "trimtab.cli.admin.keys", "Create, list, rotate and revoke API keys.", "Administer"
        ),
        "audit": Lazy(
            "trimtab.cli.admin.audit",
            "Read the audit chain and verify that it is complete.",
            "Administer",
        ),
        "completion": Lazy(
            "trimtab.cli.completion",
            "Print the script that completes commands in bash, zsh or fish.",
            "Administer",
        ),
    }


_EXAMPLES = """Examples:

trimtab serve

trimtab ingest manuals docs/

trimtab ask manuals "How large is the query cache?"

trimtab incidents list --json"""

_HELP = ("-h", "--help")

app = typer.Typer(
    name="trimtab",
    cls=Commands,
    help="An AI knowledge service that runs, repairs and proves itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=_EXAMPLES,
    context_settings={"help_option_names": list(_HELP)},
)


def _print_version(value: bool) -> None:
    if value:
        from trimtab import __version__

        typer.echo(f"trimtab {__version__}")
        raise typer.Exit


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
    set_: SetOptions = None,
    url: Annotated[
        str, typer.Option(envvar="TRIMTAB_URL", help="Use the service at this address.")
    ] = "",
    api_key: Annotated[
        str, typer.Option(envvar="TRIMTAB_API_KEY", help="The key for --url.", show_default=False)
    ] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="An access label of the local user; repeatable. With --url the key's labels count."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del debug  # `main` reads it itself, because an error may occur before the options are parsed.
    del version
    flags = settings_of(set_)
    if data_dir is not None:
        flags["service.data_dir"] = str(data_dir)
    labels = tuple(label or ())
    session = Session(
        config=config, flags=flags, url=url, api_key=api_key, json=json, labels=labels
    )
    context.obj = session
    context.call_on_close(session.close)


_PRIVATE = 0o077
"""Mode bits that new files lack, so that only their owner reads data, logs and keys."""


def main() -> None:
    """Run the command line and exit with its code; print errors with the next step."""
    os.umask(_PRIVATE)
    # Else pydantic asks each installed package for plugins, which takes a fortieth of a start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # noqa: TID251
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # A terminal may lack a character that we print.
            stream.reconfigure(errors="replace")
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    finally:
        end_at_once()
        _flush()


def _run() -> None:
    if set(_HELP) & set(sys.argv):
        import_help_pages()
    try:
        app(prog_name="trimtab")
    except TrimtabError as error:
        report(error, as_json="--json" in sys.argv)
        sys.exit(exit_code(error))
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        found = of_unexpected(error, sys.argv)
        report(found, as_json="--json" in sys.argv)
        sys.exit(exit_code(found))


def _flush() -> None:
    """Write what is left to write; when `head` closed the output, drop it without a message."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        sys.stderr.write(f"Error: The output cannot be written: {error.strerror}.\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.FAILED)
