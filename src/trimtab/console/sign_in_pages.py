"""Signing in, by a one-time link or an API key, and out."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from trimtab.console.render import page
from trimtab.console.services import ANYBODY, Here, Services
from trimtab.infra.auth import Principal
from trimtab.infra.web.routes import GuardedRoute
from trimtab.infra.web.sessions import COOKIE
from trimtab.kernel.errors import Unauthenticated

router = APIRouter(prefix="/console", route_class=GuardedRoute)


@router.get("/login", dependencies=[ANYBODY])
def login(request: Request) -> Response:
    """Show the form. Links have the token after a ``#``, which browsers do not send."""
    return _form(request, "")


@router.post("/login", dependencies=[ANYBODY])
def sign_in(
    request: Request,
    services: Here,
    key: Annotated[str, Form(max_length=1000)] = "",
    token: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Sign in with an API key, or with a link's token, which works once."""
    try:
        sessions, keys = services.sessions, services.keys
        principal = sessions.redeem(token) if token else keys.authenticate(key.strip())
    except Unauthenticated as error:
        return _form(request, error.message)
    return _signed_in(services, principal, request)


@router.post("/logout", dependencies=[ANYBODY])
def logout(request: Request, services: Here) -> Response:
    """End the session, here and in every copy of its cookie."""
    if cookie := request.cookies.get(COOKIE):
        services.sessions.end(cookie)
    response = RedirectResponse("/console", HTTPStatus.SEE_OTHER)
    response.delete_cookie(
        COOKIE, path="/", secure=_is_secure(services, request), httponly=True, samesite="strict"
    )
    return response


def _form(request: Request, problem: str) -> HTMLResponse:
    status = HTTPStatus.UNAUTHORIZED if problem else HTTPStatus.OK
    return page(request, "login.html", {"problem": problem}, status=status)


def _signed_in(services: Services, principal: Principal, request: Request) -> Response:
    response = RedirectResponse("/console", HTTPStatus.SEE_OTHER)
    response.set_cookie(
        COOKIE,
        services.sessions.cookie(principal),
        max_age=services.sessions.seconds,
        path="/",
        secure=_is_secure(services, request),
        httponly=True,
        samesite="strict",
    )
    return response


def _is_secure(services: Services, request: Request) -> bool:
    return services.settings.api.secure_cookie or request.scope["scheme"] == "https"
