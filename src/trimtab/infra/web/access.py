"""Authenticates the caller of a request and authorizes it for the route.

Every route declares its role with `Needs`; a test fails on a route that does not.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from trimtab.infra.auth import Keys, Principal, Role
from trimtab.infra.control_socket import AGENT_HEADER, AGENT_ROLE_HEADER, LABELS_HEADER
from trimtab.infra.storage.marks import begin_request
from trimtab.infra.web.limits import RateLimits
from trimtab.infra.web.live import Viewer
from trimtab.infra.web.sessions import COOKIE, Sessions
from trimtab.kernel.errors import Forbidden, TrimtabError, Unauthenticated

ANONYMOUS = Principal("anonymous", Role.READER)
CONTROL = Principal("local", Role.ADMIN)
"""The caller on the control socket, authorized by the file's permissions."""

AGENT_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,60}")
"""Names of agents of the local user."""
AGENT_ROLES = (Role.READER, Role.REVIEWER, Role.OPERATOR)
"""Roles that an agent of the local user may have; an administrator's needs a key."""

_ALERTS_PER_CALL = 10
"""Alerts come in storms, and a key of this role can do nothing else."""

_PROXY_HEADERS = frozenset(
    (
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-remote-addr",
        b"x-remote-ip",
        b"x-proxyuser-ip",
        b"x-scheme",
        b"x-url-scheme",
        b"x-request-start",
        b"true-client-ip",
        b"client-ip",
        b"proxy-client-ip",
        b"wl-proxy-client-ip",
        b"cdn-loop",
        b"max-forwards",
        b"proxy",
        b"proxy-connection",
    )
)
_PROXY_PREFIXES = (b"x-forwarded", b"x-original-", b"x-envoy-", b"cf-", b"fastly-", b"x-amzn-")
HEADERS = "trimtab.headers"
"""Key in the request's scope: its headers by name in lower case; of a repeated one the first."""
LOCAL = "trimtab.local"
"""Key in the request's scope: True for a request on the control socket."""
KNOWN = "trimtab.known"
"""Key in the request's scope: True if `Access.find` has found a key, a session or `CONTROL`."""
_FOUND = "trimtab.found"
"""Key in the request's scope of the result of `Access.find`."""
_CALLER = "trimtab.caller"
"""Key in the request's scope of the principal whom the route's `Needs` has admitted."""


@dataclass(frozen=True, slots=True)
class Access:
    """Finds the principal that sent a request.

    Attributes:
        anonymous_reader: Whether a caller without a key may read. Set it only when the service
            listens on loopback alone.
        key_limit_per_minute: Maximum calls per minute and key; 0 means no limit.
    """

    keys: Keys
    sessions: Sessions
    limits: RateLimits
    anonymous_reader: bool
    key_limit_per_minute: int

    async def find(self, connection: HTTPConnection) -> Principal | TrimtabError | None:
        """Return the caller, the error of invalid credentials, or None without any.

        The result is cached per request. Errors are returned, not raised, so that the body limit
        and public routes work with a stale cookie.
        """
        scope = connection.scope
        if _FOUND in scope:
            cached: Principal | TrimtabError | None = scope[_FOUND]
            return cached
        found: Principal | TrimtabError | None
        begin_request()
        try:
            # A thread switch costs more than all other checks of a request, so only what needs the
            # database goes to a thread.
            if scope.get(LOCAL):
                headers = connection.headers
                labels, agent = headers.get(LABELS_HEADER, ""), headers.get(AGENT_HEADER, "")
                found = _local_admin(labels) if labels else CONTROL
                if agent:
                    found = _local_agent(agent, headers.get(AGENT_ROLE_HEADER, ""), found)
            elif key := api_key(connection):
                found = self.keys.recall(key)
                if found is None:
                    found = await run_in_threadpool(self.keys.authenticate, key)
                factor = _ALERTS_PER_CALL if found.role is Role.ALERTS else 1
                await self.limits.admit(f"key:{found.name}", self.key_limit_per_minute * factor)
            elif COOKIE not in connection.cookies and self.keys.counted:
                found = self._without_key(connection)
            else:
                found = await run_in_threadpool(self._without_key, connection)
        except TrimtabError as refusal:
            found = refusal
        scope[_FOUND] = found
        scope[KNOWN] = isinstance(found, Principal) and found is not ANONYMOUS
        return found

    def still_holds(self, connection: HTTPConnection) -> bool:
        """Return whether the caller's key or session is still valid, for long responses."""
        if connection.scope.get(LOCAL):
            return True
        try:
            if key := api_key(connection):
                self.keys.authenticate(key)
                return True
            return self._without_key(connection) is not None
        except Unauthenticated:
            return False

    def _without_key(self, connection: HTTPConnection) -> Principal | None:
        """Return the principal of the session, or `ANONYMOUS` where that may read."""
        if cookie := connection.cookies.get(COOKIE):
            return self.sessions.principal(cookie)
        # A local proxy forwards remote callers, and a second key means more than one user.
        may_read = (
            self.anonymous_reader
            and connection.client is not None
            and is_loopback(connection.client.host)
            and not _is_proxied(connection.scope["headers"])
            and self.keys.active <= 1
        )
        return ANONYMOUS if may_read else None


