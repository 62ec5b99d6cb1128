"""`trimtab gates ...`: datasets, manifests, permissions, baselines, approvals and drift."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.gates.console import (
    Approved,
    AsJson,
    DryRun,
    Root,
    console,
    emit,
    say,
    show_findings,
    table,
)
from trimtab.cli.gates.errors import GatesGroup
from trimtab.gates import datasets as data
from trimtab.gates import drift as drift_gate
from trimtab.gates import drift_report
from trimtab.gates.baseline import Approvals, read_baseline
from trimtab.gates.case import Case, Project
from trimtab.gates.codes import finding
from trimtab.gates.errors import ApprovalRefused, EvidenceMissing
from trimtab.gates.evidence import manifest_change, promote
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.policy import Policy, load_policy
from trimtab.gates.records import Finding, Outcome
from trimtab.gates.schema import check_report
from trimtab.gates.verdict import EXIT_CODES
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.ids import sha256_hex

manifest = typer.Typer(cls=GatesGroup, no_args_is_help=True, help="One manifest.sha256 a dataset.")
baseline = typer.Typer(cls=GatesGroup, no_args_is_help=True, help="The golden baseline.")
ReportOption = Annotated[Path, typer.Option("--report", "-r", help="A benchmark report (JSON).")]


def register(app: typer.Typer) -> None:
    """Add these commands to `trimtab gates`."""
    app.add_typer(manifest, name="manifest")
    app.add_typer(baseline, name="baseline")
    for command in (datasets, permissions, approve, drift):
        app.command()(command)


def policy_of(project: Project) -> Policy:
    """Return the project's policy, or the defaults."""
    return load_policy(project.policy) if project.policy.is_file() else Policy()


