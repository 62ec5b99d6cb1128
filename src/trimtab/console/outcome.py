"""Answer of a form: back to its page, with the result or the refusal."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi.responses import RedirectResponse

from trimtab.kernel.errors import TrimtabError


def redirect_with_message(path: str, work: Callable[[], str]) -> RedirectResponse:
    """Run the work, and redirect to the page with its message or that of its error.

    Args:
        path: Of the page.
        work: Returns the message.
    """
    try:
        message = work()
    except TrimtabError as error:
        message = f"{error.message} {error.hint()}"
    return RedirectResponse(f"{path}?{urlencode({'message': message[:300]})}", HTTPStatus.SEE_OTHER)
