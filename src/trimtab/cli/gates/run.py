"""`gates run`, `repository`, `import`, `prove`, `selftest`: judge a release."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from trimtab.cli.gates.console import (
    AsJson,
    DryRun,
    Root,
    console,
    errors,
    print_document,
    show_done,
    show_verdict,
    table,
)
from trimtab.cli.runtime.command_names import command_names
from trimtab.gates.alerts import post_alerts
from trimtab.gates.case import Project
from trimtab.gates.errors import EvidenceMissing, PolicyWrong
from trimtab.gates.evidence_files import read_evidence, replace_file
from trimtab.gates.policy import GATES, load_policy
from trimtab.gates.records import GateVerdict
from trimtab.gates.strictjson import parse
from trimtab.gates.verdict import EXIT_CODES, document, junit, markdown, sarif
from trimtab.gates.verdict_files import VERDICT_FILE, store_verdict
from trimtab.kernel.clock import SystemClock

if TYPE_CHECKING:
    from trimtab.gates.run import Request
    from trimtab.gates.schema.importers.imported import ImportedReport

app = typer.Typer()

Report = Annotated[Path, typer.Argument(help="A benchmark report (JSON).")]


@app.command()
def run(
    context: typer.Context,
    report: Report,
    *,
    policy: Annotated[
        Path | None, typer.Option(help="A policy file; by default the project's gates.yaml.")
    ] = None,
    project: Annotated[
        Path | None, typer.Option(help="The project directory; by default the report's.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Run only these gates: {', '.join(GATES)}.")
    ] = None,
    change: Annotated[
        Path | None, typer.Option(help="The pull request as JSON: body, author, head, reviews.")
    ] = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write a Markdown summary.")
    ] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    sarif_file: Annotated[Path | None, typer.Option("--sarif", help="Write SARIF 2.1.0.")] = None,
    alert: Annotated[
        str | None,
        typer.Option(
            help="Open an incident: post the failed gates to this Alertmanager-compatible address."
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run all gates on a report and its project; write a signed verdict."""
    from trimtab.gates.run import Request

    request = Request(
        root=project or report.parent,
        report=report,
        policy=load_policy(policy) if policy else None,
        policy_name=policy.name if policy else "",
        only=_only(only),
        commands=command_names(context),
        change=_change(change),
    )
    verdict = _judge(request)
    signed = None
    if not dry_run:
        signed = store_verdict(verdict, Project(request.root), report)
        _write_files(verdict, markdown_file, junit_file, sarif_file)
        if alert:
            post_alerts(verdict, alert)
    _show(verdict, signed, as_json=as_json)


def _judge(request: "Request") -> GateVerdict:
    from trimtab.gates.run import run as run_gates

    with errors().status("gates") as status:
        return run_gates(
            request, SystemClock(), progress=lambda gate: status.update(f"{gate} gate")
        )


def _write_files(
    verdict: GateVerdict,
    markdown_file: Path | None,
    junit_file: Path | None,
    sarif_file: Path | None,
) -> None:
    if markdown_file is not None:
        markdown_file.write_text(markdown(verdict), encoding="utf-8")
    if junit_file is not None:
        junit_file.write_bytes(junit(verdict))
    if sarif_file is not None:
        sarif_file.write_bytes(sarif(verdict))


def _only(names: list[str] | None) -> tuple[str, ...]:
    unknown = sorted(set(names or ()) - set(GATES))
    if unknown:
        raise PolicyWrong(f"There is no gate {unknown[0]!r}.", hint=f"Gates: {', '.join(GATES)}.")
    return tuple(gate for gate in GATES if not names or gate in names)


