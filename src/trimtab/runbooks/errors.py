"""Errors of the runbooks."""

from trimtab.kernel.errors import InvalidInput, Misconfigured, NotFound


class RunbookRefused(Misconfigured):
    """A page cannot be loaded; the message begins with ``page:line``.

    Args:
        page: The page's path as the author knows it.
        line: The line in the page, from 1.
        problem: What is wrong, in one sentence.
        hint: The next step.
    """

    code = "runbooks.refused"

    def __init__(self, page: str, line: int, problem: str, *, hint: str) -> None:
        super().__init__(f"{page}:{line}: {problem}", hint=hint)
        self.page = page
        self.line = line
        self.problem = problem


class RunbookUnknown(NotFound):
    """No runbook or procedure has that id."""

    code = "runbooks.unknown"


class PlaceholderUnknown(InvalidInput):
    """The alerts of an incident do not tell the value of a placeholder of a page."""

    code = "runbooks.placeholder_unknown"
    default_hint = "Give the alert's rule that label, or run the command with a value of your own."
