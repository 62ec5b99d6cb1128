"""Ctrl-C where an exception would do harm: in imports, in clean-up and at the interpreter's end.

An exception there is printed as a traceback by the code that catches it, or stops the clean-up.
"""

import _imp
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

_CODE = 130
"""`Exit.INTERRUPTED`; the module of exit codes is not imported yet when this one is needed."""
_SHOW_CURSOR = b"\x1b[?25h\n"
"""A progress line hides the cursor of the terminal."""


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)
    os._exit(_CODE)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; unlike `SIG_IGN` it is not inherited by child processes."""


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread may set handlers. A shell starts background jobs with the signal ignored.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process at once in the block, which makes nothing that must be removed."""
    with _handled_by(_end):
        yield


@contextmanager
def ignored() -> Iterator[None]:
    """Ignore Ctrl-C in the block, which removes what must not stay."""
    with _handled_by(_ignore):
        yield


@contextmanager
def postponed() -> Iterator[None]:
    """Let Ctrl-C wait until the block, whose steps belong together, has ended."""
    pressed: list[int] = []
    with _handled_by(lambda number, _frame: pressed.append(number)):
        yield
    if pressed:
        raise KeyboardInterrupt


@contextmanager
def imports_released() -> Iterator[None]:
    """Release the interpreter's import lock if Ctrl-C leaves the block with it held.

    `importlib` acquires the lock one statement before its `try`. An exception between the two
    leaves it held by the main thread, and every thread that imports something waits forever.
    """
    try:
        yield
    except KeyboardInterrupt:
        # Outside of an import only a lock that was left behind can be held.
        with suppress(RuntimeError):
            while True:
                _imp.release_lock()
        raise


def end_at_once() -> None:
    """Let Ctrl-C end the process at once from here on: everything is closed."""
    is_main_thread = threading.current_thread() is threading.main_thread()
    if is_main_thread and callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, _end)
