"""Every number that knowledge promises, beside other engines, in one table: ``make bench-knowledge``.

Engines get the same vectors and texts, each in a process of its own, one after the other. Where a machine's other work
would matter, figures are CPU time. `--scale` shrinks everything for a short look; only scale 1 is the promise.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.knowledge_bars import judged
from benchmarks.knowledge_data import ROOT, make
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from trimtab.knowledge.embedding import MiniLmEmbedder, ensure_model
from trimtab.knowledge.index import query_terms

PEERS = ("chroma", "lancedb", "pgvector", "sqlite-vec", "usearch", "tantivy", "fts5")
COLUMNS = (
    ("build_cpu_s", "build CPU s"),
    ("project_cpu_ms", "project ms"),
    ("project_recall", "recall"),
    ("all_cpu_ms", "all ms"),
    ("all_recall", "recall"),
    ("keyword_cpu_ms", "words ms"),
    ("keyword_build_cpu_s", "words CPU s"),
    ("memory_mb", "memory MB"),
    ("seconds", "seconds"),
)
PASSAGES, DOCUMENTS = 100_000, 50_000
CHILD_SECONDS = 1800
SETS = ROOT.parent / "shared" / "data" / "retrieval"


def figures_of(command: list[object]) -> dict:
    """Run a child to its end and return the figures that it printed; only ``failed`` when it printed none."""
    child = subprocess.Popen(
        [str(word) for word in command], cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = child.communicate(timeout=CHILD_SECONDS)
    except BaseException:
        end(child)
        raise
    found = [json.loads(line[8:]) for line in out.splitlines() if line.startswith("FIGURES ")]
    if child.returncode or not found:
        return {"failed": (err.strip().splitlines() or ["no figures"])[-1]}
    return found[-1]


def end(child: subprocess.Popen) -> None:
    """Interrupt the child, so that it stops its own servers, then kill what is left of it."""
    for number, seconds in ((signal.SIGINT, 10), (signal.SIGKILL, 10)):
        try:
            os.killpg(child.pid, number)
            child.communicate(timeout=seconds)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def telling(question: str) -> list[str]:
    found = [term.word for term in query_terms(question, ["english"]) if " " not in term.word]
    return found or ["nothing"]


def steps(chosen: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[object]]]:
    """Yield the name of each measurement and its command."""

    def own(module: str, *words: object) -> list[object]:
        return [sys.executable, "-m", f"benchmarks.{module}", *words]

    yield "trimtab", own("knowledge_ours", folder)
    yield "embedder", own("knowledge_embedding", folder)
    yield "service", own("knowledge_service", folder)
    yield "ingestion", own("knowledge_ingestion", folder, int(DOCUMENTS * chosen.scale))
    if chosen.sets.is_dir():
        yield "quality", own("knowledge_quality", folder, chosen.sets)
    for peer in chosen.peers:
        yield peer, [chosen.bench_python, "-m", "benchmarks.knowledge_peers", peer, folder]


def prepared(folder: Path, passages: int) -> None:
    ensure_model(folder / "model")
    embedder = MiniLmEmbedder(folder / "model", threads=2)
    make(passages, embedder.embed, telling).save(folder)
    embedder.close()


def measured(chosen: argparse.Namespace, console: Console) -> dict[str, dict]:
    """Return the figures of each step by its name."""
    found: dict[str, dict] = {}
    columns = TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name,
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
    ):
        planned = list(steps(chosen, Path(name)))
        bar = progress.add_task("passages", total=len(planned) + 1)
        prepared(Path(name), int(PASSAGES * chosen.scale))
        for step, command in planned:
            progress.update(bar, advance=1, description=step)
            started = time.monotonic()
            found[step] = figures_of(command)
            found[step]["seconds"] = round(time.monotonic() - started)
            if "failed" in found[step]:
                console.print(f"{step} failed: {found[step]['failed']}", markup=False)
        progress.update(bar, advance=1, description="done")
    return found


def shown(report: dict) -> None:
    print(f"\n{report['passages']} passages of 384 dimensions in 20 projects; ", end="")
    print(f"{report['seconds']} s in all", end="")
    print("" if report["scale"] == 1 else "; A SHORT RUN: not what was promised")
    titles = ["engine", *(title for _, title in COLUMNS)]
    print(" | ".join(f"{title:>11}" for title in titles))
    for row in report["engines"]:
        cells = [row["engine"]]
        cells += ["-" if row.get(name) is None else f"{row[name]}" for name, _ in COLUMNS]
        print(" | ".join(f"{cell:>11}" for cell in cells))
    print()
    for bar in report["bars"]:
        value = "-" if bar["value"] is None else f"{bar['value']:g}"
        print(f"{bar['verdict']:<12} {bar['bar']:<55} {value:>9}   ({bar['limit']})")
    print("\nmore: ", end="")
    print(", ".join(f"{name} {value}" for name, value in sorted(report["more"].items())))


def reported(chosen: argparse.Namespace, found: dict[str, dict], seconds: float) -> dict:
    own = {step: figures for step, figures in found.items() if step not in chosen.peers}
    seconds_of = {f"{step}_seconds": figures["seconds"] for step, figures in own.items()}
    ours = {name: value for figures in own.values() for name, value in figures.items()}
    bars = judged(ours)
    engines = [found.get(step, {}) | {"engine": step} for step in ("trimtab", *chosen.peers)]
    known = {name for name, _ in COLUMNS} | {"engine", "failed"}
    return {
        "passages": int(PASSAGES * chosen.scale),
        "scale": chosen.scale,
        "seconds": round(seconds),
        "engines": engines,
        "bars": bars,
        "more": {name: value for name, value in ours.items() if name not in known} | seconds_of,
    }


def arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0, help="0.04 for a short look")
    options.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    options.add_argument("--sets", type=Path, default=SETS, help="folders in BEIR's form")
    options.add_argument("--json", action="store_true", help="print the whole report as JSON")
    options.add_argument("--bench-python", default=str(ROOT / ".venv" / "bench" / "bin" / "python"))
    chosen = options.parse_args()
    if not 0.01 <= chosen.scale <= 1:
        options.error("--scale is from 0.01 to 1")
    return chosen


def main() -> int:
    """Measure and print; return 1 when a bar of a full run was missed, 130 when interrupted."""
    chosen, started = arguments(), time.monotonic()
    try:
        found = measured(chosen, Console(stderr=True))
    except KeyboardInterrupt:
        print("interrupted: nothing was kept", file=sys.stderr)
        return 130
    report = reported(chosen, found, time.monotonic() - started)
    if chosen.json:
        print(json.dumps(report, indent=2))
    else:
        shown(report)
    return int(chosen.scale == 1 and any(bar["verdict"] == "missed" for bar in report["bars"]))


if __name__ == "__main__":
    sys.exit(main())
