"""Middleware against cross-site requests and DNS rebinding.

Two ways are closed: a host name that an attacker points at 127.0.0.1 (DNS rebinding), by an
allow-list of names; and requests that a browser sends along with our cookie or from this machine
(cross-site request forgery), by their ``Origin`` and ``Sec-Fetch-Site``. A caller with a key in a
header is exempt from the second: no page of another site can set it.
"""

from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import Scope

from trimtab.infra.web.access import api_key
from trimtab.kernel.errors import Forbidden

_SAFE = ("GET", "HEAD", "OPTIONS")


class UntrustedHost(Forbidden):
    """The Host header names an untrusted host."""

    code = "api.untrusted_host"


class UntrustedOrigin(Forbidden):
    """The request comes from a page of another site."""

    code = "api.untrusted_origin"
    default_hint = "Open the console under its own address, or call with an API key."


class TrustedOrigins:
    """Refuses requests for untrusted hosts and from pages of other sites.

    Args:
        hosts: The host names that are ours, without ports; empty means any.
    """

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._hosts = {host.lower().strip("[]") for host in hosts}

    def check(self, scope: Scope) -> Forbidden | None:
        """Return why the request is refused, or None."""
        given = [value for name, value in scope["headers"] if name == b"host"]
        # Two of them may be read differently elsewhere.
        host = given[0].decode("latin-1") if len(given) == 1 else ""
        name = _name_in(host)
        if self._hosts and name not in self._hosts:
            return UntrustedHost(
                "The request's Host header names a host that is not ours.",
                hint="Add the name to `api.allowed_hosts` if it is.",
            )
        request = HTTPConnection(scope)
        if not api_key(request) and _is_foreign(request, host):
            return UntrustedOrigin("The request comes from a page of another site.")
        return None


@lru_cache(64)
def _name_in(host: str) -> str:
    """Return the host's name without its port; empty when it cannot be one."""
    if any(character in host for character in "/@?#\\ "):
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # A bracket that does not close.
        return ""


def _is_foreign(request: HTTPConnection, host: str) -> bool:
    site = request.headers.get("sec-fetch-site", "")
    if request.scope["method"] in _SAFE:
        # A link from another site may open a page; its scripts and images may not call us.
        return site == "cross-site" and request.headers.get("sec-fetch-mode") != "navigate"
    if site in ("cross-site", "same-site"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and _place_of(origin) != host.lower()


def _place_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
