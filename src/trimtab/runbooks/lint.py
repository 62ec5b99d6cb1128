"""Checks a runbook against the catalog, the alerts and the rule evaluator."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Catalog, check_arguments
from trimtab.runbooks.commands import Act, Break, Check, Command, Read
from trimtab.runbooks.errors import RunbookRefused
from trimtab.runbooks.model import Cause, Page, Runbook
from trimtab.runbooks.placeholders import (
    names_in,
    problem_in_argument,
    problem_in_expression,
    sample_arguments,
)

CheckExpression = Callable[[str], object]
"""Raises a `TrimtabError` with the reason if the rule evaluator cannot evaluate the expression."""

CheckProof = Callable[[str, float, float], None]
"""Raises a `TrimtabError` if an expression cannot verify a repair.

Its arguments are the expression, the seconds that it must hold, and those until the repair is given
up.
"""


@dataclass(frozen=True, slots=True)
class PageChecks:
    """The names and expressions that pages may use.

    Attributes:
        catalog: Signals, actions and faults that a page may name.
        alert_names: Alerts that a page may name.
        check_expression: Refuses a PromQL expression that is not a check.
        check_proof: Refuses a `verify` block that cannot verify a repair; None checks none.
    """

    catalog: Catalog
    alert_names: Collection[str]
    check_expression: CheckExpression
    check_proof: CheckProof | None = None


def lint(runbook: Runbook, checks: PageChecks) -> None:
    """Check that everything a runbook names exists.

    Raises:
        RunbookRefused: The first thing that is wrong.
    """
    check_alerts(runbook, checks.alert_names)
    if not runbook.causes:
        raise RunbookRefused(
            runbook.path,
            1,
            "the runbook has no cause.",
            hint="Add `## Cause: ...`, or make it `kind: procedure`.",
        )
    seen: set[str] = set()
    for cause in runbook.causes:
        if cause.id in seen:
            raise RunbookRefused(
                runbook.path, cause.line, "two causes have the same title.", hint="Rename one."
            )
        seen.add(cause.id)
        _complete(runbook.path, cause)
        _holds_only_in_verify(runbook.path, cause)
    for command in _commands(runbook):
        _binds(runbook.path, command, checks.catalog)
        _exists(runbook.path, command, checks)
    if checks.check_proof is not None:
        for cause in runbook.causes:
            _proves(runbook.path, cause, checks.check_proof)


def check_alerts(page: Page, alert_names: Collection[str]) -> None:
    """Raise `RunbookRefused` if the page names an unknown alert."""
    for name in page.alerts:
        if name not in alert_names:
            near = get_close_matches(name, alert_names, n=3)
            raise RunbookRefused(
                page.path,
                1,
                f"there is no alert named {name!r}.",
                hint=f"Did you mean {' or '.join(near)}?" if near else "Add it to a rule file.",
            )


def _complete(path: str, cause: Cause) -> None:
    if not cause.evidence:
        raise RunbookRefused(
            path,
            cause.line,
            f"cause {cause.title!r} has no evidence.",
            hint="Add a ```sh evidence block with at least one check.",
        )
    if bool(cause.fix) != bool(cause.verify):
        raise RunbookRefused(
            path,
            cause.line,
            f"cause {cause.title!r} has a fix without verify, or verify without a fix.",
            hint="A fix is only trusted when a check proves it: write both, or neither.",
        )
    if not cause.drill:
        raise RunbookRefused(
            path,
            cause.line,
            f"cause {cause.title!r} has no drill.",
            hint="Add a ```sh drill block with the fault that brings this cause about.",
        )


def _holds_only_in_verify(path: str, cause: Cause) -> None:
    for check in cause.evidence:
        if check.hold_seconds:
            raise RunbookRefused(
                path,
                check.line,
                "--for belongs in verify; evidence is evaluated once.",
                hint="Look back with PromQL, such as min_over_time(metric[10m]).",
            )
    for check in cause.verify:
        if check.give_up_seconds < check.hold_seconds:
            raise RunbookRefused(
                path,
                check.line,
                "--give-up is shorter than --for: it could never hold.",
                hint="Give up after at least as long as it must hold.",
            )


def _proves(path: str, cause: Cause, check_proof: CheckProof) -> None:
    for check in cause.verify:
        try:
            check_proof(check.expression, check.hold_seconds, check.give_up_seconds)
        except TrimtabError as error:
            raise RunbookRefused(
                path,
                check.line,
                error.message,
                hint="A verify must fail on a service that is broken, idle or not measured.",
            ) from error


def _commands(runbook: Runbook) -> Iterator[Command]:
    yield from runbook.gather
    yield from runbook.escalate_when
    for cause in runbook.causes:
        yield from cause.evidence
        yield from cause.fix
        yield from cause.verify
        yield from cause.drill


def _binds(path: str, command: Command, catalog: Catalog) -> None:
    """Refuse a placeholder that no alert could ever give a value."""
    labels = {label for signal in catalog.signals.values() for label in signal.labels}
    problem = ""
    match command:
        case Check():
            problem = problem_in_expression(command.expression, labels)
        case Act():
            found = (problem_in_argument(str(each), labels) for each in command.arguments.values())
            problem = next(filter(None, found), "")
        case Break() if any(names_in(each) for each in command.arguments.values()):
            problem = "a drill breaks something before there is an incident with values."
        case _:
            pass
    if problem:
        raise RunbookRefused(
            path,
            command.line,
            problem,
            hint='`$name` stands for the label `name` of the alert; write name="$name" in a check'
            " and name='$name' in an act.",
        )


def _exists(path: str, command: Command, checks: PageChecks) -> None:
    catalog = checks.catalog
    try:
        match command:
            case Read():
                for name in command.signals:
                    catalog.signal(name)
            case Check():
                checks.check_expression(command.expression)
            case Act():
                params = catalog.action(command.name).params
                check_arguments(params, sample_arguments(params, command.arguments))
            case Break():
                check_arguments(catalog.fault(command.name).params, command.arguments)
    except TrimtabError as error:
        raise RunbookRefused(path, command.line, error.message, hint=error.hint()) from error
