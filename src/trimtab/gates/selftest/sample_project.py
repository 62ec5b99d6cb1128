"""Builds a small valid project with all evidence that the gates check."""

import base64
import hashlib
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import orjson

from trimtab.gates import datasets
from trimtab.gates.baseline import Approvals
from trimtab.gates.benchmark import BenchmarkLogger, Proof
from trimtab.gates.benchmark.prove import results_digest
from trimtab.gates.case import Case, Project
from trimtab.gates.evidence import promote
from trimtab.gates.policy import GatePolicy, load_policy
from trimtab.gates.signing import APPROVER, BUILDER, KeyRing
from trimtab.gates.supply_chain import Installed, Snapshot, make_sbom, sign_files
from trimtab.infra.shipped import shipped
from trimtab.kernel.ids import sha256_hex

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
SNAPSHOT_DATE = START.date()
RUNS = {"copa": (100, 84), "humaneval": (164, 70), "questions": (120, 96)}
"""Benchmark to samples and right answers."""
ENVIRONMENT = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SIGNED = ("benchmark_report.json", "datasets/questions/manifest.sha256", "sbom.cdx.json")
UNRELATED = {
    "id": "PYSEC-2026-0",
    "modified": SNAPSHOT_DATE.isoformat(),
    "affected": [{"package": {"ecosystem": "PyPI", "name": "elsewhere"}, "versions": ["1.0"]}],
}
"""The only advisory of the project's snapshot, about a package that it does not have."""
COMMANDS = frozenset({"gates run", "gates fields"})


class StepClock:
    """Deterministic clock that advances a millisecond at each reading."""

    rate = 1.0

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the time, a millisecond after the previous reading."""
        self._now += timedelta(milliseconds=1)
        return self._now

    def monotonic(self) -> float:
        """Return seconds, a millisecond after the previous reading."""
        self._elapsed += 0.001
        return self._elapsed

    def wait(self, event: Event, seconds: float) -> bool:
        """Advance the clock without waiting; return whether the event is set."""
        self.sleep(seconds)
        return event.is_set()

    def sleep(self, seconds: float) -> None:
        """Advance the clock without waiting."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds


