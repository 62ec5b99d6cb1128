"""`drills`: break the service on purpose, and see whether its runbook repairs exactly that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.catalog import faults_off
from trimtab.cli.errors import Exit, Refused
from trimtab.cli.output import print_json, print_line, print_table, printed_as_json
from trimtab.cli.session import Json, Session, session
from trimtab.kernel.errors import InvalidInput

app = typer.Typer(
    help="Prove that runbooks repair what they are for; needs `service.drills`.",
    no_args_is_help=True,
)


@app.command("list")
def list_drills(context: typer.Context, json: Json = False) -> None:
    """List every cause and whether its drill has passed on this build."""
    this = session(context)
    causes = _causes(this)
    if not printed_as_json(this, {"causes": causes}):
        print_table(
            ("cause", "proof", "drill"),
            (
                (c["id"], "proven" if c["proven"] else "not proven", "; ".join(c["drill"]))
                for c in causes
            ),
        )


@app.command("run")
def run(
    context: typer.Context,
    cause: Annotated[str, typer.Argument(help="Such as knowledge-cache-miss/too-small.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Every cause of the library.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be broken.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds of the service's clock.")] = 3600.0,
    json: Json = False,
) -> None:
    """Run drills one after another; exit 1 when one does not pass."""
    this = session(context)
    if bool(cause) == all_:
        raise InvalidInput("Name one cause, or all.", hint="`trimtab drills list` names them.")
    wanted = [found for found in _causes(this) if all_ or found["id"] == cause]
    if not wanted:
        raise InvalidInput(
            f"There is no cause {cause!r}.", hint="`trimtab drills list` names them."
        )
    if dry_run:
        if not printed_as_json(this, {"causes": wanted}):
            print_table(("cause", "would run"), ((c["id"], "; ".join(c["drill"])) for c in wanted))
        return
    results = [_run_one(this, str(found["id"]), timeout) for found in wanted]
    if not all(result.get("passed") for result in results):
        raise typer.Exit(Exit.FAILED)


@app.command("export")
def export(context: typer.Context, file: Path, json: Json = False) -> None:
    """Write the proofs that hold on this build to a file, to ship them with the library."""
    this = session(context)
    text = this.client.text("/v1/drills/proofs")
    file.write_text(text, encoding="utf-8")
    if not printed_as_json(this, {"file": str(file)}):
        print_line(f"Wrote {file}.")


def _causes(this: Session) -> list[dict[str, Any]]:
    body = this.client.call("GET", "/v1/runbooks")
    return [cause for book in body["runbooks"] for cause in book.get("causes", ())]


def _run_one(this: Session, cause: str, timeout: float) -> dict[str, Any]:
    result: dict[str, Any] = {}
    request = {"cause": cause, "timeout_seconds": timeout}
    for line in _stages(this, request):
        if this.json:
            print_json(line)
        if "error" in line:
            raise Refused(line["error"])
        if "result" in line:
            result = line["result"]
        elif not this.json:
            stage = line["stage"]
            print_line(f"{stage['seconds']:8.1f} s  {stage['stage']:10} {stage['text']}")
    if not this.json:
        verdict = "passed" if result.get("passed") else f"failed: {result.get('problem')}"
        print_line(f"{cause}: {verdict}", style="green" if result.get("passed") else "red")
    return result


def _stages(this: Session, request: dict[str, object]) -> Iterator[dict[str, Any]]:
    try:
        yield from this.client.lines("/v1/drills", request)
    except Refused as refused:
        raise faults_off(refused) from None
