"""HTTP error responses: one JSON body for all errors.

``error`` has code, message and hint; ``detail`` repeats the message or lists each wrong field, for
clients that expect it there.
"""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from trimtab.infra.maintenance import UnderMaintenance
from trimtab.infra.web.json_body import InvalidRequest
from trimtab.infra.web.limits import TooManyCalls
from trimtab.infra.web.status import STATUS
from trimtab.kernel.errors import ErrorKind, NotFound, TrimtabError

_RETRY_AFTER_SECONDS = 5
"""Default of the ``Retry-After`` header."""
_SHOWN_TYPE = 60
"""Characters of a media type that an error message quotes."""


ERROR_CODE_HEADER = "X-Error-Code"
"""Header with the error code, for logs and for HEAD requests."""


class NoSuchRoute(NotFound):
    """No route has this method and path."""

    code = "api.no_such_route"
    default_hint = "`/console/api` lists every route."


class InternalError(TrimtabError):
    """An unexpected exception; its traceback is in the log under the request's id."""

    code = "api.internal"
    kind = ErrorKind.CORRUPT
    default_hint = "Look for this request's X-Request-ID in the log."


class WrongField(BaseModel):
    """One part of a request that is wrong."""

    field: str
    problem: str


class ErrorFacts(BaseModel):
    """Code, message and hint of an error."""

    code: str
    message: str
    hint: str
    retryable: bool
    kind: ErrorKind


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorFacts
    detail: str | list[WrongField]
    degraded_mode: bool = False
    """True while search uses keywords only; set by the query routes for an unknown project."""


def error_response(
    error: TrimtabError, detail: object = None, *, degraded_mode: bool | None = None
) -> Response:
    """Return the answer for an error; ``detail`` defaults to its message."""
    headers = {**_headers(error), ERROR_CODE_HEADER: error.code}
    body = error_body(error, detail)
    if degraded_mode is not None:
        body["degraded_mode"] = degraded_mode
    return JSONResponse(body, STATUS[error.kind], headers=headers)


def error_body(error: TrimtabError, detail: object = None) -> dict[str, object]:
    """Return the body of every error, also of an ``error`` event in a stream."""
    return {
        "error": error.as_wire(),
        "detail": error.message if detail is None else detail,
    }


def _headers(error: TrimtabError) -> dict[str, str]:
    if error.kind is ErrorKind.UNAUTHENTICATED:
        return {"WWW-Authenticate": 'Bearer realm="trimtab"'}
    if isinstance(error, TooManyCalls | UnderMaintenance):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {"Retry-After": str(_RETRY_AFTER_SECONDS)} if error.retryable else {}


def handle_errors(app: FastAPI) -> None:
    """Register the handlers that answer every error with the error body."""
    app.add_exception_handler(TrimtabError, _on_trimtab_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_cut_connection)
    app.add_exception_handler(Exception, _on_mistake)


def _on_trimtab_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TrimtabError)  # noqa: S101 - the handler's registration says so.
    return error_response(error)


def _on_cut_connection(_request: Request, _error: Exception) -> Response:
    # The client is gone, unless `RequestMiddleware` cut the body and sends its own answer.
    return error_response(InvalidRequest("The connection was cut before the request was whole."))


def _on_mistake(_request: Request, _error: Exception) -> Response:
    # `RequestMiddleware` gets the exception too, and logs it.
    return error_response(InternalError("An unexpected error occurred inside trimtab."))


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above.
    if any(item["type"] == "model_attributes_type" for item in error.errors()):
        return error_response(_no_object(request))
    # The offending input is left out: it may be a document or a key.
    found = [
        {"field": _place(item["loc"]), "problem": _problem(item["msg"])} for item in error.errors()
    ]
    first = found[0]
    message = f"{first['field']}: {first['problem']}." if first["field"] else f"{first['problem']}."
    return error_response(InvalidRequest(message), jsonable_encoder(found))


def _no_object(request: Request) -> InvalidRequest:
    """Return the error for a body that is not a JSON object, or was not read as JSON.

    `curl -d` sends the media type of a form, and FastAPI then only asks for a dictionary.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media.startswith("application/") and media.endswith(("/json", "+json")):
        return InvalidRequest("The body must be a JSON object.")
    return InvalidRequest(
        f"The body must be JSON, but its Content-Type is {media[:_SHOWN_TYPE] or 'missing'}.",
        hint="Send the header `Content-Type: application/json`.",
    )


def _place(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _problem(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above.
    if error.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        known = NoSuchRoute(f"There is no {request.method} {request.scope['path']}.")
        response = error_response(known)
        response.status_code = error.status_code
        return response
    response = error_response(InvalidRequest(str(error.detail)))
    response.status_code = error.status_code
    return response
