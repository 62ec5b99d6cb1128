"""`gates keys`: signing keys and the roles they are trusted for."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.gates.console import AsJson, Root, console, print_document, show_done, table
from trimtab.cli.gates.project import signing_keys
from trimtab.cli.runtime.session import Yes, confirm
from trimtab.gates.case import Project
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.signing import BUILDER, KeyRing, TrustedKey
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
    *,
    as_json: AsJson = False,
) -> None:
    """Create a key pair in the user's key ring and trust it for one role."""
    place = Project(project)
    entry = KeyRing(place.keys, SystemClock()).new(name, role)
    show_done(
        f"{entry.keyid} ({name}, {role}) in {place.keys}; "
        "keep the .key secret, give others the .pub "
        "(`trimtab gates keys trust FILE.pub`)",
        _document(entry),
        as_json=as_json,
    )


@app.command("trust")
def keys_trust(
    file: Annotated[Path, typer.Argument(help="A public key in PEM form.")],
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    role: KeyRole = BUILDER,
    project: Root = Path(),
    *,
    as_json: AsJson = False,
) -> None:
    """Trust a public key for one role; compare its id with its owner first."""
    entry = KeyRing(Project(project).keys, SystemClock()).trust(read_evidence(file), name, role)
    show_done(f"{entry.keyid} ({name}) is trusted as {role}", _document(entry), as_json=as_json)


@app.command("list")
def keys_list(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """List the keys with their trust; exit 1 if a private key is readable by others."""
    place = Project(project)
    ring = signing_keys(place)
    counting = ring.trusted()
    rows: list[tuple[str, ...]] = []
    for entry in ring.entries():
        state = (
            f"revoked {entry.revoked}"
            if entry.revoked
            else ("trusted" if entry.keyid in counting else "not pinned")
        )
        private = "yes" if (place.keys / f"{entry.keyid}.key").is_file() else ""
        rows.append((entry.keyid[:16], entry.name, entry.role, entry.added, state, private))
    exposed = [path.name[:16] for path in ring.exposed()]
    if as_json:
        names = ("keyid", "name", "role", "added", "state", "private_key_here")
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        print_document({"keys": listed, "readable_by_others": exposed})
    else:
        _print_keys(place, rows, exposed)
    if ring.exposed() or not counting:
        raise typer.Exit(1)


def _print_keys(place: Project, rows: Sequence[Sequence[str]], exposed: Sequence[str]) -> None:
    columns = ("keyid", "name", "role", "added", "state", "private key here")
    table(f"Keys in {place.keys}", columns, rows)
    tools = ", ".join(
        f"{tool}: {'found' if shutil.which(tool) else 'not installed'}"
        for tool in ("gpg", "cosign")
    )
    console().print(tools, style="dim")
    for name in exposed:
        console().print(f"❌ {name}... can be read by others", markup=False)


@app.command("rotate")
def keys_rotate(
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    role: KeyRole = BUILDER,
    project: Root = Path(),
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Replace the keys of a role by a new one; artifacts must be signed again."""
    confirm(f"Revoke the keys of the role {role} and make a new one?", yes=yes)
    entry = KeyRing(Project(project).keys, SystemClock()).rotate(name, role)
    show_done(f"{entry.keyid} ({name}) replaces the former keys", _document(entry), as_json=as_json)


@app.command("revoke")
def keys_revoke(
    keyid: str, project: Root = Path(), *, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Revoke a key; its files stay."""
    confirm(f"Revoke {keyid}? What it signed is no longer accepted.", yes=yes)
    entry = KeyRing(Project(project).keys, SystemClock()).revoke(keyid)
    show_done(
        f"{entry.keyid[:16]} ({entry.name}) no longer counts", _document(entry), as_json=as_json
    )


def _document(entry: TrustedKey) -> dict[str, object]:
    return {
        "keyid": entry.keyid,
        "name": entry.name,
        "role": entry.role,
        "added": entry.added,
        "revoked": entry.revoked,
    }
