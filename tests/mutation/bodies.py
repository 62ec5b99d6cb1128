"""Puts the changed bodies of a module's functions into the functions of a process that has imported the module.

Only what runs when a function is called is replaced, or a constant that only such code uses. A change that takes effect
while the module is imported (a default, a decorator) is told apart: such a process has used the old value already.
"""

import gc
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType

from tests.mutation.constants import Binding, Constants

Place = tuple[str, str, int]
"""File, qualified name and first line of a function."""
_COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}
_OPTIMIZED = 1
"""The flag of code that has its own local variables: functions, but no class bodies."""


def place_of(code: CodeType) -> Place:
    """Return where a function stands."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _is_function(code: CodeType) -> bool:
    return bool(code.co_flags & _OPTIMIZED) and code.co_name not in _COMPREHENSIONS


def outer_functions(code: CodeType) -> Iterator[CodeType]:
    """Yield the functions of a module and of its classes, without those inside other functions."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if _is_function(constant):
                yield constant
            else:
                yield from outer_functions(constant)


def described(code: CodeType, *, bodies: bool) -> tuple:
    """Return all that code does, without its lines; without ``bodies``, functions are named only."""

    def constant(value: object) -> object:
        if not isinstance(value, CodeType):
            return (type(value).__name__, repr(value))
        if not bodies and _is_function(value):
            return ("function", value.co_qualname, value.co_flags, value.co_freevars)
        return described(value, bodies=bodies)

    return (
        code.co_name, code.co_code, code.co_exceptiontable, code.co_flags, code.co_names,
        code.co_varnames, code.co_freevars, code.co_cellvars, code.co_argcount,
        code.co_posonlyargcount, code.co_kwonlyargcount, tuple(map(constant, code.co_consts)),
    )  # fmt: skip


class Calls:
    """Notes which functions below a folder are called; started before anything below it is imported."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}/"
        self.places: set[Place] = set()

    def start(self) -> None:
        """Begin to listen to calls in this thread."""
        sys.setprofile(self._heard)

    def stop(self) -> None:
        """Stop listening."""
        sys.setprofile(None)

    def _heard(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(self._folder):
            self.places.add(place_of(frame.f_code))


@dataclass(frozen=True)
class Change:
    """New code for functions, and new values for constants, that live in this process."""

    codes: tuple[tuple[FunctionType, CodeType], ...] = ()
    constants: tuple[Binding, ...] = ()

    def apply(self) -> None:
        """Replace the code of the functions and the values of the constants."""
        for function, code in self.codes:
            function.__code__ = code
        for names, name, value in self.constants:
            names[name] = value


class LiveFunctions:
    """The functions of a folder's modules that live in this process, with the constants they use."""

    def __init__(self, folder: Path, called: set[Place]) -> None:
        self._called = called
        self._functions: dict[Place, list[FunctionType]] = defaultdict(list)
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename.startswith(f"{folder}/"):
                self._functions[place_of(thing.__code__)].append(thing)
        self._constants = Constants(folder.parent, {(file, line) for file, _, line in called})
        self._imported = {
            file
            for module in list(sys.modules.values())
            if isinstance(file := getattr(module, "__file__", None), str)
        }

    def change(self, path: Path, old: str, new: str) -> Change | None:
        """Return how to change a module's functions, or None when it must be imported afresh."""
        if str(path) not in self._imported:
            return Change()
        before, after = (compile(text, str(path), "exec", dont_inherit=True) for text in (old, new))
        if described(before, bodies=False) != described(after, bodies=False):
            return self._constant(path, old, new)
        found: list[tuple[FunctionType, CodeType]] = []
        for first, second in zip(outer_functions(before), outer_functions(after), strict=True):
            if described(first, bodies=True) == described(second, bodies=True):
                continue
            functions = self._functions.get(place_of(first), [])
            same = all(
                described(function.__code__, bodies=True) == described(first, bodies=True)
                for function in functions
            )
            if not functions or not same or place_of(first) in self._called:
                return None
            found += [(function, second) for function in functions]
        return Change(tuple(found)) if found else None

    def _constant(self, path: Path, old: str, new: str) -> Change | None:
        bindings = self._constants.change(path, old, new)
        return Change(constants=tuple(bindings)) if bindings else None
