"""Structured benchmark log: JSON lines in a hash chain."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from trimtab.gates.benchmark.idhash import IdHash
from trimtab.kernel.clock import Clock, SystemClock

CHAIN_START = "0" * 64


def chain(previous: str, body: bytes) -> str:
    """Return the SHA-256 of the previous chain value and the line's body."""
    return hashlib.sha256(previous.encode() + body).hexdigest()


class BenchmarkLogger:
    """Writes ``NAME.jsonl`` for programs and ``NAME.log`` for people.

    Use it as a context manager, or call `close`; a log without its ``run_end`` line counts as cut.

    Args:
        name: The benchmark's name.
        folder: Folder of the two files; created if missing.
        clock: Source of the timestamps.
    """

    def __init__(
        self, name: str, *, folder: Path = Path("logs"), clock: Clock | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.path = folder / f"{name}.jsonl"
        self._plain = folder / f"{name}.log"
        self._clock = clock or SystemClock()
        self._stream = self.path.open("wb")
        self._sequence = 0
        self._chain = CHAIN_START
        self._samples = IdHash()
        self._predictions = IdHash()
        self._right = 0
        self._started = self._clock.monotonic()

    def start(
        self,
        *,
        seeds: Mapping[str, int],
        environment: Mapping[str, str],
        compute_mode: str,
    ) -> None:
        """Record the seeds, environment and compute mode of the run."""
        self._started = self._clock.monotonic()
        self._write("run_start", benchmark=self.name, seeds=dict(seeds), environment=dict(environment), compute_mode=compute_mode)  # fmt: skip

    def sample(self, identifier: str) -> None:
        """Record that a sample was read."""
        self._samples.add(identifier)
        self._write("sample", id=identifier)

    def prediction(self, identifier: str, *, correct: bool) -> None:
        """Record the prediction for a sample."""
        self._predictions.add(identifier)
        self._right += correct
        self._write("prediction", id=identifier, correct=correct)

    def result(self, *, status: str = "PASS") -> dict[str, Any]:
        """Record the result and return it as a report entry.

        Returns:
            A result of the current report schema, with counts, hashes, duration and throughput from
            this run.
        """
        seconds = max(self._clock.monotonic() - self._started, 1e-9)
        entry = {
            "name": self.name,
            "accuracy": self._right / self._predictions.count if self._predictions.count else 0.0,
            "measure": "proportion",
            "samples_processed": self._samples.count,
            "predictions_count": self._predictions.count,
            "samples_hash": self._samples.hexdigest(),
            "predictions_hash": self._predictions.hexdigest(),
            "duration_s": seconds,
            "throughput": self._samples.count / seconds,
            "status": status,
        }
        self._write("result", **entry)
        with self._plain.open("a", encoding="utf-8") as plain:
            plain.write(
                f"{self._now()} INFO {self.name} duration_s={seconds:.6f} "
                f"throughput={entry['throughput']:.3f} status={status}\n"
            )
        return entry

    def error(self, message: str) -> None:
        """Record an error in both logs."""
        self._write("error", message=message)
        with self._plain.open("a", encoding="utf-8") as plain:
            plain.write(f"{self._now()} ERROR {self.name} benchmark failed: {message}\n")

    def close(self) -> None:
        """Write the last line and close the files; may be called repeatedly."""
        if not self._stream.closed:
            self._write("run_end", events=self._sequence)
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.error(f"{type(error).__name__}: {error}")
        self.close()

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _write(self, event: str, **facts: Any) -> None:
        body = orjson.dumps({"seq": self._sequence, "at": self._now(), "event": event, **facts})
        self._chain = chain(self._chain, body)
        self._stream.write(body[:-1] + b',"chain":"' + self._chain.encode() + b'"}\n')
        self._sequence += 1
