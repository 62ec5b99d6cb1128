"""What every engine's child process measures and prints, without anything of trimtab."""

import gc
import json
import sys
from dataclasses import asdict, dataclass

import numpy as np
import psutil

TOP = 10


@dataclass
class Figures:
    """CPU seconds and milliseconds count the process and its children, all threads."""

    engine: str
    build_cpu_s: float | None = None
    project_cpu_ms: float | None = None
    project_recall: float | None = None
    all_cpu_ms: float | None = None
    all_recall: float | None = None
    keyword_cpu_ms: float | None = None
    keyword_build_cpu_s: float | None = None
    memory_mb: float | None = None
    hybrid_cpu_ms: float | None = None

    def print(self) -> None:
        print("FIGURES " + json.dumps(asdict(self)), flush=True)


SERVERS: list[int] = []
"""Process ids of servers that the engine started and that are no children of this process."""


def processes() -> list[psutil.Process]:
    found = []
    for root in (psutil.Process(), *(psutil.Process(pid) for pid in SERVERS)):
        found += [root, *root.children(recursive=True)]
    return found


def cpu_seconds() -> float:
    """Return the CPU time so far; a process that ends takes its time into its parent's."""
    total = 0.0
    for process in processes():
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_mb(data) -> int:
    """Return the memory of all processes, less the passages that the measuring process holds."""
    gc.collect()
    used = 0
    for process in processes():
        try:
            used += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    own = data.vectors.nbytes + sum(sys.getsizeof(text) for text in data.texts)
    return round((used - own) / 1e6)


def timed(work) -> tuple[object, float]:
    started = cpu_seconds()
    result = work()
    return result, round(cpu_seconds() - started, 2)


def asked(search, count: int) -> tuple[list, float]:
    """Return each answer and the CPU milliseconds a query, after ten to warm up."""
    for number in range(min(10, count)):
        search(number)
    started = cpu_seconds()
    answers = [search(number) for number in range(count)]
    return answers, round((cpu_seconds() - started) / count * 1000, 3)


def recall(answers, data, *, within: bool) -> float:
    """Return the share of the exact nearest ten that was found."""
    shares = []
    for number, answer in enumerate(answers):
        rows = (
            np.flatnonzero(data.projects == data.asked[number])
            if within
            else np.arange(len(data.vectors))
        )
        exact = rows[np.argsort(-(data.vectors[rows] @ data.queries[number]))[:TOP]]
        shares.append(len({int(key) for key in answer} & set(exact.tolist())) / len(exact))
    return round(float(np.mean(shares)), 4)
