"""Faults for drills: break real evidence files and restore them."""

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from trimtab.gates.baseline import Approvals, make_baseline, write_baseline
from trimtab.gates.datasets import MANIFEST
from trimtab.gates.monitor import GROUPS, REPORT, GateMonitor
from trimtab.kernel.ids import sha256_hex
from trimtab.kernel.operable import Arguments, Fault, Realism, Value

Break = Callable[[], object]


def faults(monitor: GateMonitor) -> tuple[Fault, ...]:
    """Return all faults of the release gates."""
    return (*_report_faults(monitor), *_dataset_faults(monitor), *_other_faults(monitor))


def _fault(monitor: GateMonitor, name: str, text: str, group: str, act: Break) -> Fault:
    def inject(_: Arguments) -> Mapping[str, Value]:
        monitor.prepare()
        # Not judged here: the periodic check must detect it, like a change from outside.
        return {"token": monitor.change(GROUPS[group], act, judge=False)}

    return Fault(name, text, inject, lambda saved: _put_back(monitor, saved), realism=Realism.REAL)


def _put_back(monitor: GateMonitor, saved: Mapping[str, Value]) -> None:
    monitor.put_back(str(saved["token"]))


def _report_faults(monitor: GateMonitor) -> tuple[Fault, ...]:
    project = monitor.project

    def edit(change: Callable[[dict[str, Any]], object]) -> Break:
        def act() -> None:
            path = project.root / REPORT
            report = orjson.loads(path.read_bytes())
            change(report)
            path.write_bytes(orjson.dumps(report))
            # Sign the wrong report, so that only the report is at fault.
            monitor.resign()

        return act

    def miscount(report: dict[str, Any]) -> None:
        report["results"][0]["predictions_count"] -= 1
        report["predictions_count"] -= 1

    return (
        _fault(monitor, "gates.report.drop_field", "Take `accuracy` out of the report.", "report", edit(lambda report: report.pop("accuracy"))),
        _fault(monitor, "gates.report.miscount", "Lose one prediction in the report.", "report", edit(miscount)),
        _fault(monitor, "gates.log.cut", "Cut the last line of a benchmark log.", "logs", lambda: _cut(_first(project.logs, "*.jsonl"))),
    )  # fmt: skip


def _dataset_faults(monitor: GateMonitor) -> tuple[Fault, ...]:
    project = monitor.project

    def dataset() -> Path:
        return project.datasets / project.dataset_names()[0]

    def flip() -> None:
        path = _first(dataset(), "*.jsonl")
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(bytes(raw))

    def remove_manifest() -> None:
        (dataset() / MANIFEST).unlink()

    def open_all(_: Arguments) -> Mapping[str, Value]:
        monitor.prepare()
        path = _first(dataset(), "*.jsonl")
        return {"token": monitor.set_modes([(path, 0o666)], judge=False)}

    return (
        _fault(monitor, "gates.dataset.flip_bit", "Flip one bit of a dataset.", "datasets", flip),
        _fault(monitor, "gates.dataset.remove_manifest", "Remove a dataset's manifest.", "datasets", remove_manifest),
        Fault("gates.dataset.open_permissions", "Let everybody write a dataset.", open_all, lambda saved: _put_back(monitor, saved), realism=Realism.REAL),
    )  # fmt: skip


def _other_faults(monitor: GateMonitor) -> tuple[Fault, ...]:
    project = monitor.project

    def lower() -> None:
        baseline = orjson.loads(project.baseline.read_bytes())
        next(iter(baseline["benchmarks"].values()))["accuracy"] /= 2
        project.baseline.write_bytes(orjson.dumps(baseline))

    def tamper() -> None:
        bom = orjson.loads(project.sbom.read_bytes())
        bom["components"].pop()
        project.sbom.write_bytes(orjson.dumps(bom))

    def expose(_: Arguments) -> Mapping[str, Value]:
        monitor.prepare()
        path = _first(project.keys, "*.key")
        return {
            "token": monitor.set_modes(
                [(path, stat.S_IMODE(path.stat().st_mode) | 0o044)], judge=False
            )
        }

    def tighten() -> None:
        text = project.policy.read_text(encoding="utf-8")
        project.policy.write_text(
            text.replace("timeout_s: 600", "timeout_s: 0.0001"), encoding="utf-8"
        )

    def break_link() -> None:
        readme = project.root / "README.md"
        readme.write_text(
            readme.read_text(encoding="utf-8") + "\nSee [the plan](docs/plan.md).\n",
            encoding="utf-8",
        )

    return (
        _fault(monitor, "gates.baseline.lower", "Lower a number of the golden baseline by hand.", "baseline", lower),
        _fault(monitor, "gates.baseline.raise", "Approve the baseline of a better model, which the present report falls short of.", "baseline", lambda: _raise_baseline(monitor)),
        _fault(monitor, "gates.sbom.tamper", "Leave a component out of the bill of materials.", "supply_chain", tamper),
        Fault("gates.keys.expose", "Let everybody read a private key.", expose, lambda saved: _put_back(monitor, saved), realism=Realism.REAL),
        _fault(monitor, "gates.policy.tighten", "Set a time limit that no benchmark can hold.", "policy", tighten),
        _fault(monitor, "gates.policy.garble", "Put an unknown key into the policy.", "policy", lambda: _append(project.policy, "\nrequires: [schema]\n")),
        _fault(monitor, "gates.docs.break_link", "Link to a page that does not exist.", "docs", break_link),
        _fault(monitor, "gates.process.remove_template", "Remove the pull request template.", "process", lambda: _first(project.root / ".github", "*.md").unlink()),
    )  # fmt: skip


def _raise_baseline(monitor: GateMonitor) -> None:
    """Promote a baseline from a far better report, with a trusted approval."""
    project = monitor.project
    report = orjson.loads((project.root / REPORT).read_bytes())
    for result in report["results"]:
        result["accuracy"] = min(1.0, result["accuracy"] + 0.35)
    raw = orjson.dumps(report)
    approvals = Approvals(project, monitor.clock)
    envelope = approvals.grant(
        "baseline", sha256_hex(raw), by="drill", reason="a baseline of another model"
    )
    document = make_baseline(report, raw, approvals.read(envelope), monitor.clock.now())
    write_baseline(project, document, raw, envelope)


def _first(folder: Path, pattern: str) -> Path:
    return min(folder.glob(pattern))


def _cut(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
