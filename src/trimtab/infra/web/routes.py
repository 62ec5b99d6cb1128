"""Routes that authorize the caller before they read the body, and receive services by type."""

import threading
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import orjson
from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, compile_path
from starlette.types import Scope

from trimtab.infra.web.access import Needs
from trimtab.infra.web.json_body import (
    MAX_DEPTH,
    MAX_VALUES,
    InvalidRequest,
    check_shape,
    nul_refused,
    problem_of,
    refuse_doubled_names,
    refuse_nul,
)

_WITHOUT_BODY = frozenset(("GET", "HEAD"))
_AT_ONCE = 64 * 1024
"""Size in bytes up to which parsing is faster than a thread switch."""
_NO_MATCH: tuple[Match, Scope] = (Match.NONE, {})
MAX_PATH_NAME = 1024
"""Length of each name in a path; what is stored has a smaller limit of its own."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_S = TypeVar("_S")
_COMPLETING = threading.RLock()
"""Held while a route is completed: another thread must not see it half done."""


class GuardedRoute(APIRoute):
    """A route that authorizes its caller, then reads a bounded body.

    FastAPI reads and parses the body before it runs dependencies, so a role check among them would
    run after the body of an unauthorized caller was parsed.

    At first it has only what finds it: path and methods. The rest is computed when it is needed, at
    the first request; for all routes it would take a tenth of the time of a start.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.path, self.endpoint = path, endpoint
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._fixed = self.path.partition("{")[0]
        """Start of every path of the route."""
        self.methods = {method.upper() for method in options.get("methods") or ("GET",)}
        self.dependencies = list(options.get("dependencies") or ())
        self._complete: Callable[[], None] | None = partial(
            super().__init__, path, endpoint, **options
        )

    def __getattr__(self, name: str) -> Any:
        """Compute what was left out, and return the attribute."""
        with _COMPLETING:
            complete = self.__dict__.get("_complete")
            if complete is not None and not name.startswith("__"):
                self._complete = None  # It asks for attributes, too.
                try:
                    complete()
                except BaseException:
                    self._complete = complete
                    raise
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(name=name, obj=self)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether path and method fit.

        Starlette tries each route in turn with a regular expression: 100 of them took a third of a
        short request's processor time.
        """
        if not scope["path"].startswith(self._fixed) and not scope.get("root_path"):
            return _NO_MATCH
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler: check the role, read the body, run the endpoint."""
        marks = (dependency.dependency for dependency in self.dependencies)
        needs = next(mark for mark in marks if isinstance(mark, Needs))
        work = self._work_without(needs)
        reads, has_form = not (self.methods or set()) & _WITHOUT_BODY, self.body_field is not None
        stores = reads and (has_form or "requestBody" in (self.openapi_extra or {}))

        async def handler(request: Request) -> Response:
            await needs(request)
            if stores:
                _check_address(request)
            if reads:
                request = JsonRequest(request.scope, request.receive)
                media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                # FastAPI reads the body of these types too, but hides the errors of `json`.
                is_json = media.startswith("application/") and media.endswith(("/json", "+json"))
                if has_form and is_json:
                    await request.json()
            return await work(request)

        return handler

    def _work_without(self, needs: Needs) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler without the role check, which has run already.

        Resolving one dependency costs about 10 µs.
        """
        whole = self.dependant
        others = [item for item in whole.dependencies if item.call is not needs]
        self.dependant = replace(whole, dependencies=others)
        try:
            return super().get_route_handler()
        finally:
            self.dependant = whole


def _check_address(request: Request) -> None:
    """Raise `InvalidRequest` if path or query has the character NUL, or a name has no limit."""
    scope = request.scope
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise nul_refused("The address")
    for name, value in scope["path_params"].items():
        if isinstance(value, str) and len(value) > MAX_PATH_NAME:
            raise InvalidRequest(
                f"{name}: a name in the path has at most {MAX_PATH_NAME} characters."
            )


class JsonRequest(Request):
    """A request whose JSON is checked before parsing and parsed once."""

    async def json(self) -> Any:
        """Return the parsed JSON of the body; None if the body is empty.

        Raises:
            BodyTooComplex: The JSON is nested too deep or holds too many values.
            InvalidRequest: The body is not strict JSON in UTF-8, or has a name twice in an object.
        """
        if not hasattr(self, "_json"):
            body = await self.body()
            large = len(body) > _AT_ONCE
            self._json = await run_in_threadpool(parse_json, body) if large else parse_json(body)
        return self._json


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON body; see `JsonRequest.json`."""
    if len(body) > MAX_VALUES or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        check_shape(body)
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        value = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        raise InvalidRequest(problem_of(body)) from None
    refuse_nul(body, value)
    refuse_doubled_names(body, value)
    return value


class ProvidedServices:
    """The services available to routes and pages, by type."""

    def __init__(self, services: Iterable[object]) -> None:
        self.by_type = {type(service): service for service in services}

    def find(self, kind: type[_S]) -> _S:
        """Return the service of exactly that type, or raise `LookupError`."""
        found = self.by_type.get(kind)
        if not isinstance(found, kind):
            raise LookupError(f"routes are provided with no {kind.__name__}: add it in trimtab.app")
        return found

    def replaced(self, *services: object) -> "ProvidedServices":
        """Return a copy in which these services replace those of the same types."""
        return ProvidedServices([*self.by_type.values(), *services])


def provided(kind: type[Any]) -> Any:
    """Return a dependency on the service of that type, for ``Annotated``."""

    async def find(request: Request) -> object:
        services: ProvidedServices = request.app.state.services
        return services.by_type[kind]

    return Depends(find)
