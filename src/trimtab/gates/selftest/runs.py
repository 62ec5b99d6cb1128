"""Corruptions of the benchmark run: report, log and second run."""

from collections.abc import Callable
from typing import Any

import orjson

from trimtab.gates.benchmark.logger import CHAIN_START, chain
from trimtab.gates.datasets import hash_file
from trimtab.gates.selftest.corruption import Corruption
from trimtab.gates.selftest.sample_project import SampleProject

_COUNT, _IDS, _LOG = (
    ("benchmark.count_mismatch",),
    ("benchmark.ids_mismatch",),
    ("benchmark.log_mismatch",),
)
_BROKEN, _BACK, _GONE = (
    ("benchmark.log_broken",),
    ("benchmark.clock_back",),
    ("benchmark.log_missing",),
)
_TOTALS, _TIME, _PROOF = (
    ("benchmark.totals_mismatch",),
    ("benchmark.duration_impossible",),
    ("benchmark.proof_missing",),
)
Lines = list[bytes]


def _report(
    name: str, edit: Callable[[dict[str, Any]], object], expect: tuple[str, ...]
) -> Corruption:
    return Corruption("benchmark", name, lambda sample: sample.edit_report(edit), expect)


def _result(
    name: str, edit: Callable[[dict[str, Any]], object], expect: tuple[str, ...]
) -> Corruption:
    return Corruption("benchmark", name, lambda sample: sample.edit_result(edit), expect)


def _restate(sample: SampleProject) -> None:
    """Update the log's hash in the report, like a forger."""
    log = sample.project.logs / "copa.jsonl"
    sample.edit_result(lambda result: result["log"].update(sha256=hash_file(log)))


def _log(
    name: str, edit: Callable[[Lines], Lines], expect: tuple[str, ...] = _BROKEN
) -> Corruption:
    def change(sample: SampleProject) -> None:
        path = sample.project.logs / "copa.jsonl"
        path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))
        _restate(sample)

    return Corruption("benchmark", f"log: {name}", change, expect)


def _forged(
    name: str, edit: Callable[[list[dict[str, Any]]], object], expect: tuple[str, ...]
) -> Corruption:
    """Return a corruption that edits the log and recomputes its hash chain."""

    def rewrite(lines: Lines) -> Lines:
        records = [orjson.loads(line) for line in lines]
        for record in records:
            del record["chain"]
        edit(records)
        written, value = [], CHAIN_START
        for sequence, record in enumerate(records):
            body = orjson.dumps({**record, "seq": sequence})
            value = chain(value, body)
            written.append(body[:-1] + b',"chain":"' + value.encode() + b'"}\n')
        return written

    return _log(f"{name}, chained again", rewrite, expect)


def _proof(
    name: str, edit: Callable[[dict[str, Any]], object], expect: tuple[str, ...]
) -> Corruption:
    return Corruption(
        "benchmark", name, lambda sample: sample.edit_json(sample.project.proof, edit), expect
    )


def _swapped(lines: Lines) -> Lines:
    lines[5], lines[6] = lines[6], lines[5]
    return lines


def _event(records: list[dict[str, Any]], event: str) -> dict[str, Any]:
    return next(record for record in records if record["event"] == event)


