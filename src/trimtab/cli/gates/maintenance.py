"""`gates sweep`, `reset`, `profile`, `resources`, `environment`, `scaffold`."""

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
    errors,
    print_document,
    show_rows,
    table,
)
from trimtab.cli.runtime.session import Yes
from trimtab.gates import pip_launcher
from trimtab.gates.case import Project
from trimtab.gates.profile import profile as profile_script
from trimtab.gates.profile import python_processes
from trimtab.gates.records import GateOutcome
from trimtab.gates.reset import plan
from trimtab.gates.reset import reset as run_reset
from trimtab.gates.scaffold import scaffold as write_scaffold
from trimtab.gates.verdict import EXIT_CODES
from trimtab.kernel.clock import SystemClock

app = typer.Typer()

_SIGNS = {
    GateOutcome.PASS: "✅",
    GateOutcome.REVIEW: "⚠️",
    GateOutcome.BLOCK: "❌",
    GateOutcome.UNKNOWN: "❔",
}
ENVIRONMENT = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@app.command()
def sweep(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Run the seven immediate diagnostics."""
    from trimtab.gates.sweep import sweep as run_sweep

    with errors().status("sweep") as status:
        rows = run_sweep(Project(project), SystemClock(), progress=status.update)
    if as_json:
        print_document(
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
    if GateOutcome.BLOCK in worst:
        raise typer.Exit(1)
    raise typer.Exit(EXIT_CODES[GateOutcome.UNKNOWN] if GateOutcome.UNKNOWN in worst else 0)


@app.command()
def reset(
    project: Root = Path(),
    *,
    yes: Yes = False,
    install: Annotated[
        bool, typer.Option("--install", help="Then reinstall requirements.txt.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete files that git does not track, except keys, baselines, data and evidence."""
    place = Project(project)
    done = yes and not dry_run
    planned = run_reset(place, install=install) if done else plan(place)
    if as_json:
        lists = {"remove": list(planned.remove), "kept": list(planned.kept)}
        print_document({**lists, "done": done})
        return
    for name in planned.remove:
        typer.echo(f"{'removed' if done else 'would remove'} {name}")
    for name in planned.kept:
        typer.echo(f"kept {name}")
    if not done:
        console().print("Nothing was changed; --yes does it.", style="dim")


@app.command()
def profile(
    script: Annotated[Path, typer.Argument(help="A Python script.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
    *,
    timeout_s: Annotated[float, typer.Option(help="Timeout in seconds.")] = 3600.0,
    as_json: AsJson = False,
) -> None:
    """Run a script and show its peak memory, whether it still grows at the end, and its time."""
    with errors().status(script.name):
        found = profile_script(script, arguments or [], SystemClock(), timeout_s=timeout_s)
    if as_json:
        print_document(
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
            f"peak {found.peak_mb:.1f} MB, {trend}, {found.duration_s:.2f} s, "
            f"exit code {found.exit_code}"
        )
    raise typer.Exit(1 if found.still_growing or found.exit_code else 0)


@app.command()
def resources(*, as_json: AsJson = False) -> None:
    """Show the Python programs of this machine with their memory and processor share."""
    rows = [
        (p.pid, f"{p.cpu_percent:.1f}", f"{p.memory_mb:.1f}", p.name) for p in python_processes()
    ]
    columns = ("pid", "cpu %", "memory MB", "name")
    keys = ("pid", "cpu_percent", "memory_mb", "name")
    show_rows("Python programs", columns, rows, as_json=as_json, keys=keys)


@app.command()
def environment(*, as_json: AsJson = False) -> None:
    """Show the variables that make a benchmark reproducible; exit 1 if one is not set."""
    variables = os.environ  # noqa: TID251 - the command shows the environment itself.
    values = {name: variables.get(name) for name in ENVIRONMENT}
    if as_json:
        print_document(values)
    else:
        for name, value in values.items():
            typer.echo(f"{name}: {value}")
    raise typer.Exit(0 if all(values.values()) else 1)


@app.command()
def scaffold(
    folder: Annotated[Path, typer.Argument(help="A project directory.")],
    *,
    pip_audit: Annotated[
        bool,
        typer.Option(
            "--pip-audit",
            help="Also make `pip audit` work in this virtual environment, by its pip launcher.",
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write the runbook's scripts, schemas, miso package and make targets; replaces nothing."""
    files = list(write_scaffold(folder, dry_run=dry_run))
    for name, written in () if as_json else files:
        typer.echo(f"{('would write' if dry_run else 'wrote') if written else 'kept'} {name}")
    if pip_audit:
        path = pip_launcher.path_of(Path(sys.prefix))
        if not dry_run:
            pip_launcher.install(Path(sys.prefix))
        files.append((str(path), True))
        if not as_json:
            typer.echo(
                f"{'would write' if dry_run else 'wrote'} {path}; "
                "`pip install --force-reinstall pip` undoes it"
            )
    if as_json:
        listed = [{"file": name, "new": written} for name, written in files]
        print_document({"files": listed, "dry_run": dry_run})
