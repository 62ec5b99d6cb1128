"""Puts the HTTP interface and the console around the services, for the network and for the control socket."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import ASGIApp

from trimtab.api import Services, create_api, create_fault_api
from trimtab.api.http import (
    AccessLogMiddleware,
    BodyLimitMiddleware,
    HttpMetrics,
    LazyApp,
    LocalAdminMiddleware,
    PathMount,
    RateLimitMiddleware,
    SecurityHeadersMiddleware,
    TrustedOriginsMiddleware,
)
from trimtab.infra.web import Access, RateLimits
from trimtab.infra.web.access import is_loopback

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Faces:
    """The ASGI apps of a trimtab.

    Attributes:
        api: The routes of the HTTP interface alone.
        pages: The console alone.
        injection: The fault routes alone.
        network: What the network reaches: API and console behind every check.
        control: What the control socket reaches: the API as administrator, and in drills the faults.
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


def make_faces(services: Services, figures: HttpMetrics) -> Faces:
    """Return the apps."""
    settings = services.settings
    limits = RateLimits(services.clock)
    local = is_loopback(settings.service.host)
    access = Access(
        keys=services.keys,
        sessions=services.sessions,
        limits=limits,
        anonymous_reader=settings.api.anonymous_reader and local,
        key_limit_per_minute=settings.api.key_limit_per_minute,
    )
    api = create_api(services, access)

    def make_console() -> FastAPI:
        from trimtab.console import create_console

        return create_console(services, access, api.openapi)

    def make_fault_api() -> FastAPI:
        return create_fault_api(services, access)

    console, faults = LazyApp(make_console), LazyApp(make_fault_api)

    def bounded(app: ASGIApp) -> ASGIApp:
        most = {"body_mb": settings.service.max_body_mb, "upload_mb": settings.api.max_upload_mb}
        return BodyLimitMiddleware(app, access=access, **most)

    def recorded(app: ASGIApp) -> ASGIApp:
        queries = settings.knowledge.log_queries
        return AccessLogMiddleware(app, figures=figures, clock=services.clock, log_queries=queries)

    pages = PathMount(api, prefix="/console", there=console)
    hosts = settings.api.allowed_hosts or (_LOOPBACK_NAMES if local else ())
    limited = RateLimitMiddleware(
        bounded(pages), limits=limits, per_minute=settings.service.rate_limit_per_minute
    )
    network = recorded(
        SecurityHeadersMiddleware(
            TrustedOriginsMiddleware(limited, hosts=hosts), hsts_seconds=settings.api.hsts_seconds
        )
    )
    tools: ASGIApp = api
    if settings.service.drills:
        for prefix in ("/v1/faults", "/v1/drills"):
            tools = PathMount(tools, prefix=prefix, there=faults)
    return Faces(api, console, faults, network, LocalAdminMiddleware(recorded(bounded(tools))))
