"""`gates advisories`: show the age of the advisory snapshot, refresh it from OSV."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.gates.console import AsJson, Root, console, print_document
from trimtab.cli.gates.project import policy_of
from trimtab.gates.case import Case, Project
from trimtab.kernel.clock import SystemClock

if TYPE_CHECKING:
    from trimtab.gates.supply_chain import Snapshot

app = typer.Typer(no_args_is_help=True)


@app.command("show")
def show(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show the snapshot's source, date and age; exit 3 when it is older than the policy allows."""
    from trimtab.gates.supply_chain.check import own_snapshot, project_snapshot

    place = Project(project)
    case = Case(place, policy_of(place), SystemClock())
    own = own_snapshot(place)
    _show(project_snapshot(case), own.name if own else "shipped", case, as_json=as_json)


@app.command("refresh")
def refresh_snapshot(
    export: Annotated[
        Path,
        typer.Argument(
            help="An OSV export: all.zip of the PyPI ecosystem, its folder, or a JSON Lines file."
        ),
    ],
    project: Root = Path(),
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="By default advisories.jsonl.gz in the project."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create the project's snapshot from a local OSV export; nothing is downloaded."""
    from trimtab.gates.supply_chain.check import own_snapshot
    from trimtab.gates.supply_chain.osv_export import refresh

    place = Project(project)
    target = output or own_snapshot(place) or place.root / "advisories.jsonl.gz"
    snapshot = refresh(export, target)
    case = Case(place, policy_of(place), SystemClock())
    _show(snapshot, target.name, case, as_json=as_json)


def _show(snapshot: "Snapshot", source: str, case: Case, *, as_json: bool) -> None:
    age = (case.clock.now().date() - snapshot.date).days
    limit = case.policy.supply_chain.advisory_max_age_days
    if as_json:
        print_document(
            {
                "source": source,
                "advisories": snapshot.records,
                "date": snapshot.date.isoformat(),
                "age_days": age,
                "max_age_days": limit,
                "stale": age > limit,
            }
        )
    else:
        console().print(
            f"{source}: {snapshot.records} advisories, the newest of "
            f"{snapshot.date.isoformat()}, {age} days old (at most {limit})",
            markup=False,
        )
        if age > limit:
            console().print(
                "⚠️ Vulnerabilities published since then are not found, "
                "so the audit asks for a review instead of passing.",
                markup=False,
            )
    if age > limit:
        raise typer.Exit(3)