CORRUPTIONS: tuple[Corruption, ...] = (
    _result("one prediction too few", lambda r: r.update(predictions_count=99), _COUNT),
    _result("one prediction too many", lambda r: r.update(predictions_count=101), _COUNT),
    _result("no prediction", lambda r: r.update(predictions_count=0), _COUNT),
    _result("predictions for other ids", lambda r: r.update(predictions_hash="0" * 64), _IDS),
    _result("another bag of samples", lambda r: r.update(samples_hash="0" * 64, predictions_hash="0" * 64), _IDS),
    _result("accuracy raised by one answer", lambda r: r.update(accuracy=0.85), _LOG),
    _result("counts raised on both sides", lambda r: r.update(samples_processed=200, predictions_count=200), _LOG),
    _result("status ERROR", lambda r: r.update(status="ERROR"), ("benchmark.error_status",)),
    _result("status PARTIAL", lambda r: r.update(status="PARTIAL"), ("benchmark.partial_status",)),
    _result("milliseconds given as seconds", lambda r: r.update(duration_s=r["duration_s"] * 1000), _TIME),
    _result("seconds given as hours", lambda r: r.update(duration_s=r["duration_s"] / 3600), _TIME),
    _result("throughput doubled", lambda r: r.update(throughput=r["throughput"] * 2), _TIME),
    _result("slower than its limit", lambda r: r.update(duration_s=601.0), ("benchmark.timeout",)),
    _result("the log is not named", lambda r: r["log"].update(path="logs/none.jsonl"), _GONE),
    _result("the log lies outside the project", lambda r: r["log"].update(path="../copa.jsonl"), _GONE),
    _result("another benchmark's log", lambda r: r["log"].update(path="logs/questions.jsonl"), _BROKEN),
    _report("a benchmark reported twice", lambda r: r["results"].append(r["results"][0]), ("benchmark.name_doubled",)),
    _report("the total of samples", lambda r: r.update(samples_processed=r["samples_processed"] + 1), _TOTALS),
    _report("the total of predictions", lambda r: r.update(predictions_count=r["predictions_count"] - 1), _TOTALS),
    _report("the total accuracy", lambda r: r.update(accuracy=r["accuracy"] + 0.01), _TOTALS),
    _report("the total duration", lambda r: r.update(duration_s=1e-6), _TOTALS),
    _report("a total PASS over an ERROR", lambda r: r["results"][1].update(status="ERROR"), _TOTALS),
    _report("it ends before it starts", lambda r: r.update(started_at=r["finished_at"], finished_at=r["started_at"]), _BACK),
    _report("no seed", lambda r: r.pop("seeds"), ("benchmark.seed_missing",)),
    _report("empty seeds", lambda r: r.update(seeds={}), ("benchmark.seed_missing",)),
    _report("no environment", lambda r: r.pop("environment"), ("benchmark.environment_missing",)),
    _report("one variable missing", lambda r: r["environment"].pop("OMP_NUM_THREADS"), ("benchmark.environment_missing",)),
    _report("PYTHONHASHSEED is random", lambda r: r["environment"].update(PYTHONHASHSEED="random"), ("benchmark.environment_unfixed",)),
    _report("no thread", lambda r: r["environment"].update(MKL_NUM_THREADS="0"), ("benchmark.environment_unfixed",)),
    _report("compute mode undeclared", lambda r: r["metrics"].update(compute_mode="undeclared"), ("benchmark.compute_mode_missing",)),
    _report("unknown compute mode", lambda r: r["metrics"].update(compute_mode="quantum"), ("benchmark.compute_mode_unknown",)),
    Corruption("benchmark", "the log is gone", lambda sample: (sample.project.logs / "copa.jsonl").unlink(), _GONE),
    Corruption("benchmark", "the log changed after the report", lambda sample: (sample.project.logs / "copa.jsonl").write_bytes((sample.project.logs / "copa.jsonl").read_bytes() + b"\n"), _BROKEN),
    _log("empty", lambda _: []),
    _log("the last line is missing", lambda lines: lines[:-1]),
    _log("the last line is cut in half", lambda lines: [*lines[:-1], lines[-1][:20]]),
    _log("the second half is missing", lambda lines: lines[: len(lines) // 2]),
    _log("the first line is missing", lambda lines: lines[1:]),
    _log("a line in the middle is missing", lambda lines: lines[:50] + lines[51:]),
    _log("two lines swapped", _swapped),
    _log("a line doubled", lambda lines: [*lines[:50], lines[49], *lines[50:]]),
    _log("a wrong answer made right", lambda lines: [line.replace(b'"correct":false', b'"correct":true') for line in lines]),
    _log("a line that is not JSON", lambda lines: [*lines[:50], b"oops\n", *lines[50:]]),
    _log("a line without its chain", lambda lines: [*lines[:50], lines[50][:-78] + b"}\n", *lines[51:]]),
    _forged("a prediction removed", lambda records: records.remove(_event(records, "prediction")), _COUNT),
    _forged("a sample removed", lambda records: records.remove(_event(records, "sample")), _COUNT),
    _forged("a prediction for another id", lambda records: _event(records, "prediction").update(id="other"), _IDS),
    _forged("a prediction doubled over another", lambda records: _event(records, "prediction").update(id="copa-1"), _IDS),
    _forged("a wrong answer made right", lambda records: [r.update(correct=True) for r in records if r["event"] == "prediction"], _LOG),
    _forged("the clock goes back", lambda records: records[50].update(at="2020-01-01T00:00:00.000Z"), _BACK),
    _forged("no result", lambda records: records.remove(_event(records, "result")), _BROKEN),
    _forged("two results", lambda records: records.insert(-1, dict(_event(records, "result"))), _BROKEN),
    _forged("lines after the end", lambda records: records.append(dict(records[5])), _BROKEN),
    _forged("another duration", lambda records: _event(records, "result").update(duration_s=99.0), _LOG),
    Corruption("benchmark", "no second run", lambda sample: sample.project.proof.unlink(), _PROOF),
    _proof("the second run was for another report", lambda proof: proof.update(report_sha256="0" * 64), _PROOF),
    _proof("the second run gave other results", lambda proof: proof.update(second="0" * 64), ("benchmark.not_reproduced",)),
    _proof("both runs gave something else", lambda proof: proof.update(first="0" * 64, second="0" * 64), ("benchmark.not_reproduced",)),
    Corruption("benchmark", "the record of the second run is cut", lambda sample: sample.project.proof.write_bytes(b'{"same": true'), _PROOF),
)  # fmt: skip
