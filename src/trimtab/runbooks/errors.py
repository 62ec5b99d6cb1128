"""Errors of the runbooks."""

from trimtab.kernel.errors import Misconfigured, NotFound


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
