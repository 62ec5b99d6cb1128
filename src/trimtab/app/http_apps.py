"""ASGI apps: API and console behind their middleware, for network and control socket."""

from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI
from starlette.types import ASGIApp, Scope

from trimtab.api import create_api, create_fault_api
from trimtab.api.http import (
    AddressRateLimit,
    DirectRoutes,
    HttpMetrics,
    LazyApp,
    PathMount,
    RequestLog,
    RequestMiddleware,
    TrustedOrigins,
)
from trimtab.api.http.body_limit import body_limit, upload_limit
from trimtab.api.http.conditional import ConditionalGet
from trimtab.api.http.headers import security_headers
from trimtab.app.roles import Roles
from trimtab.infra.environment import Environment
from trimtab.infra.fleet import Fleet, NotInTouch
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.infra.settings import Settings
from trimtab.infra.web import Access, RateLimits
from trimtab.infra.web.access import is_loopback
from trimtab.infra.web.module import Web
from trimtab.infra.web.proxies import TrustedProxies
from trimtab.infra.web.routes import ProvidedServices

_ANY_TIME = ("/health", "/metrics", "/api/v1/fleet")
"""Paths that a process answers without contact to its fleet."""
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class HttpApps:
    """The ASGI apps of a trimtab.

    Attributes:
        api: The routes of the HTTP interface alone.
        pages: The console alone, made at its first request.
        injection: The fault routes alone, made at their first request.
        network: API and console behind every check; for the network.
        control: The API as administrator and, in drills, the faults; for the control socket.
    """

    api: FastAPI
    pages: LazyApp[FastAPI]
    injection: LazyApp[FastAPI]
    network: ASGIApp
    control: ASGIApp

    @property
    def console(self) -> FastAPI:
        """The pages alone."""
        return self.pages.app()

    @property
    def faults(self) -> FastAPI:
        """The fault routes alone."""
        return self.injection.app()


def make_http_apps(services: ProvidedServices, figures: HttpMetrics) -> HttpApps:
    """Return the apps.

    Args:
        services: What the routes and pages use.
        figures: Count the requests.
    """
    env = services.find(Environment)
    settings, roles = env.settings, services.find(Roles)
    limits = _rate_limits(env)
    access = _access(env, services.find(Web), limits)
    api = create_api(services, access)

    def make_console() -> FastAPI:
        from trimtab.console import create_console

        return create_console(services, access, api.openapi)

    console = LazyApp(make_console)
    faults = LazyApp(lambda: create_fault_api(services, access))
    middleware = partial(
        RequestMiddleware,
        access=access,
        body_limit=body_limit(settings.service.max_body_mb),
        upload_limit=upload_limit(settings.api.max_upload_mb),
        maintenance=services.find(MaintenanceMode),
        log=RequestLog(
            figures.counters,
            env.clock,
            log_queries=settings.knowledge.log_queries,
            slow_seconds=settings.service.slow_request_seconds,
        ),
    )
    rate = AddressRateLimit(limits, settings.service.rate_limit_per_minute)
    in_touch = partial(_refuse_out_of_touch, env.fleet)
    # A caller who asks too often is refused before anything of the body is read.
    network = middleware(
        ConditionalGet(_with_console(api, console)),
        checks=(in_touch, TrustedOrigins(_hosts(settings)).check, roles.refuse),
        rate=rate,
        proxies=TrustedProxies(proxies) if (proxies := settings.service.trusted_proxies) else None,
        response_headers=security_headers(settings.api.hsts_seconds),
    )
    control = middleware(
        _with_faults(api, faults) if settings.service.drills else api,
        checks=(in_touch, roles.refuse),
        is_local=True,
    )
    return HttpApps(api, console, faults, network, control)


def _rate_limits(env: Environment) -> RateLimits:
    """Return the counts of this process, or those that all processes on a Valkey server share."""
    if env.valkey is None:
        return RateLimits(env.clock)
    from trimtab.infra.valkey.rate_windows import SharedRateWindows  # `limits` is an extra.

    return RateLimits(env.clock, SharedRateWindows(env.valkey, env.clock))


def _access(env: Environment, web: Web, limits: RateLimits) -> Access:
    api = env.settings.api
    return Access(
        keys=env.keys,
        sessions=web.sessions,
        limits=limits,
        anonymous_reader=api.anonymous_reader and _is_local(env.settings),
        key_limit_per_minute=api.key_limit_per_minute,
    )


def _refuse_out_of_touch(fleet: Fleet, scope: Scope) -> NotInTouch | None:
    """Return why a process without contact to its fleet refuses a request, or None."""
    return None if scope["path"].startswith(_ANY_TIME) else fleet.refusal()


def _hosts(settings: Settings) -> tuple[str, ...]:
    return settings.api.allowed_hosts or (_LOOPBACK_NAMES if _is_local(settings) else ())


def _is_local(settings: Settings) -> bool:
    return is_loopback(settings.service.host)


def _with_console(api: FastAPI, console: ASGIApp) -> ASGIApp:
    return PathMount(api, {"/": console, "/console": console, "/v1/models": DirectRoutes(api)})


def _with_faults(api: ASGIApp, faults: ASGIApp) -> ASGIApp:
    return PathMount(api, {"/v1/faults": faults, "/v1/drills": faults})
