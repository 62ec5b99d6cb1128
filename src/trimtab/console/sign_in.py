"""Signing in, by a one-time link or an API key, and out."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from trimtab.console.render import page
from trimtab.console.services import ANYBODY, Here, Services
from trimtab.infra.auth import Principal
from trimtab.infra.web.sessions import COOKIE
from trimtab.kernel.errors import Unauthenticated

router = APIRouter(prefix="/console")


@router.get("/login", dependencies=[ANYBODY])
def login(request: Request, here: Here, token: str = "") -> Response:
    """Show the form; a link's token signs in at once."""
    if not token:
        return _form(request, "")
    try:
        principal = here.sessions.redeem(token)
    except Unauthenticated as error:
        return _form(request, error.message)
    return _signed_in(here, principal, request)


@router.post("/login", dependencies=[ANYBODY])
def login_with_key(request: Request, here: Here, key: Annotated[str, Form()]) -> Response:
    """Sign in with an API key."""
    try:
        principal = here.keys.authenticate(key.strip())
    except Unauthenticated as error:
        return _form(request, error.message)
    return _signed_in(here, principal, request)


@router.post("/logout", dependencies=[ANYBODY])
def logout() -> Response:
    """Forget the session in this browser."""
    response = RedirectResponse("/console", HTTPStatus.SEE_OTHER)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def _form(request: Request, problem: str) -> HTMLResponse:
    status = HTTPStatus.UNAUTHORIZED if problem else HTTPStatus.OK
    return page(request, "login.html", {"problem": problem}, status=status)


def _signed_in(here: Services, principal: Principal, request: Request) -> Response:
    response = RedirectResponse("/console", HTTPStatus.SEE_OTHER)
    response.set_cookie(
        COOKIE,
        here.sessions.cookie(principal),
        max_age=here.sessions.seconds,
        path="/",
        secure=request.scope["scheme"] == "https",
        httponly=True,
        samesite="strict",
    )
    return response
