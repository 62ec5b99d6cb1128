"""Parses the commands of ``sh`` blocks: read, check, act and fault.

A line is split as by a shell, but never passed to one: redirections, pipes, variables and all other
programs are refused.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.kernel.durations import parse_duration
from trimtab.runbooks.errors import RunbookRefused

GIVE_UP_SECONDS = 1800.0
"""Default of ``--give-up``: the time after which a check has failed."""

_UNITS = {"s": 1, "m": 60, "h": 3600}
_ARGUMENT = re.compile(r"[a-z][a-z0-9_]*")
_SHELL = re.compile(r"[|&;<>`$]")


@dataclass(frozen=True, slots=True)
class Read:
    """``trimtab read SIGNAL...``: read signals."""

    signals: tuple[str, ...]
    line: int

    def __str__(self) -> str:
        return shlex.join(("trimtab", "read", *self.signals))


@dataclass(frozen=True, slots=True)
class Check:
    """``trimtab check 'EXPR' [--for 10m] [--give-up 30m]``: ask whether a PromQL expression holds.

    It holds when the expression returns at least one series, so write a comparison.
    """

    expression: str
    hold_seconds: float
    """Seconds it must hold without interruption; 0 means once."""
    give_up_seconds: float
    """Seconds after which it has failed."""
    line: int
    event: str = ""
    """Event of an escalation check; a ladder may have a role for it."""

    def __str__(self) -> str:
        words = ["trimtab", "check", self.expression]
        if self.hold_seconds:
            words += ["--for", _duration_text(self.hold_seconds)]
        if self.give_up_seconds != GIVE_UP_SECONDS:
            words += ["--give-up", _duration_text(self.give_up_seconds)]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class Act:
    """``trimtab act NAME key=value...``: do something to the service."""

    name: str
    arguments: Mapping[str, str | int | float | bool]
    """Texts on a page; a proposal may have other types."""
    line: int

    def __str__(self) -> str:
        return shlex.join(("trimtab", "act", self.name, *_pairs(self.arguments)))


@dataclass(frozen=True, slots=True)
class Break:
    """``trimtab fault NAME key=value...``: break the service on purpose, in a drill."""

    name: str
    arguments: Mapping[str, str]
    line: int

    def __str__(self) -> str:
        return shlex.join(("trimtab", "fault", self.name, *_pairs(self.arguments)))


Command = Read | Check | Act | Break


def parse_command(text: str, page: str, line: int) -> Command:
    """Parse one line into a command.

    Raises:
        RunbookRefused: The line is not one of the four ``trimtab`` commands.
    """
    words = _words(text, page, line)
    if words[0] != "trimtab" or len(words) < 2:
        raise RunbookRefused(
            page,
            line,
            f"{words[0]!r} is not a trimtab command.",
            hint="sh blocks hold only `trimtab read|check|act|fault` lines; "
            "show other commands in a `text` block.",
        )
    verb, rest = words[1], words[2:]
    match verb:
        case "read":
            return Read(tuple(_some(rest, "a signal's name", page, line)), line)
        case "check":
            return _check(rest, page, line)
        case "act":
            name, *given = _some(rest, "an action's name", page, line)
            return Act(name, _arguments(given, page, line), line)
        case "fault":
            name, *given = _some(rest, "a fault's name", page, line)
            return Break(name, _arguments(given, page, line), line)
        case _:
            raise RunbookRefused(
                page,
                line,
                f"`trimtab {verb}` is not allowed in a runbook.",
                hint="Use read, check, act or fault.",
            )


def _words(text: str, page: str, line: int) -> list[str]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError as error:
        raise RunbookRefused(
            page, line, f"the line cannot be split: {error}.", hint="Close every quote."
        ) from None
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "", text)
    if found := _SHELL.search(unquoted):
        raise RunbookRefused(
            page,
            line,
            f"{found[0]!r} has no meaning here: no shell reads this line.",
            hint="Write one trimtab command a line; put PromQL in single quotes.",
        )
    return words


def _some(words: list[str], expected: str, page: str, line: int) -> list[str]:
    if not words or any(word.startswith("-") for word in words):
        raise RunbookRefused(
            page,
            line,
            f"{expected} is missing.",
            hint="`trimtab read|act|fault --list` lists them.",
        )
    return words


def _check(words: list[str], page: str, line: int) -> Check:
    if not words or words[0].startswith("--"):
        raise RunbookRefused(
            page, line, "the expression is missing.", hint="trimtab check 'some_metric > 1'"
        )
    options = {"--for": 0.0, "--give-up": GIVE_UP_SECONDS}
    rest = words[1:]
    while rest:
        flag, *rest = rest
        if flag not in options or not rest:
            raise RunbookRefused(
                page,
                line,
                f"{flag!r} is not an option of check, or its duration is missing.",
                hint="Options: --for 10m, --give-up 30m; quote the whole expression.",
            )
        options[flag] = _seconds(rest.pop(0), page, line)
    return Check(words[0], options["--for"], options["--give-up"], line)


def _seconds(text: str, page: str, line: int) -> float:
    found = parse_duration(text)
    if found is None:
        raise RunbookRefused(
            page, line, f"{text!r} is not a duration.", hint="Write 30s, 10m, 1h or 1h30m."
        )
    return found


def _duration_text(seconds: float) -> str:
    for unit, size in reversed(_UNITS.items()):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _arguments(words: list[str], page: str, line: int) -> dict[str, str]:
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not _ARGUMENT.fullmatch(key) or key in given:
            raise RunbookRefused(
                page,
                line,
                f"{word!r} is not a key=value argument, or its key is given twice.",
                hint="Write key=value, each key once.",
            )
        given[key] = value
    return given


def _pairs(arguments: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in arguments.items())
