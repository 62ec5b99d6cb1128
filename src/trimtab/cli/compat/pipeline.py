"""The scripts of the pipeline's operations runbook as `trimtab` commands.

`trimtab knowledge scaffold` writes a small file for each, so that the runbook's commands run as
written in a folder of their own.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

Words = list[str]
_PENDING = ["--pending-dir", "annotations/pending"]
_TRACES = "traces/local"
_BASELINE = "docs/baselines/production-baseline.json"
"""What the runbook compares a load test with, when the folder has it."""
_PROJECT = "corpus"
"""Where `ingest_documents.py` puts what belongs to no tenant; `documents` is part of a path."""


def _annotate(words: Words) -> Words:
    action, *rest = words or ["--help"]
    mirror = _PENDING if action in ("next", "submit") else []
    return ["review", action, *rest, *mirror]


def _golden(words: Words) -> Words:
    action, *rest = words or ["stats"]
    data = [] if "--data" in rest else ["--data", "golden_dataset"]
    traces = [] if action != "coverage" or "--traces-dir" in rest else ["--traces-dir", _TRACES]
    return ["answers", "golden", action, *data, *traces, *rest]


def _load_test(words: Words) -> Words:
    project = [] if "--project" in words else ["--project", _PROJECT]
    is_compared = "--baseline" not in words and Path(_BASELINE).is_file()
    baseline = ["--baseline", _BASELINE] if is_compared else []
    return ["answers", "load-test", *project, *words, *baseline]


def _ingest(words: Words) -> Words:
    """Translate `--input-dir`, `--user-id` and `--tenant-id`; `default` is the tenant without name.

    A tenant has a project of its own, `tenant-corpus`.
    """
    given = dict(zip(words[::2], words[1::2], strict=False))
    tenant = given.pop("--tenant-id", "default")
    project = _PROJECT if tenant == "default" else f"{tenant}-{_PROJECT}"
    folder = given.pop("--input-dir", ".")
    owner = given.pop("--user-id", "")
    rest = [word for pair in given.items() for word in pair]
    return ["ingest", project, folder, *(["--user-id", owner] if owner else []), *rest]


SCRIPTS: dict[str, Callable[[Words], Words]] = {
    "run_weekly_flywheel": lambda words: ["answers", "flywheel", *_PENDING, *words],
    "annotate": _annotate,
    "run_daily_eval": lambda words: ["answers", "eval", *words],
    "load_test": _load_test,
    "expand_golden_dataset": _golden,
    "ingest_documents": _ingest,
}
"""Arguments of `trimtab` for each script of the runbook."""


def translate(script: str, words: Sequence[str]) -> Words:
    """Return the arguments of `trimtab` for a script and its arguments."""
    return SCRIPTS[script](list(words))


def missing_traces(words: Sequence[str]) -> Words:
    """Return the arguments of `trimtab` that write the traces which a command reads.

    Empty when it reads none, or when the folder has some: those may be of another service.
    """
    if "--traces-dir" not in words[:-1]:
        return []
    folder = words[list(words).index("--traces-dir") + 1]
    has_some = Path(folder).is_file() or any(Path(folder).glob("*.jsonl"))
    return [] if has_some else ["answers", "traces", "--output-dir", folder]


def main(script: str) -> NoReturn:
    """Run a script with the arguments of this process; exit with its code."""
    words = translate(script, sys.argv[1:])
    if first := missing_traces(words):
        try:
            _run(first)
        except SystemExit as ended:
            if ended.code:
                raise
    _run(words)
    sys.exit(0)


def _run(words: Words) -> None:
    from trimtab.cli.main import main as run

    sys.argv = ["trimtab", *words]
    run()
