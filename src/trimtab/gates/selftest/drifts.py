"""Corruptions of numbers, baseline and approvals."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson

from trimtab.gates.baseline import VALID_FOR, Approvals
from trimtab.gates.errors import ApprovalRefused
from trimtab.gates.selftest.corruption import Corruption
from trimtab.gates.selftest.sample_project import SampleProject
from trimtab.gates.signing import APPROVER, BUILDER, KeyRing

_GOOD, _LOW, _FRACTION = (
    ("plausibility.too_good",),
    ("plausibility.below_chance",),
    ("plausibility.impossible_fraction",),
)
_ERROR, _MANY, _FEW = (
    ("plausibility.stderr_mismatch",),
    ("plausibility.too_many_samples",),
    ("plausibility.too_few_samples",),
)
_FAILED, _UNAPPROVED = ("drift.comparison_failed",), ("drift.baseline_unapproved",)
COPA, HUMANEVAL, QUESTIONS = 0, 1, 2


def _number_case(name: str, index: int, expect: tuple[str, ...], **values: object) -> Corruption:
    return Corruption(
        "plausibility",
        name,
        lambda sample: sample.edit_result(lambda r: r.update(values), index),
        expect,
    )


def _drift_case(
    name: str,
    edit: Callable[[dict[str, Any]], object],
    expect: tuple[str, ...],
    index: int = QUESTIONS,
) -> Corruption:
    return Corruption("drift", name, lambda sample: sample.edit_result(edit, index), expect)


def _baseline_case(
    name: str, change: Callable[[SampleProject], object], expect: tuple[str, ...]
) -> Corruption:
    return Corruption("drift", name, change, expect)


def _edit_baseline(edit: Callable[[dict[str, Any]], object]) -> Callable[[SampleProject], None]:
    return lambda sample: sample.edit_json(sample.project.baseline, edit)


def _by_stranger(sample: SampleProject) -> None:
    """Approve the baseline with an untrusted key."""
    stranger = KeyRing(sample.root / "stranger", sample.clock)
    stranger.new("stranger", APPROVER)
    opened = sample.ring().open(sample.project.baseline_approval.read_bytes(), APPROVER)
    sample.project.baseline_approval.write_bytes(stranger.sign(opened.statement, APPROVER))


def _by_builder(sample: SampleProject) -> None:
    """Approve the baseline with the builder's key."""
    opened = sample.ring().open(sample.project.baseline_approval.read_bytes(), APPROVER)
    sample.project.baseline_approval.write_bytes(sample.ring().sign(opened.statement, BUILDER))


def _other_approval(action: str, sha256: str) -> Callable[[SampleProject], None]:
    def change(sample: SampleProject) -> None:
        envelope = Approvals(sample.project, sample.clock).grant(
            action, sha256 or sample.report()["model"]["sha256"], by="m", reason="r"
        )
        sample.project.baseline_approval.write_bytes(envelope)

    return change


_NUMBERS = (
    _number_case("every answer right", QUESTIONS, _GOOD, accuracy=1.0),
    _number_case("better than the best known", COPA, _GOOD, benchmark="mmlu", accuracy=0.99, samples_processed=14042),
    _number_case("better than people agree", COPA, _GOOD, benchmark="wic", accuracy=0.99),
    _number_case("far below chance", COPA, _LOW, accuracy=0.05),
    _number_case("no answer right where chance gives a quarter", COPA, _LOW, benchmark="mmlu", accuracy=0.0),
    _number_case("a fraction that no count gives", COPA, _FRACTION, accuracy=0.8437),
    _number_case("one sample less for the same accuracy", HUMANEVAL, _FRACTION, samples_processed=163),
    _number_case("one sample more for the same accuracy", HUMANEVAL, _FRACTION, samples_processed=165),
    _number_case("a tenth of the error", COPA, _ERROR, stderr=0.00368),
    _number_case("no error", COPA, _ERROR, stderr=0.0),
    _number_case("ten times the error", HUMANEVAL, _ERROR, stderr=0.387),
    _number_case("more samples than there are", COPA, _MANY, samples_processed=200),
    _number_case("twice the benchmark", HUMANEVAL, _MANY, samples_processed=328),
    _number_case("half of the benchmark as a PASS", HUMANEVAL, _FEW, samples_processed=82),
)  # fmt: skip

