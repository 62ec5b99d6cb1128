"""Routes that read their requests themselves, served without the framework's layers."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trimtab.api.http.routes import ApiRoute
from trimtab.infra.web import Needs


class DirectRoute(ApiRoute):
    """A route whose endpoint reads the request itself: no dependency is resolved per request."""

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """Authorize the caller, then run the endpoint."""
        request = Request(scope, receive)
        await self._needs(request)
        response: Response = await self.endpoint(request)
        return response

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; FastAPI handles other methods."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        response = await self.answer(scope, receive)
        await response(scope, receive, send)

    def _work_without(self, needs: Needs) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        self._needs = needs
        return super()._work_without(needs)


class DirectRoutes:
    """Serves the direct routes of an app, and passes every other request on to it.

    The framework's own layers take as much processor time as a prediction. Its error handlers are
    called here too, so that a refusal reads the same.

    Args:
        app: With all its routes and error handlers.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._routes = [route for route in app.router.routes if isinstance(route, DirectRoute)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        for route in self._routes:
            found = route.path_regex.match(scope["path"])
            # All their parameters are texts, so nothing is converted.
            if found is not None and scope["method"] in (route.methods or ()):
                scope.update(app=self._app, route=route, path_params=found.groupdict())
                await self._answer(route, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, route: DirectRoute, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await route.answer(scope, receive)
        except Exception as error:
            handlers = self._app.exception_handlers
            kind = next(kind for kind in type(error).__mro__ if kind in handlers)
            refusal: Any = handlers[kind](Request(scope), error)
            await refusal(scope, receive, send)
            if kind is Exception:
                raise  # It is logged where every request is.
            return
        await response(scope, receive, send)
