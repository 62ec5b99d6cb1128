"""Memory limit and out-of-memory kills of this container, from the kernel's control groups."""

import math
from dataclasses import dataclass
from pathlib import Path

_UNLIMITED = 1 << 60
"""Version 1 writes "no limit" as the largest number of whole pages; no machine has this much."""


@dataclass(frozen=True, slots=True)
class ContainerMemory:
    """Reads both versions of control groups; outside of a container neither has a limit."""

    root: Path = Path("/sys/fs/cgroup")

    def limit_bytes(self) -> float:
        """Return the memory limit; infinity without one."""
        for name in ("memory.max", "memory/memory.limit_in_bytes"):
            try:
                text = (self.root / name).read_text(encoding="ascii").strip()
            except OSError:
                continue
            if text.isdecimal() and int(text) < _UNLIMITED:
                return float(text)
        return math.inf

    def oom_kills(self) -> float:
        """Return how many processes the kernel killed for lack of memory; NaN when unknown."""
        names = ["memory.events"]
        # In version 1 the root group of a machine has the file too: it counts all containers.
        if math.isfinite(self.limit_bytes()):
            names.append("memory/memory.oom_control")
        for name in names:
            try:
                lines = (self.root / name).read_text(encoding="ascii").splitlines()
            except OSError:
                continue
            counts = dict(line.split() for line in lines)
            return float(counts.get("oom_kill", math.nan))
        return math.nan