def _change(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    parsed = parse(read_evidence(path)) if path.is_file() else None
    if parsed is None or parsed.findings or not isinstance(parsed.value, dict):
        raise EvidenceMissing(
            f"{path.name} is not a JSON object with body, author, head and reviews."
        )
    return parsed.value


def _show(verdict: GateVerdict, signed: dict[str, str] | None, *, as_json: bool) -> None:
    if as_json:
        print_document(document(verdict, signed))
    else:
        show_verdict(verdict)
        unsigned = "not signed: no builder's key (`trimtab gates keys new --name NAME` makes one)"
        console().print(
            f"signed by {signed['signer']} ({signed['keyid'][:16]}) in {VERDICT_FILE}"
            if signed
            else unsigned,
            style="dim",
        )
    raise typer.Exit(EXIT_CODES[verdict.outcome])


@app.command()
def repository(
    context: typer.Context,
    project: Root = Path(),
    *,
    only: Annotated[list[str] | None, typer.Option(help="Run only these gates.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge trimtab's own release: self-test, packages, manual and process."""
    from trimtab.gates.repository import judge_repository

    with errors().status("gates") as status:
        verdict = judge_repository(
            project,
            SystemClock(),
            commands=command_names(context),
            only=_only(only),
            progress=status.update,
        )
    _show(verdict, None, as_json=as_json)


@app.command("import")
def import_results(
    file: Annotated[Path, typer.Argument(help="The other tool's result file.")],
    *,
    source: Annotated[str, typer.Option("--from", help="lm-eval or mlperf.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the report goes.")],
    samples: Annotated[
        int | None, typer.Option(help="Samples of each benchmark, if the file does not say.", min=1)
    ] = None,
    duration_s: Annotated[
        float | None, typer.Option(help="Seconds of the run, if the file does not say.")
    ] = None,
    compute_mode: Annotated[
        str | None, typer.Option(help="cpu, gpu, ..., if the file does not say.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The seed, if the file does not say.", min=0)
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Convert lm-evaluation-harness results or an MLPerf training log to a report."""
    from trimtab.gates.schema.importers import StatedValues, import_file

    imported = import_file(file, source, StatedValues(samples, duration_s, compute_mode, seed))
    raw = orjson.dumps(imported.report, option=orjson.OPT_INDENT_2)
    if not dry_run:
        replace_file(output, raw + b"\n")
    count, status = len(imported.report["results"]), imported.report["status"]
    derived = "".join(f"\nderived: {field}" for field in imported.derived)
    show_done(
        f"{count} results, status {status}, "
        f"{'would be written' if dry_run else 'written'} to {output.name}{derived}",
        {
            "results": count,
            "status": status,
            "file": output.name,
            "derived": list(imported.derived),
            "missing": list(imported.missing),
            "dry_run": dry_run,
        },
        as_json=as_json,
    )
    _show_problems(imported)


def _show_problems(imported: "ImportedReport") -> None:
    """Print what the other tool reported as wrong; exit 3 when the file lacks a required field."""
    for fault in imported.report.get("extra", {}).get("faults", ())[:20]:
        errors().print(f"fault: {fault}", style="yellow", markup=False)
    if imported.missing:
        for path in imported.missing[:20]:
            errors().print(f"the file does not state {path}", style="yellow", markup=False)
        errors().print(
            "State it with --samples, --duration-s, --compute-mode or --seed; "
            "without, the report is refused."
        )
        raise typer.Exit(3)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def prove(
    report: Report,
    command: Annotated[
        list[str],
        typer.Argument(
            help="The benchmark's command, after `--`; it writes its report to $BENCHMARK_REPORT."
        ),
    ],
    *,
    timeout_s: Annotated[
        float, typer.Option(help="Timeout of the second run in seconds.")
    ] = 3600.0,
    as_json: AsJson = False,
) -> None:
    """Run the benchmark again and compare; writes reproducibility.json next to the report."""
    from trimtab.gates.benchmark import prove as prove_run

    if not report.is_file():
        raise EvidenceMissing(f"There is no report {report.name}.")
    with errors().status("second run"):
        proof = prove_run(read_evidence(report), command, clock=SystemClock(), timeout_s=timeout_s)
    replace_file(Project(report.parent).proof, proof.as_json())
    if as_json:
        typer.echo(proof.as_json().decode())
    else:
        console().print(
            "✅ the second run gave the same results"
            if proof.same
            else "❌ Reproducibility check failed: the second run gave other results"
        )
    raise typer.Exit(0 if proof.same else 1)


@app.command()
def selftest(
    *,
    gate: Annotated[
        list[str] | None, typer.Option(help="Only the corruptions of these gates.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Corrupt valid evidence in every known way; exit 1 if a corruption is not caught."""
    from trimtab.gates.selftest import run_selftest

    with errors().status("self-test") as status:
        outcome = run_selftest(gates=tuple(gate or ()), progress=status.update)
    if as_json:
        print_document(outcome.as_document())
    else:
        table("Self-test", ("gate", "killed", "survived"), outcome.rows())
        for name, detail in outcome.survivors():
            console().print(f"[red]survived[/] {name}: {detail}")
        console().print(f"{outcome.killed} killed, {outcome.survived} survived")
    raise typer.Exit(0 if outcome.sound else 1)
