"""`answers flywheel`: the weekly cycle of failures, annotations and golden questions."""

import json as json_lines
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.review.pending import sync_pending
from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command("flywheel")
def flywheel(
    context: typer.Context,
    week: Annotated[str, typer.Option(help="YYYY-Www, as `date +%G-W%V` prints it.")],
    continue_: Annotated[
        bool, typer.Option("--continue", help="Import the annotations and grow the golden set.")
    ] = False,
    tasks: Annotated[
        int, typer.Option(min=0, max=1000, help="Failures that people are asked to annotate.")
    ] = 20,
    output_dir: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("reports"),
    pending_dir: Annotated[
        Path | None, typer.Option(help="Keep a file for each open item there.")
    ] = None,
    json: Json = False,
) -> None:
    """Triage a week's failures; after the annotation, --continue completes the cycle."""
    session = session_of(context)
    path = f"/v1/flywheel/{week}"
    if continue_:
        report = session.client.call("POST", f"{path}/continue")
    else:
        report = session.client.call("POST", f"{path}/triage", body={"tasks": tasks})
    file = write_report(output_dir, report)
    waiting = sync_pending(session, pending_dir) if pending_dir else None
    if printed_as_json(session, {**report, "file": str(file)}):
        return
    for line in _lines(report):
        print_line(line)
    print_line(f"Report: {file}")
    if waiting is not None:
        print_line(f"{waiting} open items in {pending_dir}.")


def write_report(folder: Path, report: dict[str, Any]) -> Path:
    """Write the report as JSON and as Markdown; return the Markdown file."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"flywheel-{report['week']}"
    text = "\n".join([f"# Flywheel {report['week']}", "", *_markdown(report), ""])
    whole = json_lines.dumps(report, indent=1, sort_keys=True) + "\n"
    for file, content in ((f"{stem}.json", whole), (f"{stem}.md", text)):
        temporary = Path(f"{file}.new")
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(file)
    return Path(f"{stem}.md")


def _lines(report: dict[str, Any]) -> list[str]:
    count = dict.fromkeys(("new", "recurring", "resolved"), 0)
    for cluster in report["clusters"]:
        count[cluster["status"]] += 1
    numbers = ", ".join(f"{number} {status}" for status, number in count.items())
    lines = [f"{report['week']}: {report['failures']} failures; clusters: {numbers}."]
    if report["note"]:
        lines.append(report["note"])
    types = ", ".join(f"{name} {number}" for name, number in report["failure_types"].items())
    lines.append(f"Failure types: {types or 'none'}.")
    if report["phase"] == "triaged":
        lines.append(f"{report['tasks']} failures wait for annotation: `trimtab review next`.")
        return lines
    lines.append(
        f"{report['annotated']} annotated, {report['added_cases']} golden questions added;"
        f" version {report['golden_version']} has {report['golden_cases']}."
    )
    hours = report["first_failure_to_test_hours"]
    if hours is not None:
        lines.append(f"From the first failure to its test: {hours:g} hours (median).")
    return lines


def _markdown(report: dict[str, Any]) -> list[str]:
    lines = [
        *_lines(report),
        "",
        "| cluster | status | failures | first week |",
        "|---|---|---|---|",
    ]
    for cluster in report["clusters"]:
        name = cluster["name"].replace("|", "\\|")
        lines.append(
            f"| {name} | {cluster['status']} | {cluster['size']} | {cluster['first_week']} |"
        )
    lines += ["", "| failure type | failures | change of share |", "|---|---|---|"]
    changes = report["failure_type_changes"]
    for name in {**report["failure_types"], **changes}:
        change = f"{changes[name]:+.1%}" if name in changes else "unknown"
        lines.append(f"| {name} | {report['failure_types'].get(name, 0)} | {change} |")
    return lines
