"""Records which trimtab functions run, in which files, and which threads start."""

import contextvars
import dis
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import CO_COROUTINE
from pathlib import Path
from types import CodeType, FrameType

import trimtab

SOURCE = str(Path(trimtab.__file__).parent) + "/"
_NOT_FUNCTIONS = frozenset(("<module>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"))
_RETURNS = {number for name, number in dis.opmap.items() if name.startswith("RETURN_")}
_recording: contextvars.ContextVar["Journey | None"] = contextvars.ContextVar(
    "journey", default=None
)


@dataclass
class Journey:
    """What one journey ran."""

    name: str
    first: str = ""
    """Qualified name of the function at which the counted frames begin."""
    last: str = ""
    """``file:name`` of the function at which they end."""
    functions: set[CodeType] = field(default_factory=set)
    threads: int = 0
    """Threads that started during the journey."""
    frames: tuple[str, ...] = ()
    """The frames from ``first`` to ``last``, with those of the callers in other threads."""
    _coroutines: list[CodeType] = field(default_factory=list)
    _thread_ids: set[int] = field(default_factory=set)

    @property
    def files(self) -> list[str]:
        """The files of the functions, relative to the package."""
        return sorted({code.co_filename.removeprefix(SOURCE) for code in self.functions})

    def entered(self, frame: FrameType) -> None:
        """Note a function that begins or goes on."""
        code = frame.f_code
        self._thread_ids.add(threading.get_ident())
        self.functions.add(code)
        if code.co_flags & CO_COROUTINE and code not in self._coroutines:
            self._coroutines.append(code)
        if (
            self.last
            and not self.frames
            and f"{code.co_filename}:{code.co_name}".endswith(self.last)
        ):
            self.frames = self._spine(frame)

    def left(self, frame: FrameType) -> None:
        """Note a function that returns; a coroutine that only waits stays open."""
        code = frame.f_code
        if code in self._coroutines and code.co_code[frame.f_lasti] in _RETURNS:
            self._coroutines.remove(code)

    def _spine(self, frame: FrameType) -> tuple[str, ...]:
        """Return the open functions of this thread and of those that wait for it, the outermost first."""
        here = threading.get_ident()
        stacks = [_stack(frame)]
        # What a waiting thread does in order to wait is no step of the journey.
        stacks += [
            [name for name in _stack(other) if name != "SystemClock.wait"]
            for thread, other in sys._current_frames().items()
            if thread != here and thread in self._thread_ids
        ]
        spine = [code.co_qualname for code in self._coroutines]
        for stack in reversed(stacks):
            spine += [name for name in stack if name not in spine]
        start = next((at for at, name in enumerate(spine) if name == self.first), 0)
        return tuple(spine[start:])


def _stack(frame: FrameType | None) -> list[str]:
    """Return the trimtab functions of a thread's stack, the outermost first."""
    names = list[str]()
    while frame is not None:
        if _counts(frame.f_code) and not frame.f_code.co_flags & CO_COROUTINE:
            names.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return names[::-1]


def _counts(code: CodeType) -> bool:
    return code.co_filename.startswith(SOURCE) and code.co_name not in _NOT_FUNCTIONS


def _profile(frame: FrameType, event: str, _argument: object) -> None:
    if event not in {"call", "return"} or not _counts(frame.f_code):
        return
    journey = _recording.get()
    if journey is not None:
        (journey.entered if event == "call" else journey.left)(frame)


def install() -> None:
    """Profile this thread and every later one; call before anything is built."""
    threading.setprofile(_profile)
    sys.setprofile(_profile)


@contextmanager
def record(journey: Journey) -> Iterator[Journey]:
    """Count what runs in this context, in all threads to which it is handed on."""
    started = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if _recording.get() is not None:
            journey.threads += 1
        started(thread)

    threading.Thread.start = start  # type: ignore[method-assign]
    token = _recording.set(journey)
    try:
        yield journey
    finally:
        _recording.reset(token)
        threading.Thread.start = started  # type: ignore[method-assign]
