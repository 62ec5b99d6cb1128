"""Creates the FastAPI application of the console."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from trimtab.console import (
    alerts,
    ask,
    calendar,
    documents,
    fleet,
    gates,
    incident_people,
    incidents,
    language_model,
    model_monitoring,
    models,
    notifications,
    oncall,
    overview,
    reference,
    review,
    runbooks,
    sign_in_pages,
    status,
    traces,
)
from trimtab.console.render import page
from trimtab.infra.web import Access
from trimtab.infra.web.routes import ProvidedServices
from trimtab.infra.web.status import STATUS
from trimtab.kernel.errors import ErrorKind, InvalidInput, NotFound, TrimtabError

_STATIC = Path(__file__).parent / "static"


def create_console(
    services: ProvidedServices, access: Access, describe_api: Callable[[], dict[str, Any]]
) -> FastAPI:
    """Return the app with every page, under ``/console``; ``/`` leads there.

    Args:
        services: What the pages show.
        access: Who may see them.
        describe_api: Returns the OpenAPI description of the HTTP interface.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    parts = (
        overview,
        ask,
        documents,
        fleet,
        traces,
        review,
        incidents,
        incident_people,
        alerts,
        oncall,
        calendar,
        notifications,
        runbooks,
        gates,
        language_model,
        model_monitoring,
        models,
        reference,
        status,
    )
    for part in parts:
        app.include_router(part.router)
    app.include_router(sign_in_pages.router)
    app.add_route("/", _lead_to_console)
    app.mount("/console/static", _Static(directory=_STATIC), name="static")
    app.state.services = services
    app.state.access = access
    app.state.describe_api = describe_api
    app.add_middleware(_CallerFinder, access=access)
    app.add_exception_handler(TrimtabError, _on_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    return app


class _CallerFinder:
    """Finds the caller of every page, so that those without a role check can name it, too."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/console/static/"):
            await self._access.find(HTTPConnection(scope))
        await self._app(scope, receive, send)


class _Static(StaticFiles):
    """Static files whose URL changes with their content, so browsers may cache them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


async def _lead_to_console(_: Request) -> Response:
    return RedirectResponse("/console", HTTPStatus.SEE_OTHER)


def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TrimtabError)  # noqa: S101 - the handler's registration says so.
    is_fragment = "hx-request" in request.headers
    if error.kind is ErrorKind.UNAUTHENTICATED and not is_fragment:
        return RedirectResponse("/console/login", HTTPStatus.SEE_OTHER)
    template = "parts/error.html" if is_fragment else "error.html"
    return page(request, template, {"error": error}, status=STATUS[error.kind])


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above.
    return _on_error(request, NotFound("There is no such page."))


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above.
    if request.method == "GET":
        hint = "Open the page from the menu and choose again."
        return _on_error(request, InvalidInput("A value in the address is not valid.", hint=hint))
    return _on_error(request, InvalidInput("The form is not complete."))
