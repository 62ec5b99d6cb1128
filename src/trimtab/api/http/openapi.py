"""The OpenAPI document: the statuses and schemas of each route's answers, no more and no less.

`describe` adds the statuses that follow from a route's declaration (role, body, parameters). A
route states with `refuses` the errors of its own work, such as a document that does not exist. The
fuzz tests of `tests/api` fail on a status that a route does not state.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from trimtab.api.http.schemas import add_schemas
from trimtab.infra.web import Needs
from trimtab.infra.web.status import STATUS
from trimtab.kernel.errors import ErrorKind

_UNLIMITED = ("/health", "/metrics", "/api/v1/heartbeat")
"""Paths without a rate limit; see `http.rate`."""
_SECURITY: Mapping[str, Mapping[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_SAYS = {
    400: "The request is not as it has to be",
    401: "No key, or one that is unknown or revoked",
    403: "Not for this caller, or from an untrusted host or page",
    404: "There is no such thing",
    409: "The present state does not allow it",
    413: "Too large",
    429: "Too many calls in a minute",
    500: "A mistake in the program, or damaged data",
    503: "A part that this needs is down or too busy; repeat the call",
    507: "No space left; nothing was written",
}


def refuses(*kinds: ErrorKind) -> dict[int | str, dict[str, Any]]:
    """Return the error statuses of a route's own work, for its ``responses``."""
    return {int(STATUS[kind]): _refusal(STATUS[kind]) for kind in kinds}


def sends(media: str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return the media type of a text answer, for a route's ``responses``."""
    return {status: {"content": {media: {"schema": {"type": "string"}}}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description of the app's routes, with every status that each can give."""
    found = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    add_schemas(found, routes_of(app.routes))
    schemas = found["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for route in routes_of(app.routes):
        for method in route.methods or ():
            _complete(found["paths"][route.path_format][method.lower()], route, method)
    found["components"]["securitySchemes"] = _SECURITY
    return found


def routes_of(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    """Yield every route; FastAPI keeps included routers as they are."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from routes_of(router.routes)


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    for status in _statuses(operation, route, method):
        responses.setdefault(str(status), _refusal(status))
    operation["responses"] = dict(sorted(responses.items()))
    if _role_of(route) is not None:
        operation["security"] = [{name: []} for name in _SECURITY]
        operation["x-role"] = str(_role_of(route))


def _statuses(operation: dict[str, Any], route: APIRoute, method: str) -> Iterator[int]:
    """Yield the statuses that follow from the route's declaration."""
    body = "requestBody" in operation
    given = [
        parameter for parameter in operation.get("parameters", ()) if parameter["in"] != "path"
    ]
    yield 403  # An untrusted host, or another site's page.
    yield 500
    if body or any(_may_be_wrong(parameter) for parameter in given):
        yield 400
    if body:
        yield 413
    if not route.path.startswith(_UNLIMITED):
        yield 429
    if _role_of(route) is not None:
        yield 401
        yield 503


def _may_be_wrong(parameter: dict[str, Any]) -> bool:
    return bool(parameter.get("required")) or not _is_free(parameter["schema"])


def _is_free(schema: Mapping[str, Any]) -> bool:
    """Return whether the schema accepts every query text."""
    if "anyOf" in schema:
        return all(_is_free(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return _is_free(schema["items"])
    return set(schema) <= {"type", "title", "default", "description"} and schema.get("type") in (
        "string",
        "null",
    )


def _role_of(route: APIRoute) -> object:
    """Return the minimum role of the route; None if it is public."""
    calls = [each.call for each in route.dependant.dependencies]
    return next((call.role for call in calls if isinstance(call, Needs)), None)


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ErrorBody"}
    return {"description": _SAYS[status], "content": {"application/json": {"schema": schema}}}