def datasets(
    project: Root = Path(),
    *,
    counts_only: Annotated[bool, typer.Option("--counts", help="Only the sample counts.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify every dataset: checksums, minimum sample counts, permissions."""
    case = Case(Project(project), policy_of(Project(project)), SystemClock())
    names = case.project.dataset_names()
    if not names:
        show_findings(
            [finding("datasets.not_found", "datasets/", "there is no dataset")],
            as_json=as_json,
            gate="datasets",
        )
    if counts_only:
        found: list[Finding] = [f for name in names for f in data.sample_findings(case, name)]
        counts = {name: data.count_samples(case.project.datasets / name) for name in names}
        show_findings(found, as_json=as_json, gate="sample counts", facts={"samples": counts})
        return
    show_findings(
        data.check(case).findings, as_json=as_json, gate="datasets", facts={"datasets": len(names)}
    )


@manifest.command("create")
def manifest_create(
    names: Annotated[
        list[str] | None, typer.Argument(help="Datasets; by default every one.")
    ] = None,
    *,
    project: Root = Path(),
    missing_only: Annotated[
        bool, typer.Option("--missing", help="Only where there is none.")
    ] = False,
    approval: Approved = None,
    dry_run: DryRun = False,
) -> None:
    """Create missing manifests; replace existing ones, which needs an approval of exactly the new content."""
    place = Project(project)
    refused = 0
    if not names and not place.dataset_names():
        _nothing_to_judge("manifests", as_json=False)
    for name in names or place.dataset_names():
        change = manifest_change(place, name)
        if change.same or (missing_only and change.exists):
            console().print(f"{name}: unchanged", style="dim", markup=False)
            continue
        if change.exists and dry_run:
            console().print(
                f"{name}: would replace the manifest; approve {change.sha256}", markup=False
            )
            continue
        if dry_run:
            console().print(
                f"{name}: would create a manifest of {change.files} files", markup=False
            )
            continue
        refused += not _write_manifest(place, name, approval)
    if refused:
        raise typer.Exit(1)


def _write_manifest(place: Project, name: str, approval: Path | None) -> bool:
    change = manifest_change(place, name)
    if change.exists:
        approvals = Approvals(place, SystemClock())
        try:
            if approval is None or not approval.is_file():
                raise ApprovalRefused(
                    "Replacing a manifest changes evidence and needs an approval."
                )
            approvals.spend(approvals.check(read_evidence(approval), "manifest", change.sha256))
        except ApprovalRefused as error:
            console().print(f"[red]{name}: {error.message}[/]")
            console().print(
                f"approve it: trimtab gates approve manifest --sha256 {change.sha256} --by NAME --reason WHY"
            )
            return False
    written = data.write_manifest(place.datasets / name)
    console().print(f"{name}: {len(written.files)} files", markup=False)
    return True


@manifest.command("list")
def manifest_list(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """List every dataset with the number of lines of its manifest."""
    place = Project(project)
    rows = []
    for name in place.dataset_names():
        path = place.datasets / name / data.MANIFEST
        rows.append((name, len(path.read_bytes().splitlines()) if path.is_file() else None))
    if as_json:
        emit([{"dataset": name, "lines": lines} for name, lines in rows])
    else:
        table(
            "Manifests",
            ("dataset", "lines"),
            [(name, "missing" if lines is None else lines) for name, lines in rows],
        )
    if any(lines is None for _, lines in rows):
        raise typer.Exit(1)


@manifest.command("show")
def manifest_show(name: str, project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show a dataset's manifest."""
    read, found = data.read_manifest(Project(project).datasets / name)
    if read is None:
        show_findings(found, as_json=as_json, gate="datasets")
    elif as_json:
        emit(read.as_document(name))
    else:
        say(read.text().rstrip("\n"))


def permissions(
    project: Root = Path(),
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Repair them; without, nothing is changed.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Verify that datasets are readable and that others cannot change them; repair them with --fix."""
    place = Project(project)
    if not place.dataset_names():
        _nothing_to_judge("permissions", as_json=as_json)
    wrong = data.wrong_permissions(place.datasets)
    if fix and not dry_run:
        data.fix_permissions(wrong)
    rows = [
        (entry.path.relative_to(place.root).as_posix(), f"{entry.mode:04o}", f"{entry.wanted:04o}")
        for entry in wrong
    ]
    if as_json:
        emit([dict(zip(("path", "mode", "wanted"), row, strict=True)) for row in rows])
    elif rows:
        table(
            "Repaired" if fix and not dry_run else "Wrong permissions",
            ("path", "mode", "wanted"),
            rows,
        )
    else:
        console().print("✅ permissions are right")
    if rows and (not fix or dry_run):
        raise typer.Exit(1)


def _nothing_to_judge(gate: str, *, as_json: bool) -> None:
    """Say that there is no dataset, and end as unknown: nothing was verified."""
    if as_json:
        emit([])
    else:
        console().print(f"❔ there is no dataset under datasets/: {gate} cannot be judged")
    raise typer.Exit(EXIT_CODES[Outcome.UNKNOWN])


def approve(
    action: Annotated[str, typer.Argument(help="baseline or manifest.")],
    file: Annotated[Path | None, typer.Argument(help="The evidence that is approved.")] = None,
    *,
    sha256: Annotated[str, typer.Option(help="Its hash, instead of the file.")] = "",
    by: Annotated[str, typer.Option(help="Who approves.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the evidence.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the approval goes.")] = Path(
        "approval.dsse.json"
    ),
    project: Root = Path(),
) -> None:
    """Approve one change of evidence: signed, bound to its hash, valid for a day, good for one use."""
    if file is not None and not file.is_file():
        raise EvidenceMissing(f"There is no file {file.name}.")
    digest = sha256 or (sha256_hex(read_evidence(file)) if file else "")
    if len(digest) != 64:
        raise EvidenceMissing("Name a file or give --sha256.")
    output.write_bytes(
        Approvals(Project(project), SystemClock()).grant(action, digest, by=by, reason=reason)
    )
    console().print(f"{action} of {digest[:12]}... approved by {by}: {output.name}", markup=False)


@baseline.command("show")
def baseline_show(project: Root = Path(), *, as_json: AsJson = False) -> None:
    """Show the current baseline, after checking it."""
    place = Project(project)
    if not place.baseline.is_file():
        raise EvidenceMissing(
            "There is no baseline.",
            hint="`trimtab gates baseline promote -r REPORT --approval FILE`.",
        )
    read, found = read_baseline(place)
    if read is None:
        show_findings(found, as_json=as_json, gate="drift")
        return
    if as_json:
        emit(read)
        return
    rows = [
        (n, f"{b['accuracy']:.4f}", b["samples_processed"], f"{b['duration_s']:g}")
        for n, b in read["benchmarks"].items()
    ]
    table(
        f"Baseline of {read['created_at']}, approved by {read['approval']['by']}",
        ("benchmark", "accuracy", "samples", "seconds"),
        rows,
    )


@baseline.command("list")
def baseline_list(project: Root = Path()) -> None:
    """List the files of the current baseline and the archived ones."""
    root = Project(project).root / "baseline"
    rows = [
        (p.relative_to(root).as_posix(), p.stat().st_size)
        for p in sorted(root.rglob("*"))
        if p.is_file()
    ]
    if not rows:
        raise EvidenceMissing("There is no baseline.")
    table("baseline/", ("file", "bytes"), rows)


@baseline.command("promote")
def baseline_promote(
    report: ReportOption,
    *,
    approval: Approved = None,
    project: Root = Path(),
    dry_run: DryRun = False,
) -> None:
    """Make a validated, approved report the new golden baseline; the former one is archived."""
    if not report.is_file():
        raise EvidenceMissing(f"There is no report {report.name}.")
    if approval is None or not approval.is_file():
        raise ApprovalRefused("A new baseline needs an approval of exactly this report.")
    place = Project(project)
    written = promote(
        place, report, read_evidence(approval), policy_of(place), SystemClock(), dry_run=dry_run
    )
    console().print(
        f"{'would write' if dry_run else 'wrote'} {written.relative_to(place.root).as_posix()}",
        markup=False,
    )


def drift(
    report: Annotated[
        Path | None, typer.Option("--report", "-r", help="A benchmark report (JSON).")
    ] = None,
    *,
    project: Root = Path(),
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but findings.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the report (Markdown) and its picture (SVG)."),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="A table (npy, csv): compare data instead of results.")
    ] = None,
    current: Annotated[Path | None, typer.Option(help="The present table.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a report with the golden baseline, or a table of data with a reference."""
    place = Project(project)
    if reference is not None and current is not None:
        _data_drift(place, reference, current, quiet=quiet, as_json=as_json)
        return
    if report is None or not report.is_file():
        raise EvidenceMissing(
            "There is no report.", hint="Give --report FILE, or --reference and --current."
        )
    raw = read_evidence(report)
    checked = check_report(raw)
    if checked.report is None:
        show_findings(checked.findings, as_json=as_json, gate="schema")
    case = Case(place, policy_of(place), SystemClock(), raw=raw, report=checked.report)
    result = drift_gate.check(case)
    rows = _rows(case)
    if output is not None:
        picture = output.with_suffix(".svg")
        picture.write_text(drift_report.svg(rows), encoding="utf-8")
        output.write_text(drift_report.markdown(rows, plot=picture.name), encoding="utf-8")
    if not quiet and not as_json:
        _drift_table(rows, result.reason)
    if result.findings or not quiet:
        show_findings(result.findings, as_json=as_json, gate="drift")


def _rows(case: Case) -> tuple[drift_gate.Row, ...]:
    if not case.project.baseline.is_file():
        return ()
    read, _ = read_baseline(case.project)
    return drift_gate.table(case, read) if read else ()


def _drift_table(rows: tuple[drift_gate.Row, ...], reason: str) -> None:
    if reason:
        console().print(reason, style="dim")
    columns = ("benchmark", "baseline", "now", "change", "noise", "tolerance", "reading")
    shown = [
        (
            r.name,
            f"{r.baseline:.4f}",
            f"{r.current:.4f}",
            f"{r.change:+.4f}",
            f"±{r.noise:.4f}",
            f"±{r.tolerance:g}",
            r.why,
        )
        for r in rows
    ]
    table("Drift", columns, shown)


def _data_drift(
    place: Project, reference: Path, current: Path, *, quiet: bool, as_json: bool
) -> None:
    # numpy is loaded by those who compare tables, not by those who validate a report.
    from trimtab.gates.data_drift import data_findings, read_table

    columns, found = data_findings(
        read_table(reference), read_table(current), policy_of(place).drift
    )
    if not quiet and not as_json:
        table(
            "Population stability index",
            ("column", "psi"),
            [(n, f"{value:.4f}") for n, value in columns],
        )
    show_findings(
        found, as_json=as_json, gate="data drift", facts={"psi": dict(columns)} if as_json else None
    )
