"""Faults for drills: a model served elsewhere whose vendor, clock or host goes wrong.

A sender posts observations as a service elsewhere would, through the same parsing, limits and
storage, until the fault is restored. The rows are invented; their way is the real one.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import new_id
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.models.monitoring.reference import ColumnRoles, build_reference
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.status import DRILL_PREFIX

DRILL_MODEL = f"{DRILL_PREFIX}classifier"
_FEATURES = ("V10", "V12", "V14", "V17")
_WEIGHTS = {"V14": 0.36, "V17": 0.27, "V10": 0.2, "V12": 0.17}
_ROWS = 400
_PAUSE_SECONDS = 5.0
_REFERENCE_ROWS = 20_000

Columns = dict[str, NDArray[Any]]
Change = Callable[[Columns], Columns]


@dataclass(frozen=True, slots=True)
class _Traffic:
    """Changes that a sender makes to the rows of a healthy model."""

    change: Change = lambda columns: columns
    slow_seconds: float = 0.02
    """Latency of one prediction in ten."""
    failed_share: float = 0.0
    age: timedelta = timedelta()
    """How long ago the predictions were made."""


def faults(monitor: ModelMonitor) -> tuple[Fault, ...]:
    """Return every fault of the monitoring of models."""
    senders: dict[str, _Sender] = {}

    def fault(
        name: str, text: str, traffic: Callable[[Arguments], _Traffic], params: tuple[Param, ...]
    ) -> Fault:
        def inject(given: Arguments) -> Mapping[str, Value]:
            sender = _Sender(monitor, traffic(given))
            senders[sender.id] = sender
            sender.start()
            return {"sender": sender.id}

        def restore(state: Mapping[str, Value]) -> None:
            sender = senders.pop(str(state["sender"]), None)
            if sender is not None:
                sender.stop()
            monitor.forget(DRILL_MODEL)

        return Fault(name, text, inject, restore, params, realism=Realism.REAL)

    return tuple(fault(*row) for row in _FAULTS)


def transactions(rows: int, rng: np.random.Generator) -> Columns:
    """Return rows of the model that a drill monitors."""
    columns: Columns = {name: rng.normal(0, 1, rows) for name in _FEATURES}
    columns["score"] = 1 / (1 + np.exp(2 - columns["V14"] - columns["V17"]))
    return columns


def _change_unit(columns: Columns) -> Columns:
    # Inches to centimetres and kilograms to pounds, within the tolerance of their recognition.
    return columns | {"V14": columns["V14"] * 2.565, "V17": columns["V17"] * 2.195}


def _lose_column(columns: Columns) -> Columns:
    lost = np.arange(len(columns["V14"])) % 10 < 4
    return columns | {"V14": np.where(lost, np.nan, columns["V14"])}


def _shift(columns: Columns) -> Columns:
    return columns | {"V14": columns["V14"] + 1.2, "V17": columns["V17"] - 1.0}


_FAULTS: tuple[tuple[str, str, Callable[[Arguments], _Traffic], tuple[Param, ...]], ...] = (
    (
        "models.vendor.change_unit",
        "Send predictions of a model whose vendor reports V14 and V17 in another unit.",
        lambda _: _Traffic(_change_unit),
        (),
    ),
    (
        "models.vendor.lose_column",
        "Send predictions of a model whose vendor leaves out V14 in four rows of ten.",
        lambda _: _Traffic(_lose_column),
        (),
    ),
    (
        "models.population.shift",
        "Send predictions of a model whose customers have changed.",
        lambda _: _Traffic(_shift),
        (),
    ),
    (
        "models.labels.delay",
        "Send predictions of a day and a half ago, whose labels do not come.",
        lambda _: _Traffic(age=timedelta(hours=36)),
        (),
    ),
    (
        "models.host.slow",
        "Send predictions of a model whose host answers slowly.",
        lambda given: _Traffic(slow_seconds=float(given["seconds"])),
        (Param("seconds", "number", "Latency of one prediction in ten.", 3.0, 0.0, 60.0),),
    ),
    (
        "models.host.fail",
        "Send observations of a model that fails three requests in ten.",
        lambda _: _Traffic(failed_share=0.3),
        (),
    ),
)


class _Sender:
    """Posts observations of the drill's model every few seconds until it is stopped."""

    def __init__(self, monitor: ModelMonitor, traffic: _Traffic) -> None:
        self.id = new_id("sender", monitor.clock.now())
        self._monitor = monitor
        self._traffic = traffic
        self._rng = np.random.default_rng(20_262)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drill-sender", daemon=True)
        self._clock: Clock = monitor.clock

    def start(self) -> None:
        """Monitor the model and send the first batch, then continue in the background."""
        reference = build_reference(
            transactions(_REFERENCE_ROWS, self._rng), ColumnRoles(weights=_WEIGHTS)
        )
        self._monitor.set_reference(DRILL_MODEL, reference, "drill", "drill")
        if self._traffic.age:
            self._send_labelled()
        self._send()
        self._thread.start()

    def stop(self) -> None:
        """Stop and join the thread."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._clock.wait(self._stopped, _PAUSE_SECONDS):
            self._send()

    def _send_labelled(self) -> None:
        """Send a prediction with its label: once, the labels came."""
        at = (self._clock.now() - 2 * self._traffic.age).isoformat()
        line = {"id": f"{self.id}-labelled", "at": at, "score": 1.0}
        self._monitor.add_observations(DRILL_MODEL, orjson.dumps(line))
        label = {"id": line["id"], "at": at, "label": "1"}
        self._monitor.add_labels(DRILL_MODEL, orjson.dumps(label))

    def _send(self) -> None:
        columns = self._traffic.change(transactions(_ROWS, self._rng))
        prefix, at = new_id("p", self._clock.now()), self._clock.now() - self._traffic.age
        rows = zip(*(columns[name].tolist() for name in _FEATURES), strict=True)
        lines = []
        for number, (row, score) in enumerate(zip(rows, columns["score"].tolist(), strict=True)):
            line: dict[str, Any] = {"id": f"{prefix}-{number}", "at": at.isoformat()}
            if number < self._traffic.failed_share * _ROWS:
                line["error"] = "timeout"
            else:
                slow = self._traffic.slow_seconds if number % 10 == 0 else 0.02
                features = dict(zip(_FEATURES, row, strict=True))
                line |= {"features": features, "score": score, "latency_ms": slow * 1000}
            lines.append(orjson.dumps(line))
        self._monitor.add_observations(DRILL_MODEL, b"\n".join(lines))
