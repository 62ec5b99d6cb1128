"""`knowledge disk`, `clean-up`: show and free disk space, also on a full disk."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.infra.control_socket import is_answering

app = typer.Typer()

_MB = 1e6


@app.command()
def disk(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many entries.")] = 20,
    json: Json = False,
) -> None:
    """List the largest entries of the data directory."""
    session = session_of(context)
    facts = _act(session, "knowledge.disk.usage", {"limit": limit}, lambda: _usage(session, limit))
    if printed_as_json(session, facts):
        return
    used, free, total = facts["used_ratio"], facts["free_bytes"], facts["total_bytes"]
    print_line(f"{used:.1%} in use: {free / _MB:.1f} MB of {total / _MB:.1f} MB are free.")
    print_table(
        ("entry", "MB"), ((found["name"], found["bytes"] / _MB) for found in facts["largest"])
    )


@app.command("clean-up")
def clean_up(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option(help="Only say what would happen.")] = False,
    json: Json = False,
) -> None:
    """Remove old files and compress old logs; works on a full disk and without a service."""
    session = session_of(context)
    if dry_run:
        found = _reclaimable(session)
        if not printed_as_json(session, {"bytes": found}):
            print_table(("would be removed", "MB"), ((k, n / _MB) for k, n in found.items()))
        return
    facts = _act(session, "knowledge.disk.clean_up", {}, lambda: _cleaned(session))
    if printed_as_json(session, facts):
        return
    print_line(f"Freed {facts['measured_bytes'] / _MB:.1f} MB.")
    print_table(
        ("removed", "MB"), ((kind, size / _MB) for kind, size in facts["freed_bytes"].items())
    )
    if not facts["enough"]:
        print_line(
            "The disk is still nearly full: enlarge it, or see `trimtab knowledge disk`.",
            "bold yellow",
        )


def _act(
    session: Session, name: str, arguments: dict[str, Any], closed: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Run the action in the service, or do the same to the closed data directory when none runs."""
    if session.url or is_answering(session.settings.service.data_dir):
        body = session.client.call("POST", f"/v1/actions/{name}", body={"arguments": arguments})
        facts: dict[str, Any] = body["facts"]
        return facts
    return closed()


def _usage(session: Session, limit: int) -> dict[str, Any]:
    from trimtab.knowledge.maintenance.space import disk_of, largest, usage_facts

    folder = session.settings.service.data_dir
    return usage_facts(disk_of(folder), largest(folder, limit))


def _reclaimable(session: Session) -> dict[str, int]:
    from trimtab.infra.storage import DataDirectory
    from trimtab.kernel.clock import SystemClock
    from trimtab.knowledge.maintenance.offline_repair import closed_cleanup

    if session.url or is_answering(session.settings.service.data_dir):
        arguments = {"arguments": {}, "dry_run": True}
        body = session.client.call("POST", "/v1/actions/knowledge.disk.clean_up", body=arguments)
        found: dict[str, int] = body["facts"]["bytes"]
        return found
    with DataDirectory(session.settings.service.data_dir, floor_bytes=0) as data:
        return closed_cleanup(data, session.settings.knowledge, SystemClock()).reclaimable()


def _cleaned(session: Session) -> dict[str, Any]:
    from trimtab.infra.storage import DataDirectory
    from trimtab.kernel.clock import SystemClock
    from trimtab.knowledge.maintenance.offline_repair import closed_cleanup

    with DataDirectory(session.settings.service.data_dir, floor_bytes=0) as data:
        return closed_cleanup(data, session.settings.knowledge, SystemClock()).run().facts()