_BASELINE = (
    _drift_case("a large drop", lambda r: r.update(accuracy=0.5), ("drift.critical",)),
    _drift_case("a large drop is a regression", lambda r: r.update(accuracy=0.5), ("drift.accuracy_regression",)),
    _drift_case("a drop that few samples cannot tell", lambda r: r.update(accuracy=0.775), ("drift.warning",)),
    _drift_case("a jump upwards", lambda r: r.update(accuracy=0.98), ("drift.improvement",)),
    _drift_case("half as fast", lambda r: r.update(duration_s=r["duration_s"] * 2), ("drift.slower",)),
    _drift_case("twice the memory", lambda r: r.update(peak_memory_mb=200.0), ("drift.memory",)),
    _drift_case("other data", lambda r: r["dataset"].update(manifest_sha256="0" * 64), ("drift.data_changed",)),
    _drift_case("no data named", lambda r: r.pop("dataset"), ("drift.data_changed",)),
    _drift_case("a benchmark renamed", lambda r: r.update(name="questions-v2"), ("drift.benchmark_dropped",)),
    _baseline_case("a benchmark dropped", lambda w: w.edit_report(lambda r: r["results"].pop()), ("drift.benchmark_dropped",)),
    _baseline_case("no baseline any more", lambda w: w.project.baseline.unlink(), _FAILED),
    _baseline_case("an empty baseline", lambda w: w.project.baseline.write_bytes(b""), _FAILED),
    _baseline_case("a baseline cut in half", lambda w: w.project.baseline.write_bytes(w.project.baseline.read_bytes()[:99]), _FAILED),
    _baseline_case("a baseline with a doubled key", lambda w: w.project.baseline.write_bytes(w.project.baseline.read_bytes().replace(b'"report_name"', b'"created_at": "x", "report_name"')), _FAILED),
    _baseline_case("a baseline without benchmarks", _edit_baseline(lambda b: b.update(benchmarks={})), _FAILED),
    _baseline_case("a lowered baseline", _edit_baseline(lambda b: b["benchmarks"]["questions"].update(accuracy=0.1)), _UNAPPROVED),
    _baseline_case("a benchmark removed from the baseline", _edit_baseline(lambda b: b["benchmarks"].pop("copa")), _UNAPPROVED),
    _baseline_case("another report next to the baseline", lambda w: (w.project.baseline.parent / "benchmark_report.json").write_bytes(b"{}"), _UNAPPROVED),
    _baseline_case("no report next to the baseline", lambda w: (w.project.baseline.parent / "benchmark_report.json").unlink(), _UNAPPROVED),
    _baseline_case("no approval", lambda w: w.project.baseline_approval.unlink(), _UNAPPROVED),
    _baseline_case("an approval by a stranger", _by_stranger, _UNAPPROVED),
    _baseline_case("an approval with the builder's key", _by_builder, _UNAPPROVED),
    _baseline_case("an approval of something else", _other_approval("baseline", "0" * 64), _UNAPPROVED),
    _baseline_case("an approval for another action", _other_approval("manifest", ""), _UNAPPROVED),
    _baseline_case("an approval that was edited", lambda w: w.edit_json(w.project.baseline_approval, lambda e: e.update(payload=e["payload"][:-8] + "AAAAAAA=")), _UNAPPROVED),
)  # fmt: skip


def _judge_refusal(ask: Callable[[SampleProject], object]) -> Callable[[SampleProject], set[str]]:
    def judge(sample: SampleProject) -> set[str]:
        try:
            ask(sample)
        except ApprovalRefused as error:
            return {error.code}
        return set()

    return judge


def _approval_case(name: str, ask: Callable[[SampleProject], object]) -> Corruption:
    return Corruption(
        "approval", name, lambda _: None, (ApprovalRefused.code,), _judge_refusal(ask)
    )


def _grant(sample: SampleProject, sha256: str = "1" * 64) -> bytes:
    return Approvals(sample.project, sample.clock).grant("baseline", sha256, by="m", reason="r")


def _check(
    sample: SampleProject, envelope: bytes, action: str = "baseline", sha256: str = "1" * 64
) -> object:
    return Approvals(sample.project, sample.clock).check(envelope, action, sha256)


def _replay_approval(sample: SampleProject) -> object:
    envelope = _grant(sample)
    approvals = Approvals(sample.project, sample.clock)
    approvals.spend(approvals.check(envelope, "baseline", "1" * 64))
    return approvals.check(envelope, "baseline", "1" * 64)


def _use_expired_approval(sample: SampleProject) -> object:
    envelope = _grant(sample)
    sample.clock.sleep((VALID_FOR + timedelta(minutes=1)).total_seconds())
    return _check(sample, envelope)


def _use_revoked_key(sample: SampleProject) -> object:
    envelope = _grant(sample)
    ring = sample.ring()
    ring.revoke(next(iter(ring.trusted(APPROVER))))
    return _check(sample, envelope)


def _envelope(sample: SampleProject, edit: Callable[[dict[str, Any]], object]) -> object:
    envelope = orjson.loads(_grant(sample))
    edit(envelope)
    return _check(sample, orjson.dumps(envelope))


_APPROVALS = (
    _approval_case("used twice", _replay_approval),
    _approval_case("a day too late", _use_expired_approval),
    _approval_case("for another report", lambda sample: _check(sample, _grant(sample), sha256="2" * 64)),
    _approval_case("for another action", lambda sample: _check(sample, _grant(sample), action="manifest")),
    _approval_case("its key was revoked", _use_revoked_key),
    _approval_case("empty", lambda sample: _check(sample, b"")),
    _approval_case("no signature", lambda sample: _envelope(sample, lambda e: e.update(signatures=[]))),
    _approval_case("another type of payload", lambda sample: _envelope(sample, lambda e: e.update(payloadType="text/plain"))),
    _approval_case("a verdict instead of an approval", lambda sample: _check(sample, sample.project.provenance.read_bytes())),
)  # fmt: skip

CORRUPTIONS: tuple[Corruption, ...] = (*_NUMBERS, *_BASELINE, *_APPROVALS)
