"""What the gates cost, beside jsonschema, openssl and cyclonedx-py, in one run.

Run it with ``python -m benchmarks.gates``; ``--peers DIR`` names a folder with the peers
(``pip install --target DIR jsonschema cyclonedx-bom``), which are otherwise left out. CPU time, the best of several runs,
except where both cores are meant; ratios hold on a busy machine, times do not.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson

from trimtab.gates.benchmark import BenchmarkLogger
from trimtab.gates.case import Project
from trimtab.gates.data_drift import data_findings
from trimtab.gates.datasets import hash_file, hash_files
from trimtab.gates.policy import DriftPolicy
from trimtab.gates.repository import judge_repository
from trimtab.gates.schema import check_report
from trimtab.gates.schema.versions import schema
from trimtab.gates.signing import KeyRing
from trimtab.gates.supply_chain import (
    Installed,
    Snapshot,
    audit,
    make_sbom,
    sign_files,
    verify_files,
)
from trimtab.kernel.clock import SystemClock

RUNS = 5


def cpu_ms(act: Callable[[], object], runs: int = RUNS) -> float:
    """Return the least CPU milliseconds of several runs, children included."""
    best = float("inf")
    for _ in range(runs):
        before = _cpu()
        act()
        best = min(best, _cpu() - before)
    return best * 1000


def _cpu() -> float:
    mine, children = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def say(what: str, figure: str, aim: str) -> None:
    print(f"{what:58} {figure:42} {aim}")


def schema_gate(peers: Path | None) -> None:
    results = [
        {
            "name": f"b{i}",
            "accuracy": i / 1000,
            "samples_processed": 1000,
            "predictions_count": 1000,
            "duration_s": 1.5,
            "status": "PASS",
        }
        for i in range(1000)
    ]
    report = {
        "schema_version": "2.0", "name": "x", "accuracy": 0.4995, "samples_processed": 10**6, "predictions_count": 10**6,
        "duration_s": 1500.0, "status": "PASS", "metrics": {"compute_mode": "cpu"}, "results": results,
    }  # fmt: skip
    raw = orjson.dumps(report)
    assert not check_report(raw).findings
    ours = cpu_ms(lambda: check_report(raw), 20)
    figure = f"{ours:.2f} ms"
    if peers is not None:
        import jsonschema

        theirs = cpu_ms(
            lambda: jsonschema.Draft202012Validator(schema("report", "2.0")).validate(
                orjson.loads(raw)
            ),
            2,
        )
        figure += f"; jsonschema {theirs:.0f} ms, {theirs / ours:.0f} times"
    say("schema gate, 1,000 results, doubled keys included", figure, "< 5 ms")


def hashing(folder: Path) -> None:
    data = os.urandom(64 * 1024 * 1024)
    files = [folder / f"{i}.bin" for i in range(2)]
    for path in files:
        path.write_bytes(data)
    ours = cpu_ms(lambda: hash_file(files[0]))
    theirs = cpu_ms(
        lambda: subprocess.run(
            ["openssl", "dgst", "-sha256", str(files[0])], check=True, capture_output=True
        )
    )
    say("hashing on one core, 64 MB", f"{theirs / ours:.2f} of openssl dgst -sha256", ">= 0.9")
    share = []
    for _ in range(RUNS):
        wall, before = time.perf_counter(), _cpu()
        hash_files(files)
        share.append((_cpu() - before) / (time.perf_counter() - wall))
    say(
        "hashing two files, cores kept busy",
        f"{max(share):.2f} of 2 (best of {RUNS}, shared machine)",
        "both cores",
    )


def signing(folder: Path) -> None:
    project = Project(folder / "signing")
    project.root.mkdir()
    files = [project.root / f"{i}.json" for i in range(1000)]
    for path in files:
        path.write_bytes(b'{"a": 1}')
    clock = SystemClock()
    ring = KeyRing(project.keys, clock)
    ring.new("bench")

    def both() -> None:
        project.provenance.write_bytes(sign_files(project, files, ring, clock.now()))
        assert verify_files(project, project.provenance, [], ring) == ()

    names = {path.name: "0" * 64 for path in files}

    def signature_alone() -> None:
        ring.open(
            ring.sign(
                {
                    "_type": "https://in-toto.io/Statement/v1",
                    "predicateType": "x",
                    "predicate": {},
                    "subject": [{"name": n, "digest": {"sha256": s}} for n, s in names.items()],
                }
            )
        )

    say(
        "sign and verify 1,000 artifacts, beyond hashing",
        f"{cpu_ms(signature_alone, 20):.1f} ms (files and git included: {cpu_ms(both):.0f} ms)",
        "< 10 ms",
    )


def supply_chain(folder: Path, peers: Path | None) -> None:
    project = Project(folder / "bom")
    project.root.mkdir()
    clock = SystemClock()
    installed = Installed()
    bom = make_sbom(project, installed, clock.now())
    hashed = sum("hashes" in component for component in bom["components"])
    ours = cpu_ms(lambda: make_sbom(project, Installed(), clock.now()))
    figure = f"{ours / 1000:.2f} s, {hashed} of {len(bom['components'])} with a hash"
    if peers is not None:
        out = folder / "peer.json"
        command = [
            sys.executable,
            "-m",
            "cyclonedx_py",
            "environment",
            sys.executable,
            "-o",
            str(out),
        ]
        environment = {**os.environ, "PYTHONPATH": str(peers)}  # noqa: TID251 - handed to a child.
        theirs = cpu_ms(
            lambda: subprocess.run(command, check=True, capture_output=True, env=environment), 1
        )
        components = orjson.loads(out.read_bytes())["components"]
        figure += f"; cyclonedx-py {theirs / 1000:.1f} s, {sum('hashes' in c for c in components)} of {len(components)}"
    say(f"bill of materials of {len(installed.packages)} packages", figure, "< 2 s, all")
    snapshot = Snapshot.load()
    versions = {package.name: package.version for package in installed.packages}
    say(
        f"audit of {len(versions)} packages, warm",
        f"{cpu_ms(lambda: audit(versions, snapshot)):.0f} ms (loading the snapshot {cpu_ms(Snapshot.load):.0f} ms)",
        "< 1 s",
    )


def drift() -> None:
    random = np.random.default_rng(0)
    then, now = (random.normal(size=(1_000_000, 30)).astype(np.float32) for _ in range(2))
    wall = time.perf_counter()
    spent = cpu_ms(lambda: data_findings(then, now, DriftPolicy()), 2)
    say(
        "drift of 1,000,000 rows x 30 columns",
        f"{spent / 1000:.2f} s CPU, {(time.perf_counter() - wall) / 2:.2f} s on the clock",
        "< 3 s",
    )


LOG = """
import sys
from pathlib import Path
from trimtab.gates.benchmark.stream import read_log
def peak():
    # VmHWM, because ru_maxrss begins with what the parent had.
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
summary = read_log(Path(sys.argv[1]))
assert not summary.findings
print(peak() / 1024, before / 1024)
"""


def streaming(folder: Path) -> None:
    with BenchmarkLogger("big", folder=folder, clock=SystemClock()) as log:
        log.start(seeds={"s": 1}, environment={}, compute_mode="cpu")
        index = 0
        while log.path.stat().st_size < 200_000_000:
            for _ in range(20_000):
                log.sample(f"sample-{index:012}")
                log.prediction(f"sample-{index:012}", correct=True)
                index += 1
        log.result()
    size = log.path.stat().st_size / 1e6
    done = subprocess.run(
        [sys.executable, "-c", LOG, str(log.path)], check=True, capture_output=True, text=True
    )
    peak, start = map(float, done.stdout.split())
    spent = cpu_ms(
        lambda: subprocess.run(
            [sys.executable, "-c", LOG, str(log.path)], check=True, capture_output=True
        ),
        1,
    )
    say(
        f"checking a log of {size:.0f} MB",
        f"{peak:.0f} MB of memory ({start:.0f} before), {spent / 1000:.0f} s",
        "< 60 MB",
    )


def whole_suite() -> None:
    root = Path(__file__).parent.parent
    wall, before = time.perf_counter(), _cpu()
    verdict = judge_repository(root, SystemClock())
    say(
        "every gate on this repository, self-test included",
        f"{_cpu() - before:.1f} s CPU, {time.perf_counter() - wall:.1f} s on the clock: {verdict.outcome.value}",
        "< 30 s",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path)
    peers = parser.parse_args().peers
    if peers is not None:
        sys.path.append(str(peers))
    folder = Path(tempfile.mkdtemp(prefix="trimtab-bench-"))
    try:
        schema_gate(peers)
        hashing(folder)
        signing(folder)
        supply_chain(folder, peers)
        drift()
        streaming(folder)
        whole_suite()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
