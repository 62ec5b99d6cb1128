"""`drills`: inject faults and check that their runbooks repair them."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.drills.target import Drilled, OwnService, RunningService
from trimtab.cli.runtime.console import print_json, print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Exit
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.infra.control_socket import is_answering
from trimtab.kernel.errors import InvalidInput
from trimtab.kernel.operable import Realism

app = typer.Typer(no_args_is_help=True)
_STEPS = ("injected", "detected", "first_cause_right", "repaired", "verified", "restored", "passed")


@app.command("list")
def list_drills(context: typer.Context, json: Json = False) -> None:
    """List every cause and whether its drill has passed on this build."""
    session = session_of(context)
    causes = RunningService(session).causes()
    if not printed_as_json(session, {"causes": causes}):
        print_table(
            ("cause", "proof", "drill"),
            ((c["id"], _proof_word(c), "; ".join(c["drill"])) for c in causes),
        )


def _proof_word(cause: dict[str, Any]) -> str:
    if not cause["drillable"]:
        return "needs a cluster"
    if not cause["proven"]:
        return "not proven"
    return "proven" if cause["realism"] == Realism.REAL else f"proven, {cause['realism']}"


@app.command("run")
def run(
    context: typer.Context,
    cause: Annotated[
        str, typer.Argument(help="Such as knowledge-cache-miss/the-cache-is-too-small, or a page.")
    ] = "",
    all_: Annotated[
        bool, typer.Option("--all", help="Every cause; those of clusters only with a cluster.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only list the faults.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds of the service's clock.")] = 7200.0,
    speed: Annotated[
        float, typer.Option(min=0.1, max=100, help="How fast the clock of an own service runs.")
    ] = 20.0,
    proofs: Annotated[
        Path | None, typer.Option(help="Write the proofs that hold at the end to this file.")
    ] = None,
    json: Json = False,
) -> None:
    """Run drills one after another; exit 1 when one does not pass.

    They run on the service of the data directory, which needs `service.drills`. Without a running
    service they start one, with a fresh data directory and a fast clock. Ctrl-C restores every
    fault.
    """
    session = session_of(context)
    if bool(cause) == all_:
        raise InvalidInput("Give a cause, a page or --all.", hint="`trimtab drills list`.")
    if dry_run:
        selected = _select_causes(RunningService(session), cause)
        if not printed_as_json(session, {"causes": selected}):
            print_table(
                ("cause", "would run"), ((c["id"], "; ".join(c["drill"])) for c in selected)
            )
        return
    with _drilled(session, speed) as drilled:
        causes = [str(found["id"]) for found in _select_causes(drilled, cause)]
        results = [_run_one(session, drilled, each, timeout) for each in causes]
        if proofs is not None:
            proofs.write_text(drilled.proofs(), encoding="utf-8")
    _summarise(session, results)
    if not all(result["passed"] for result in results):
        raise typer.Exit(Exit.FAILED)


@app.command("export")
def export(context: typer.Context, file: Path, json: Json = False) -> None:
    """Write the proofs that hold on this build to a file, to ship them with the library."""
    session = session_of(context)
    file.write_text(RunningService(session).proofs(), encoding="utf-8")
    if not printed_as_json(session, {"file": str(file)}):
        print_line(f"Wrote {file}.")


@contextmanager
def _drilled(session: Session, speed: float) -> Iterator[Drilled]:
    own = not session.url and not is_answering(session.settings.service.data_dir)
    # `kill` must leave as little behind as Ctrl-C: no broken service, no mounted file system.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    drilled: Drilled = OwnService(session.settings, speed) if own else RunningService(session)
    try:
        yield drilled
    finally:
        drilled.stop()


def _select_causes(drilled: Drilled, named: str) -> list[dict[str, Any]]:
    causes = drilled.causes()
    selected = [
        c
        for c in causes
        if named in (c["id"], c["id"].partition("/")[0]) or (not named and c["drillable"])
    ]
    if not selected:
        raise InvalidInput(
            f"There is no cause {named!r}.", hint="`trimtab drills list` names them."
        )
    return selected


def _run_one(session: Session, drilled: Drilled, cause: str, timeout: float) -> dict[str, Any]:
    """Run one drill and return its row of the summary; a refused one does not stop the others."""
    began, result = time.monotonic(), dict[str, Any]()
    for line in drilled.follow(cause, timeout):
        if session.json:
            print_json(line)
        if "error" in line:
            result = {"problem": line["error"]["message"]}
        elif "result" in line:
            result = line["result"]
        elif not session.json:
            _print_progress(line)
    if not session.json:
        verdict = "passed" if result.get("passed") else f"failed: {result.get('problem')}"
        if result.get("realism_reason"):
            verdict += f" ({result['realism']}: {result['realism_reason']})"
        print_line(f"{cause}: {verdict}", style="green" if result.get("passed") else "red")
    return {
        "cause": cause,
        "realism": str(result.get("realism", "unknown")),
        "realism_reason": result.get("realism_reason", ""),
        **{step: bool(result.get(step)) for step in _STEPS},
        "seconds": max(result.get("seconds", {}).values(), default=0.0),
        "machine_seconds": round(time.monotonic() - began, 3),
        "problem": result.get("problem", ""),
    }


def _print_progress(line: dict[str, Any]) -> None:
    if "waiting" in line:
        wait = line["waiting"]
        text = f"waits {wait['machine_seconds']:.0f} s for {wait['stage']}: {wait['condition']}"
        print_line(f"{wait['seconds']:8.1f} s  {'...':10} {text}")
        return
    stage = line["stage"]
    print_line(f"{stage['seconds']:8.1f} s  {stage['stage']:10} {stage['text']}")


def _summarise(session: Session, results: list[dict[str, Any]]) -> None:
    totals: dict[str, Any] = {step: sum(result[step] for result in results) for step in _STEPS}
    for realism in Realism:
        totals[realism] = sum(result["realism"] == realism for result in results)
    for measure in ("seconds", "machine_seconds"):
        totals[measure] = round(sum(result[measure] for result in results), 3)
    if session.json:
        for result in results:
            print_json({"drill": result})
        print_json({"totals": {"causes": len(results), **totals}})
        return
    shown = [name.replace("_", " ") for name in ("realism", *_STEPS, "seconds", "machine_seconds")]
    rows = [
        [
            result["cause"],
            result["realism"],
            *("yes" if result[step] else "NO" for step in _STEPS),
            *_seconds(result),
        ]
        for result in results
    ]
    real = f"{totals[Realism.REAL]} {Realism.REAL}"
    steps = (str(totals[step]) for step in _STEPS)
    last = [f"{len(results)} causes", real, *steps, *_seconds(totals)]
    print_table(("cause", *shown), [*rows, last])


def _seconds(result: dict[str, Any]) -> tuple[str, str]:
    return f"{result['seconds']:.0f}", f"{result['machine_seconds']:.0f}"
