"""`gates sbom`, `sign`, `verify`, `audit`, `pip-check`, `licences`: the supply chain."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from trimtab.cli.gates.console import (
    AsJson,
    DryRun,
    Root,
    errors,
    show_done,
    show_findings,
    show_signed,
)
from trimtab.cli.gates.project import policy_of, signing_keys
from trimtab.gates.case import Case, Project
from trimtab.gates.codes import finding
from trimtab.gates.evidence_files import replace_file
from trimtab.gates.supply_chain import (
    Installed,
    Snapshot,
    environment,
    make_sbom,
    sign_files,
    trusted_provenance,
    verify_files,
    verify_sbom,
)
from trimtab.gates.supply_chain.audit import audit_findings
from trimtab.gates.supply_chain.check import project_snapshot
from trimtab.gates.supply_chain.external import ExternalSigner, find_tool
from trimtab.gates.supply_chain.licences import licence_findings
from trimtab.gates.supply_chain.pins import load_pins, pin_findings
from trimtab.gates.verdict_files import VERDICT_FILE, verify_verdict
from trimtab.kernel.clock import SystemClock

app = typer.Typer()

Tool = Annotated[str, typer.Option("--with", help="ed25519 (built in), gpg or cosign.")]


def _environment(project: Project) -> Installed:
    return environment(project.root, policy_of(project).supply_chain.site)


@app.command()
def sbom(
    project: Root = Path(),
    *,
    verify_it: Annotated[
        bool,
        typer.Option(
            "--verify", help="Compute it again and compare; write it first if there is none."
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write the CycloneDX bill of materials of this environment, models and data; or verify it."""
    place = Project(project)
    with errors().status("reading the environment"):
        installed = _environment(place)
        if not verify_it or not place.sbom.is_file():
            document = make_sbom(place, installed, SystemClock().now())
            if not dry_run:
                listed = orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
                replace_file(place.sbom, listed)
            count = len(document["components"])
            if not (as_json and verify_it):  # One document: that of the verification.
                show_done(
                    f"{count} components, "
                    f"{'would be written' if dry_run else 'written'} to {place.sbom.name}",
                    {"components": count, "file": place.sbom.name, "dry_run": dry_run},
                    as_json=as_json,
                )
    if verify_it:
        with errors().status("hashing every installed file"):
            found = verify_sbom(place, installed)
        show_findings(
            found,
            as_json=as_json,
            gate="bill of materials",
            facts={"packages": len(installed.packages)},
        )


@app.command()
def sign(
    files: Annotated[list[Path], typer.Argument(help="The artifacts.")],
    *,
    project: Root = Path(),
    tool: Tool = "ed25519",
    builder: Annotated[
        str, typer.Option(help="Who builds; in a pipeline its URI.")
    ] = "urn:trimtab:builder:local",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Sign artifacts with their provenance, one signature for all."""
    place = Project(project)
    if tool != "ed25519":
        signed = {path.name: ExternalSigner(find_tool(tool)).sign(path).name for path in files}
        lines = "\n".join(f"{name}: {written}" for name, written in signed.items())
        show_done(lines, {"signatures": signed}, as_json=as_json)
        return
    ring = signing_keys(place)
    former = trusted_provenance(place, ring)
    envelope = sign_files(place, files, ring, SystemClock().now(), builder=builder)
    covered = ring.open(envelope).subjects()
    dropped = sorted(former.subjects().keys() - covered.keys()) if former else []
    if not dry_run:
        replace_file(place.provenance, envelope)
    show_done(
        f"{len(files)} {'artifact' if len(files) == 1 else 'artifacts'} signed, "
        f"{'would be written' if dry_run else 'written'} to {place.provenance.name}"
        + (f"; no longer covered: {', '.join(dropped)}" if dropped else ""),
        {
            "artifacts": len(files),
            "file": place.provenance.name,
            "no_longer_covered": dropped,
            "dry_run": dry_run,
        },
        as_json=as_json,
    )


@app.command()
def verify(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="The artifacts, by default all that were signed; or a verdict."),
    ] = None,
    *,
    project: Root = Path(),
    tool: Tool = "ed25519",
    as_json: AsJson = False,
) -> None:
    """Verify the signatures of artifacts, or one verdict with its signature and report."""
    place = Project(project)
    given = list(files or ())
    if len(given) == 1 and given[0].name.endswith(VERDICT_FILE):
        show_signed(verify_verdict(given[0], place, signing_keys(place)), as_json=as_json)
        return
    if tool != "ed25519":
        bad = [path for path in given if not ExternalSigner(find_tool(tool)).verify(path)]
        found = tuple(
            finding("supply_chain.signature_wrong", path.name, f"{tool} does not verify it")
            for path in bad
        )
    else:
        found = verify_files(place, place.provenance, given, signing_keys(place))
    show_findings(
        found, as_json=as_json, gate="signatures", facts={"files": len(given)} if given else None
    )


@app.command()
def audit(
    project: Root = Path(),
    *,
    snapshot: Annotated[
        Path | None,
        typer.Option(help="OSV records, one a line; by default the project's or the shipped ones."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check installed packages against the advisory snapshot and the version pins."""
    place = Project(project)
    case = Case(place, policy_of(place), SystemClock())
    known = Snapshot.load(snapshot) if snapshot else project_snapshot(case)
    environment = _environment(place)
    installed = {package.name: package.version for package in environment.packages}
    pins = load_pins(place.root)
    today = SystemClock().now().date()
    found = (
        *pin_findings(environment, pins),
        *audit_findings(installed, known, case.policy.supply_chain, today),
    )
    facts: dict[str, object] = {
        "packages": len(installed),
        "pins": len(pins),
        "advisories": known.records,
        "snapshot": known.date.isoformat(),
        "days old": (today - known.date).days,
    }
    show_findings(found, as_json=as_json, gate="audit", facts=facts)


@app.command("pip-check")
def pip_check(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Verify that the installed packages' requirements are met."""
    installed = _environment(Project(project))
    found = tuple(
        finding("supply_chain.requirement_broken", "environment", line)
        for line in installed.inconsistencies()
    )
    show_findings(
        found, as_json=as_json, gate="requirements", facts={"packages": len(installed.packages)}
    )


@app.command()
def licences(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Compare every package's licence with the policy."""
    place = Project(project)
    packages = _environment(place).packages
    show_findings(
        tuple(licence_findings(packages, policy_of(place).supply_chain)),
        as_json=as_json,
        gate="licences",
        facts={"packages": len(packages)},
    )
