"""`llm`: connect the language model that writes answers, test it, forget it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Yes, confirm, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)


@app.command("connect")
def connect(
    context: typer.Context,
    provider: Annotated[
        str, typer.Argument(help="openai, openrouter, cohere, ollama, vllm or other.")
    ],
    model: Annotated[str, typer.Option(help="The model's name there.")],
    api: Annotated[
        str, typer.Option(help="The API's root, such as http://127.0.0.1:11434/v1.")
    ] = "",
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with the API key, or - for standard input; it is sent there only."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only test it.")] = False,
    json: Json = False,
) -> None:
    """Test a language model, and let it write the answers from now on.

    Without --key-file the keys of OPENAI_API_KEY, OPENROUTER_API_KEY and COHERE_API_KEY are used
    for their own provider only.
    """
    session = session_of(context)
    request = {
        "provider": provider,
        "url": api,
        "model": model,
        "key": _read_key(key_file),
        "dry_run": dry_run,
    }
    report = session.client.call("POST", "/api/v1/llm", body=request)
    if not printed_as_json(session, report):
        _print(report)
        if report["works"] and not dry_run:
            print_line(f"{report['model']} writes the answers from now on.")
    if not report["works"]:
        raise typer.Exit(Exit.FAILED)


@app.command("status")
def status(context: typer.Context, json: Json = False) -> None:
    """Show who writes the answers, and test the connected model, its key and credits."""
    session = session_of(context)
    body = session.client.call("GET", "/api/v1/llm")
    report = body["report"]
    if not printed_as_json(session, body):
        print_line(f"Asked in this order: {', '.join(body['generators'])}.")
        if report is None:
            print_line("No model is connected: `trimtab llm connect` connects one.")
        else:
            _print(report)
    if report is not None and not report["works"]:
        raise typer.Exit(Exit.FAILED)


@app.command("disconnect")
def disconnect(context: typer.Context, yes: Yes = False, json: Json = False) -> None:
    """Forget the connected model and its key."""
    session = session_of(context)
    confirm("Forget the connected model and its key?", yes=yes)
    body = session.client.call("DELETE", "/api/v1/llm")
    if not printed_as_json(session, body):
        print_line(f"Asked in this order: {', '.join(body['generators'])}.")


def _read_key(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        text = (
            typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text("utf-8")
        )
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The key file {file} cannot be read: {error}.", hint="Check its path and permissions."
        ) from error
    return text.strip()


def _print(report: dict[str, Any]) -> None:
    left = report["credits_usd"]
    print_table(
        ("what", "is"),
        (
            ("address", report["url"]),
            ("model", report["model"]),
            ("provider", report["provider"]),
            ("key", report["key"]),
            ("credits", "unknown" if left is None else f"{left:.2f} US dollars"),
            *(
                [("calls of this month", f"{report['calls_used']} of {report['calls_limit']}")]
                if report["calls_limit"]
                else []
            ),
            (
                "test question",
                f"answered in {report['seconds']:.1f} s" if report["works"] else "no",
            ),
        ),
    )
    if report["problem"]:
        print_line(report["problem"], style="yellow")
