"""Pages to sign in, by a one-time link or an API key, and out."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from trimtab.console.render import page
from trimtab.console.services import ANYBODY, EnvDep, WebDep
from trimtab.infra.auth import Principal
from trimtab.infra.environment import Environment
from trimtab.infra.web.module import Web
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
    env: EnvDep,
    web: WebDep,
    key: Annotated[str, Form(max_length=1000)] = "",
    token: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Sign in with an API key or with a one-time token of a link."""
    try:
        sessions, keys = web.sessions, env.keys
        principal = sessions.redeem(token) if token else keys.authenticate(key.strip())
    except Unauthenticated as error:
        return _form(request, error.message)
    return _signed_in(env, web, principal, request)


@router.post("/logout", dependencies=[ANYBODY])
def logout(request: Request, env: EnvDep, web: WebDep) -> Response:
    """End the session, so that every copy of its cookie is invalid."""
    if cookie := request.cookies.get(COOKIE):
        web.sessions.end(cookie)
    response = RedirectResponse("/console", HTTPStatus.SEE_OTHER)
    response.delete_cookie(
        COOKIE, path="/", secure=_is_secure(env, request), httponly=True, samesite="strict"
    )
    return response


def _form(request: Request, problem: str) -> HTMLResponse:
    status = HTTPStatus.UNAUTHORIZED if problem else HTTPStatus.OK
    return page(request, "login.html", {"problem": problem}, status=status)


def _signed_in(env: Environment, web: Web, principal: Principal, request: Request) -> Response:
    response = RedirectResponse("/console", HTTPStatus.SEE_OTHER)
    response.set_cookie(
        COOKIE,
        web.sessions.cookie(principal),
        max_age=web.sessions.seconds,
        path="/",
        secure=_is_secure(env, request),
        httponly=True,
        samesite="strict",
    )
    return response


def _is_secure(env: Environment, request: Request) -> bool:
    return env.settings.api.secure_cookie or request.scope["scheme"] == "https"
