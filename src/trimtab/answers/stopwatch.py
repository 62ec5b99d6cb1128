"""Times the stages of one answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from trimtab.answers.records import Stage
from trimtab.kernel.clock import Clock


@dataclass
class RunningStage:
    """A stage under way; whoever runs it says how it went."""

    outcome: str = "ok"
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Stopwatch:
    """Collects the stages in the order in which they ended."""

    clock: Clock
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[RunningStage]:
        """Time the block; one that raises adds no stage, because no answer comes of it."""
        running = RunningStage()
        started = self.clock.monotonic()
        yield running
        elapsed_ms = (self.clock.monotonic() - started) * 1000
        self.stages.append(Stage(name, round(elapsed_ms, 3), running.outcome, running.facts))