@dataclass(slots=True)
class SampleProject:
    """One copy of the sample project, which tests can corrupt."""

    root: Path
    clock: StepClock
    change: dict[str, Any] = field(default_factory=dict)
    advisories: list[dict[str, Any]] = field(default_factory=list)
    snapshot_date: date = SNAPSHOT_DATE

    @property
    def project(self) -> Project:
        """Return the paths of the project."""
        return Project(self.root, keyring_of(self.root))

    @property
    def report_path(self) -> Path:
        """Return the path of the report."""
        return self.root / "benchmark_report.json"

    def report(self) -> dict[str, Any]:
        """Return the parsed report file."""
        loaded: dict[str, Any] = orjson.loads(self.report_path.read_bytes())
        return loaded

    def edit_report(self, edit: Callable[[dict[str, Any]], object]) -> None:
        """Change the report in place."""
        report = self.report()
        edit(report)
        self.report_path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))

    def edit_result(self, edit: Callable[[dict[str, Any]], object], index: int = 0) -> None:
        """Change one result of the report in place."""
        self.edit_report(lambda report: edit(report["results"][index]))

    def edit_json(self, path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
        """Change a JSON file in place."""
        document = orjson.loads(path.read_bytes())
        edit(document)
        path.write_bytes(orjson.dumps(document))

    def ring(self) -> KeyRing:
        """Return the key ring of the project."""
        return KeyRing(self.project.keys, self.clock)

    def installed(self) -> Installed:
        """Return the installed packages of the project."""
        return Installed([self.root / "site"])

    def snapshot(self) -> Snapshot:
        """Return the advisory snapshot of the project."""
        by_package: dict[str, list[Mapping[str, Any]]] = {}
        for record in self.advisories:
            by_package.setdefault(record["affected"][0]["package"]["name"], []).append(record)
        return Snapshot(by_package, self.snapshot_date, len(self.advisories))

    def case(self, report: Mapping[str, Any] | None) -> Case:
        """Return the case for the gates."""
        return Case(
            project=self.project,
            policy=self.policy(),
            clock=self.clock,
            raw=self.report_path.read_bytes() if self.report_path.is_file() else b"",
            report=report,
            commands=COMMANDS,
            change=self.change,
        )

    def policy(self) -> GatePolicy:
        """Return the policy of the project."""
        return load_policy(self.project.policy)

    def resign(self) -> None:
        """Sign the artifacts again after a change."""
        files = [self.root / name for name in SIGNED]
        self.project.provenance.write_bytes(
            sign_files(self.project, files, self.ring(), self.clock.now())
        )

    def copy_to(self, root: Path) -> "SampleProject":
        """Copy the project and its keys to another folder."""
        shutil.copytree(self.root, root, symlinks=True)
        shutil.copytree(keyring_of(self.root), keyring_of(root))
        advisories = orjson.loads(orjson.dumps(self.advisories))
        return SampleProject(
            root,
            StepClock(self.clock.now()),
            orjson.loads(orjson.dumps(self.change)),
            advisories,
            self.snapshot_date,
        )


def keyring_of(root: Path) -> Path:
    """Return the project's key ring, a folder next to it.

    Trust must not come from inside the project.
    """
    return root.with_name(f"{root.name}.keys")


def build_sample_project(root: Path, start: datetime = START) -> SampleProject:
    """Build the sample project in an empty folder."""
    sample = SampleProject(root, StepClock(start), _change())
    root.mkdir(parents=True, exist_ok=True)
    sample.ring().new("release builder", BUILDER)
    sample.ring().new("maintainer", APPROVER)
    _write_data(root)
    _write_site(root / "site")
    _write_docs(root)
    (root / "advisories.jsonl").write_bytes(orjson.dumps(UNRELATED) + b"\n")
    _write_policy(sample)
    sample.report_path.write_bytes(orjson.dumps(_report(sample), option=orjson.OPT_INDENT_2))
    _promote(sample)
    _prove(sample)
    sample.project.sbom.write_bytes(
        orjson.dumps(make_sbom(sample.project, sample.installed(), sample.clock.now()))
    )
    sample.resign()
    return sample


def _write_data(root: Path) -> None:
    for name, count in (("questions", 120), ("golden", 60)):
        folder = root / "datasets" / name
        folder.mkdir(parents=True)
        rows = [
            orjson.dumps({"id": f"{name}-{i}", "text": f"What is {i} and {i}?", "label": i % 2})
            for i in range(count)
        ]
        (folder / "data.jsonl").write_bytes(b"\n".join(rows) + b"\n")
        (folder / "notes.csv").write_text("id,note\n1,made by hand\n2,checked\n", encoding="utf-8")
        datasets.write_manifest(folder)
    (root / "models").mkdir()
    (root / "models" / "weights.bin").write_bytes(bytes(range(256)) * 8)
    (root / "requirements.txt").write_text("alpha==1.0\nbeta==2.0\n", encoding="utf-8")


def _report(sample: SampleProject) -> dict[str, Any]:
    started = sample.clock.now()
    results = [_run(sample, name, samples, right) for name, (samples, right) in RUNS.items()]
    sample.clock.sleep(1)
    samples = sum(result["samples_processed"] for result in results)
    return {
        "schema_version": "2.0",
        "name": "selftest",
        "accuracy": sum(r["accuracy"] * r["samples_processed"] for r in results) / samples,
        "samples_processed": samples,
        "predictions_count": samples,
        "duration_s": sum(result["duration_s"] for result in results),
        "status": "PASS",
        "metrics": {"compute_mode": "cpu"},
        "results": results,
        "started_at": _stamp(started),
        "finished_at": _stamp(sample.clock.now()),
        "seeds": {"python": 0, "numpy": 7},
        "environment": ENVIRONMENT,
        "model": {"name": "selftest-model", "sha256": sha256_hex(b"weights")},
    }


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _run(sample: SampleProject, name: str, samples: int, right: int) -> dict[str, Any]:
    with BenchmarkLogger(name, folder=sample.project.logs, clock=sample.clock) as log:
        log.start(seeds={"python": 0}, environment=ENVIRONMENT, compute_mode="cpu")
        for index in range(samples):
            log.sample(f"{name}-{index}")
            log.prediction(f"{name}-{index}", correct=index < right)
        entry = log.result()
    manifest = sample.project.datasets / "questions" / datasets.MANIFEST
    accuracy = entry["accuracy"]
    return {
        **entry,
        "stderr": math.sqrt(accuracy * (1 - accuracy) / (samples - 1)),
        "durations_s": [entry["duration_s"] * factor for factor in (0.99, 1.0, 1.01)],
        "peak_memory_mb": 100.0,
        "log": {"path": f"logs/{name}.jsonl", "sha256": datasets.hash_file(log.path)},
        "dataset": {"name": "questions", "manifest_sha256": datasets.hash_file(manifest)},
    }


def _promote(sample: SampleProject) -> None:
    """Promote the report to baseline under the default policy.

    The strict policy requires a proof, which does not exist yet.
    """
    approvals = Approvals(sample.project, sample.clock)
    envelope = approvals.grant(
        "baseline",
        sha256_hex(sample.report_path.read_bytes()),
        by="maintainer",
        reason="first baseline",
    )
    promote(sample.project, sample.report_path, envelope, GatePolicy(), sample.clock)


def _prove(sample: SampleProject) -> None:
    raw = sample.report_path.read_bytes()
    digest = results_digest(orjson.loads(raw))
    proof = Proof(
        sha256_hex(raw),
        digest,
        digest,
        "python benchmark_script.py",
        ENVIRONMENT,
        _stamp(sample.clock.now()),
    )
    sample.project.proof.write_bytes(proof.as_json())


def _write_site(site: Path) -> None:
    add_package(site, "alpha", "1.0", requires=("beta>=2",))
    add_package(site, "beta", "2.0")
    add_package(site, "gamma", "3.1", licence="Apache-2.0 OR GPL-3.0-only")


def add_package(
    site: Path, name: str, version: str, *, licence: str = "MIT", requires: tuple[str, ...] = ()
) -> None:
    """Install a package with one module, like a wheel."""
    folder = site / name
    folder.mkdir(parents=True)
    code = f'"""Package {name}."""\n'.encode()
    (folder / "__init__.py").write_bytes(code)
    about = site / f"{name}-{version}.dist-info"
    about.mkdir()
    metadata = (
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: {licence}\n"
    )
    metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
    (about / "METADATA").write_text(metadata, encoding="utf-8")
    rows = [
        _record(f"{name}/__init__.py", code),
        _record(f"{about.name}/METADATA", metadata.encode()),
    ]
    (about / "RECORD").write_text("".join(rows) + f"{about.name}/RECORD,,\n", encoding="utf-8")


def _record(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"


def _write_docs(root: Path) -> None:
    shutil.copytree(shipped("schemas"), root / "schemas")
    github = root / ".github"
    (github / "workflows").mkdir(parents=True)
    (github / "pull_request_template.md").write_text(
        "- [ ] Tests added\n- [ ] Docs updated\n", encoding="utf-8"
    )
    workflow = "on: [push]\njobs:\n  gates:\n    runs-on: ubuntu-latest\n    steps:\n"
    workflow += (
        f"      - uses: actions/checkout@{'a' * 40}\n      - run: trimtab gates run"
        " benchmark_report.json\n"
    )
    (github / "workflows" / "ci.yml").write_text(workflow, encoding="utf-8")
    (root / "LICENSE").write_text("MIT\n", encoding="utf-8")
    (root / "Makefile").write_text("test:\n\ttrue\n", encoding="utf-8")
    docs = root / "docs"
    docs.mkdir()
    readme = (
        "# Self-test\n\nSee [the guide](docs/guide.md#how-to-run).\n\n```sh\ntrimtab gates run"
        " benchmark_report.json\nmake test\n```\n"
    )
    (root / "README.md").write_text(readme, encoding="utf-8")
    (docs / "guide.md").write_text(
        "# Guide\n\nBack to [the start](../README.md).\n\n## How to run\n\nRun the gates.\n",
        encoding="utf-8",
    )
    steps = (
        "# Schema migrations\n\nOne step each.\n\n## From 1.0 to 1.1\n\nCounts are added.\n\n##"
        " From 1.1 to 2.0\n\nResults are listed.\n"
    )
    (docs / "SCHEMA_MIGRATION_GUIDE.md").write_text(steps, encoding="utf-8")


def _write_policy(sample: SampleProject) -> None:
    keys = ", ".join(sample.ring().trusted())
    text = f"""\
require: [schema, datasets, benchmark, plausibility, drift, supply_chain, docs, process]
datasets:
  min_samples: {{questions: 100, golden: 50}}
benchmark:
  require_log: true
  require_proof: true
  timeout_s: 600
supply_chain:
  trusted_keys: [{keys}]
  site: site
  sign: [benchmark_report.json]
docs:
  paths: [README.md, docs]
"""
    sample.project.policy.write_text(text, encoding="utf-8")


def _change() -> dict[str, Any]:
    return {
        "body": "Adds a benchmark.\n\n- [x] Tests added\n- [x] Docs updated\n",
        "author": "ada",
        "head": "c0ffee",
        "reviews": [{"user": "grace", "state": "APPROVED", "commit": "c0ffee"}],
        "runs": [{"workflowName": "ci", "headSha": "c0ffee", "conclusion": "success"}],
    }