def _local_admin(labels: str) -> Principal:
    """Return the local administrator with the access labels of the header."""
    names = {label.strip() for label in labels.split(",") if label.strip()}
    return replace(CONTROL, labels=tuple(sorted(names)))


def _local_agent(name: str, role: str, user: Principal) -> Principal:
    """Return the agent for whom the local user's program calls, with a role of its own.

    Its name cannot be that of a key, so that no key's decision passes for the agent's.
    """
    if not AGENT_NAME.fullmatch(name) or role not in ("", *AGENT_ROLES):
        raise Unauthenticated(
            f"The agent's name or role is not valid: {name[:60]!r}, {role[:20]!r}."
        )
    return replace(user, name=f"agent:{name}", role=Role(role or Role.READER))


def _is_proxied(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name in _PROXY_HEADERS or name.startswith(_PROXY_PREFIXES) for name, _ in headers)


def api_key(connection: HTTPConnection) -> str:
    """Return the key in ``Authorization: Bearer`` or ``X-API-Key``; empty when there is none."""
    scope = connection.scope
    headers: Mapping[bytes, bytes] = scope.get(HEADERS) or dict(reversed(scope["headers"]))
    if given := headers.get(b"authorization"):
        scheme, _, credentials = given.decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and credentials.strip():
            return credentials.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()


def is_loopback(host: str) -> bool:
    """Return whether the host name or address is loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Needs:
    """Dependency that authorizes the caller of a route and returns it.

    Args:
        role: The minimum role; None makes the route public.
        tenants: Whether keys limited to some projects may call. Such a route returns nothing of a
            project that its caller may not `Principal.enter`; a project in its path or query is
            checked here. All other routes reject such keys.
    """

    def __init__(self, role: Role | None, *, tenants: bool = False) -> None:
        self.role = role
        self.tenants = tenants

    async def __call__(self, request: Request) -> Principal:
        """Return the caller, or raise `Unauthenticated` or `Forbidden`."""
        if self.role is None:
            return ANONYMOUS
        access: Access = request.app.state.access
        principal = await access.find(request)
        if principal is None:
            raise Unauthenticated("This call needs an API key.")
        if isinstance(principal, TrimtabError):
            raise principal
        principal.require(self.role)
        if principal.projects is not None:
            self._check_projects(principal, request)
        request.scope[_CALLER] = principal
        return principal

    def _check_projects(self, principal: Principal, request: Request) -> None:
        if not self.tenants:
            raise Forbidden(
                f"This call is not available to {principal.name!r}, a key for some projects only.",
                hint="Use a key for all projects.",
            )
        path = request.path_params.get("project")
        for named in (*request.query_params.getlist("project"), *([path] if path else [])):
            principal.enter(named)


PUBLIC = Needs(None)
"""Dependency of public routes; each route states the reason in a comment."""


def caller(request: Request) -> Principal:
    """Return the caller that the route's `Needs` has admitted."""
    found: Principal = request.scope.get(_CALLER, ANONYMOUS)
    return found


def signed_in(request: Request) -> Principal | None:
    """Return the `caller`, or whom `Access.find` has found; None for a caller without access.

    For pages that no `Needs` has admitted anybody to: sign-in, refusals, unknown addresses.
    """
    found = request.scope.get(_CALLER) or request.scope.get(_FOUND)
    return found if isinstance(found, Principal) else None


async def admitted(request: Request) -> Principal:
    """Return the `caller`, as a dependency; async, so FastAPI uses no thread."""
    found: Principal = request.scope.get(_CALLER, ANONYMOUS)
    return found


async def viewer(request: Request) -> Viewer:
    """Return the viewer of a live view, as a dependency."""
    access: Access = request.app.state.access
    return Viewer(caller(request).name, lambda: access.still_holds(request))
