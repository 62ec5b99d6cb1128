"""`trimtab gates ...`: the runbook's quick reference - logs, sweep, reset, profile - and the scaffold."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.gates.console import (
    AsJson,
    DryRun,
    Root,
    console,
    emit,
    errors,
    say,
    table,
)
from trimtab.cli.gates.errors import GatesGroup
from trimtab.gates import logbook, pip_launcher
from trimtab.gates.case import Project
from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.profile import profile as profile_script
from trimtab.gates.profile import python_processes
from trimtab.gates.records import Outcome
from trimtab.gates.reset import plan
from trimtab.gates.reset import reset as run_reset
from trimtab.gates.scaffold import scaffold as write_scaffold
from trimtab.gates.sweep import sweep as run_sweep
from trimtab.gates.verdict import EXIT_CODES
from trimtab.kernel.clock import SystemClock

logs = typer.Typer(
    cls=GatesGroup, no_args_is_help=True, help="Questions to logs/*.log and logs/*.jsonl."
)
_SIGNS = {Outcome.PASS: "✅", Outcome.REVIEW: "⚠️", Outcome.BLOCK: "❌", Outcome.UNKNOWN: "❔"}
ENVIRONMENT = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def register(app: typer.Typer) -> None:
    """Add these commands to `trimtab gates`."""
    app.add_typer(logs, name="logs")
    for command in (sweep, reset, profile, resources, environment, scaffold):
        app.command()(command)


def _show(hits: tuple[logbook.Hit, ...], *, as_json: bool) -> None:
    if as_json:
        emit([{"file": hit.file, "line": hit.line, "text": hit.text} for hit in hits])
    for hit in () if as_json else hits:
        say(f"{hit.file}:{hit.line}:{hit.text}")


@logs.command("errors")
def logs_errors(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show the last 20 lines that speak of an error, a failure or something critical."""
    _show(logbook.search(Project(project), logbook.ERRORS, last=logbook.LAST), as_json=as_json)


@logs.command("schema")
def logs_schema(
    project: Root = Path(),
    *,
    failures: Annotated[
        bool, typer.Option("--failures", help="Only schema failures and validation errors.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the lines about schemas."""
    pattern = logbook.SCHEMA_FAILURES if failures else logbook.SCHEMA
    _show(logbook.search(Project(project), pattern), as_json=as_json)


@logs.command("performance")
def logs_performance(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show the lines with durations and throughput."""
    _show(logbook.search(Project(project), logbook.PERFORMANCE), as_json=as_json)


@logs.command("structured")
def logs_structured(
    project: Root = Path(),
    *,
    first: Annotated[int, typer.Option(help="Records of each file.", min=1)] = logbook.FIRST,
) -> None:
    """Show the first records of each structured log; exit 1 if a line is not JSON."""
    try:
        emit(
            [
                {"file": name, "record": record}
                for name, record in logbook.structured(Project(project), first=first)
            ]
        )
    except ValueError as error:
        raise EvidenceUnreadable(f"A structured log is broken at {error}") from error


def sweep(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Run the seven immediate diagnostics as one sweep."""
    with errors().status("sweep") as status:
        rows = run_sweep(Project(project), SystemClock(), progress=status.update)
    if as_json:
        emit(
            [
                {
                    "check": row.name,
                    "ok": row.ok,
                    "outcome": row.outcome.value,
                    "detail": row.detail,
                    "command": row.command,
                }
                for row in rows
            ]
        )
    else:
        table(
            "Immediate diagnostics",
            ("check", "", "detail", "command"),
            [(r.name, _SIGNS[r.outcome], r.detail, r.command) for r in rows],
        )
    worst = {row.outcome for row in rows}
    if Outcome.BLOCK in worst:
        raise typer.Exit(1)
    raise typer.Exit(EXIT_CODES[Outcome.UNKNOWN] if Outcome.UNKNOWN in worst else 0)


def reset(
    project: Root = Path(),
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only the plan is shown.")
    ] = False,
    install: Annotated[
        bool, typer.Option("--install", help="Then reinstall requirements.txt.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Reset to a clean state: delete what git does not track, never keys, baselines, data or evidence."""
    place = Project(project)
    done = yes and not dry_run
    planned = run_reset(place, install=install) if done else plan(place)
    for name in planned.remove:
        say(f"{'removed' if done else 'would remove'} {name}")
    for name in planned.kept:
        say(f"kept {name}")
    if not done:
        console().print("Nothing was changed; --yes does it.", style="dim")


def profile(
    script: Annotated[Path, typer.Argument(help="A Python script.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
    *,
    timeout_s: Annotated[float, typer.Option(help="The longest it may take, in seconds.")] = 3600.0,
    as_json: AsJson = False,
) -> None:
    """Run a script and show its peak memory, whether it still grows at the end, and its time."""
    with errors().status(script.name):
        found = profile_script(script, arguments or [], SystemClock(), timeout_s=timeout_s)
    if as_json:
        emit(
            {
                "peak_mb": found.peak_mb,
                "still_growing": found.still_growing,
                "duration_s": found.duration_s,
                "exit_code": found.exit_code,
            }
        )
    else:
        trend = (
            "still growing at the end: look for a leak"
            if found.still_growing
            else "steady at the end"
        )
        console().print(
            f"peak {found.peak_mb:.1f} MB, {trend}, {found.duration_s:.2f} s, exit code {found.exit_code}"
        )
    raise typer.Exit(1 if found.still_growing or found.exit_code else 0)


def resources(*, as_json: AsJson = False) -> None:
    """Show the Python programs of this machine with their memory and processor share."""
    rows = [
        (p.pid, f"{p.cpu_percent:.1f}", f"{p.memory_mb:.1f}", p.name) for p in python_processes()
    ]
    if as_json:
        emit(
            [
                dict(zip(("pid", "cpu_percent", "memory_mb", "name"), row, strict=True))
                for row in rows
            ]
        )
    else:
        table("Python programs", ("pid", "cpu %", "memory MB", "name"), rows)


def environment(*, as_json: AsJson = False) -> None:
    """Show the variables that make a benchmark reproducible; exit 1 if one is not set."""
    values = {name: os.environ.get(name) for name in ENVIRONMENT}  # noqa: TID251 - it is asked for the environment itself.
    if as_json:
        emit(values)
    else:
        for name, value in values.items():
            say(f"{name}: {value}")
    raise typer.Exit(0 if all(values.values()) else 1)


def scaffold(
    folder: Annotated[Path, typer.Argument(help="A project directory.")],
    *,
    pip_audit: Annotated[
        bool,
        typer.Option(
            "--pip-audit",
            help="Also make `pip audit` work as typed in this virtual environment: its pip launcher learns the word.",
        ),
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Write the runbook's own words into a project: scripts, schemas, the miso package, make targets; replaces nothing."""
    for name, written in write_scaffold(folder, dry_run=dry_run):
        say(f"{('would write' if dry_run else 'wrote') if written else 'kept'} {name}")
    if pip_audit:
        path = pip_launcher.path_of(Path(sys.prefix))
        if not dry_run:
            pip_launcher.install(Path(sys.prefix))
        say(
            f"{'would write' if dry_run else 'wrote'} {path}; `pip install --force-reinstall pip` undoes it"
        )
