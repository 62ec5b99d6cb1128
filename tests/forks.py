"""Runs a function in a process of its own that is forked from one that has imported trimtab already.

Such a process ends, and is killed, like any other; it only saves the seconds that each import takes.
"""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

IMPORTED = ["tests.models.killed", "tests.models.retraining.killed"]
"""What the process that is forked has imported."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, or the negative number of a signal, and what it wrote."""

    returncode: int | None
    stdout: str
    stderr: str


def run(function: Callable[..., object], *arguments: object, folder: Path, timeout: float) -> Ended:
    """Run a function of a module in a process, and wait for its end; None is the code of one that did not end."""
    texts = [folder / "stdout.txt", folder / "stderr.txt"]
    process = _server().Process(target=_begin, args=(function, arguments, *texts), daemon=True)
    process.start()
    process.join(timeout)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    process.close()
    return Ended(code, *(text.read_text() if text.exists() else "" for text in texts))


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


def _begin(function: Callable[..., object], arguments: tuple, stdout: Path, stderr: Path) -> None:
    for descriptor, text in ((1, stdout), (2, stderr)):
        os.dup2(os.open(text, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    try:
        function(*arguments)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is told of it.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)
