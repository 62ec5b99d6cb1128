"""`gates keys`: signing keys and the roles they are trusted for."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.gates.console import Root, console, table
from trimtab.cli.gates.project import signing_keys
from trimtab.gates.case import Project
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.signing import BUILDER, KeyRing
from trimtab.kernel.clock import SystemClock

app = typer.Typer(no_args_is_help=True)
KeyRole = Annotated[
    str, typer.Option(help="builder (signs artifacts and verdicts) or approver (approves changes).")
]


@app.command("new")
def keys_new(
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    role: KeyRole = BUILDER,
    project: Root = Path(),
) -> None:
    """Create a key pair in the user's key ring and trust it for one role."""
    place = Project(project)
    entry = KeyRing(place.keys, SystemClock()).new(name, role)
    console().print(
        f"{entry.keyid} ({name}, {role}) in {place.keys}; "
        "keep the .key secret, give others the .pub "
        "(`trimtab gates keys trust FILE.pub`)",
        markup=False,
    )


@app.command("trust")
def keys_trust(
    file: Annotated[Path, typer.Argument(help="A public key in PEM form.")],
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    role: KeyRole = BUILDER,
    project: Root = Path(),
) -> None:
    """Trust a public key for one role; compare its id with its owner first."""
    entry = KeyRing(Project(project).keys, SystemClock()).trust(read_evidence(file), name, role)
    console().print(f"{entry.keyid} ({name}) is trusted as {role}", markup=False)


@app.command("list")
def keys_list(project: Root = Path()) -> None:
    """List the keys with their trust; exit 1 if a private key is readable by others."""
    place = Project(project)
    ring = signing_keys(place)
    counting = ring.trusted()
    rows = []
    for entry in ring.entries():
        state = (
            f"revoked {entry.revoked}"
            if entry.revoked
            else ("trusted" if entry.keyid in counting else "not pinned")
        )
        private = "yes" if (place.keys / f"{entry.keyid}.key").is_file() else ""
        rows.append((entry.keyid[:16], entry.name, entry.role, entry.added, state, private))
    columns = ("keyid", "name", "role", "added", "state", "private key here")
    table(f"Keys in {place.keys}", columns, rows)
    tools = ", ".join(
        f"{tool}: {'found' if shutil.which(tool) else 'not installed'}"
        for tool in ("gpg", "cosign")
    )
    console().print(tools, style="dim")
    for path in ring.exposed():
        console().print(f"❌ {path.name[:16]}... can be read by others", markup=False)
    if ring.exposed() or not counting:
        raise typer.Exit(1)


@app.command("rotate")
def keys_rotate(
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    role: KeyRole = BUILDER,
    project: Root = Path(),
) -> None:
    """Replace the keys of a role by a new one; artifacts must be signed again."""
    entry = KeyRing(Project(project).keys, SystemClock()).rotate(name, role)
    console().print(f"{entry.keyid} ({name}) replaces the former keys", markup=False)


@app.command("revoke")
def keys_revoke(keyid: str, project: Root = Path()) -> None:
    """Revoke a key; its files stay."""
    entry = KeyRing(Project(project).keys, SystemClock()).revoke(keyid)
    console().print(f"{entry.keyid[:16]} ({entry.name}) no longer counts", markup=False)
