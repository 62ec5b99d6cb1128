"""Corruptions of imported results, which must be refused or not pass."""

from collections.abc import Callable

import orjson

from trimtab.gates.errors import ImportRefused
from trimtab.gates.schema.importers import import_file
from trimtab.gates.selftest.corruption import Corruption
from trimtab.gates.selftest.sample_project import SampleProject

Lines = list[str]
REFUSED, NOT_PASSED, PASSED, PARTLY, INCOMPLETE = (
    "refused",
    "status ERROR",
    "status PASS",
    "status PARTIAL",
    "incomplete",
)


def sound_log() -> Lines:
    """Return a valid MLPerf training log that reached its target."""
    events: list[tuple[str, object, dict[str, object]]] = [
        ("submission_org", "trimtab", {}),
        ("submission_benchmark", "retinanet", {}),
        ("seed", 4711, {}),
        ("eval_samples", 24781, {}),
        ("global_batch_size", 256, {}),
        ("init_start", None, {}),
        ("init_stop", None, {}),
        ("run_start", None, {}),
    ]
    for epoch, accuracy in ((1, 0.24), (2, 0.31), (3, 0.345)):
        events += [
            ("epoch_start", None, {"epoch_num": epoch}),
            ("epoch_stop", None, {"epoch_num": epoch}),
            ("eval_start", None, {"epoch_num": epoch}),
            ("eval_accuracy", accuracy, {"epoch_num": epoch}),
            ("eval_stop", None, {"epoch_num": epoch}),
        ]
    events.append(("run_stop", None, {"status": "success"}))
    return [
        ":::MLLOG " + orjson.dumps({"time_ms": 1_700_000_000_000 + 1000 * at, "key": key, "value": value, "metadata": metadata}).decode()
        for at, (key, value, metadata) in enumerate(events)
    ]  # fmt: skip


def _judge(path: str, source: str) -> Callable[[SampleProject], set[str]]:
    def judge(sample: SampleProject) -> set[str]:
        try:
            imported = import_file(sample.root / path, source)
        except ImportRefused:
            return {REFUSED}
        return {f"status {imported.report['status']}", *([INCOMPLETE] if imported.missing else [])}

    return judge


def _log(
    name: str, edit: Callable[[Lines], Lines], expect: tuple[str, ...] = (NOT_PASSED,)
) -> Corruption:
    def change(sample: SampleProject) -> None:
        (sample.root / "result_0.txt").write_text(
            "\n".join(edit(sound_log())) + "\n", encoding="utf-8"
        )

    return Corruption(
        "import", f"MLPerf log: {name}", change, expect, _judge("result_0.txt", "mlperf")
    )


def _at(lines: Lines, key: str, last: bool = False) -> int:
    found = [at for at, line in enumerate(lines) if f'"{key}"' in line]
    return found[-1 if last else 0]


def _without(key: str, last: bool = False) -> Callable[[Lines], Lines]:
    def edit(lines: Lines) -> Lines:
        at = _at(lines, key, last)
        return lines[:at] + lines[at + 1 :]

    return edit


def _moved(key: str, to: int) -> Callable[[Lines], Lines]:
    def edit(lines: Lines) -> Lines:
        line = lines.pop(_at(lines, key))
        lines.insert(to, line)
        return lines

    return edit


def _text(old: str, new: str) -> Callable[[Lines], Lines]:
    return lambda lines: [line.replace(old, new) for line in lines]


def _lm_eval(name: str, raw: bytes, expect: tuple[str, ...]) -> Corruption:
    def change(sample: SampleProject) -> None:
        (sample.root / "results.json").write_bytes(raw)

    return Corruption(
        "import", f"lm-eval: {name}", change, expect, _judge("results.json", "lm-eval")
    )


def _results(
    samples: dict[str, int] | None = None, limit: int | None = None, accuracy: float = 0.84
) -> bytes:
    document = {
        "results": {"copa": {"acc,none": accuracy}},
        "config": {"random_seed": 0, "device": "cpu", "limit": limit},
        "n-samples": {"copa": samples or {"original": 100, "effective": 100}},
        "total_evaluation_time_seconds": "12.5",
    }
    return orjson.dumps(document)


CORRUPTIONS: tuple[Corruption, ...] = (
    _log("empty accuracy: no evaluation result", lambda lines: [line for line in lines if "eval_accuracy" not in line]),
    _log("one evaluation result missing", _without("eval_accuracy")),
    _log("cut before its end", lambda lines: lines[:-1]),
    _log("cut in the middle", lambda lines: lines[: len(lines) // 2]),
    _log("last line cut in half", lambda lines: [*lines[:-1], lines[-1][:60]]),
    _log("aborted", _text('"status":"success"', '"status":"aborted"')),
    _log("no status", _text('{"status":"success"}', "{}")),
    _log("the start is missing", _without("run_start")),
    _log("started twice", lambda lines: [*lines[:8], lines[7], *lines[8:]]),
    _log("stopped twice", lambda lines: [*lines, lines[-1]]),
    _log("the target is missed", _text("0.345", "0.339")),
    _log("accuracy is NaN", _text("0.345", "NaN")),
    _log("accuracy is text", _text("0.345", '"0.345"')),
    _log("evaluations in reverse", lambda lines: [*lines[:8], *reversed(lines[8:-1]), lines[-1]]),
    _log("the clock goes back", _text("1700000015000", "1690000015000")),
    _log("it stops before it starts", _moved("run_stop", 0)),
    _log("an evaluation after the end", _moved("eval_accuracy", 99)),
    _log("an evaluation never stops", _without("eval_stop", last=True)),
    _log("no sample count", _without("eval_samples")),
    _log("a doubled key in a line", _text('"key":"run_stop"', '"key":"run_stop","key":"run_stop"')),
    _log("no benchmark is named", _without("submission_benchmark"), (REFUSED,)),
    _log("no line of a log", lambda _: ["nothing"], (REFUSED,)),
    _lm_eval("cut in half", _results()[:60], (REFUSED,)),
    _lm_eval("empty", b"", (REFUSED,)),
    _lm_eval("no task", b'{"results": {}}', (REFUSED,)),
    _lm_eval("results as a list", b'{"results": []}', (REFUSED,)),
    _lm_eval("NaN", _results().replace(b"0.84", b"NaN"), (REFUSED,)),
    _lm_eval("a doubled task", _results().replace(b'"results":{', b'"results":{"copa":{"acc,none":1.0},'), (REFUSED,)),
    _lm_eval("only some samples", _results({"original": 100, "effective": 10}), (PARTLY,)),
    _lm_eval("a limit", _results(limit=10), (PARTLY,)),
    _lm_eval("accuracy above one", _results(accuracy=1.5), (INCOMPLETE,)),
)  # fmt: skip
