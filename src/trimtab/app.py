"""The composition root: the only file that knows every concrete class."""

import logging
from pathlib import Path

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from trimtab.api import Services, create_api, create_fault_api
from trimtab.api.edge import (
    AsAdmin,
    BodyLimit,
    ControlRoutes,
    HttpFigures,
    RateLimit,
    Recorded,
    SecurityHeaders,
    TrustedOrigins,
)
from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys, Role
from trimtab.infra.settings import Settings
from trimtab.infra.storage import Database, DataDirectory
from trimtab.infra.telemetry import SignalCollector, new_registry
from trimtab.infra.web import Access, RateLimits, Sessions
from trimtab.infra.web.access import is_loopback
from trimtab.infra.web.sessions import session_secret
from trimtab.kernel.clock import Clock, SystemClock
from trimtab.kernel.health import ComponentHealth, Health, Status
from trimtab.kernel.operable import Catalog

_log = logging.getLogger(__name__)
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
ADMIN_KEY_FILE = "admin.key"


class App:
    """A whole trimtab on one data directory.

    Attributes:
        asgi: What the network reaches.
        control: What the control socket reaches: the same, as administrator, and faults in drills.
    """

    def __init__(self, settings: Settings, directory: DataDirectory, clock: Clock) -> None:
        self.settings = settings
        self.directory = directory
        self.clock = clock
        self.health = Health(clock)
        self.registry: CollectorRegistry = new_registry()
        self.state = Database(directory.file("state.db"), ("state",))
        self.audit = Audit(self.state, clock)
        self.keys = Keys(self.state, clock, self.audit)
        self.sessions = Sessions(
            self.keys, clock, session_secret(directory), settings.api.session_hours
        )
        self.health.register("database", self._database_health)
        self.catalog = Catalog()
        self.registry.register(SignalCollector(self.catalog.signals.values()))
        self.first_start = _make_admin_key(self.keys, directory)
        self.asgi, self.control = self._faces()

    def start(self, *, monitor: bool = True) -> None:
        """Begin the work that goes on by itself.

        Args:
            monitor: Whether to watch the service; a command that builds its own app does not.
        """

    def close(self) -> None:
        """Stop working and release everything."""
        self.state.close()
        self.directory.close()

    def _database_health(self) -> ComponentHealth:
        with self.state.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        return ComponentHealth(Status.UP)

    def _faces(self) -> tuple[ASGIApp, ASGIApp]:
        services = Services(
            settings=self.settings,
            clock=self.clock,
            health=self.health,
            registry=self.registry,
            catalog=self.catalog,
            audit=self.audit,
            keys=self.keys,
            sessions=self.sessions,
        )
        limits = RateLimits(self.clock)
        local = is_loopback(self.settings.service.host)
        access = Access(
            keys=self.keys,
            sessions=self.sessions,
            limits=limits,
            anonymous_reader=self.settings.api.anonymous_reader and local,
            key_limit_per_minute=self.settings.api.key_limit_per_minute,
        )
        self.api = create_api(services, access)
        self.fault_api = create_fault_api(services, access)
        routes: ASGIApp = self.api
        figures = HttpFigures(self.clock)
        self.registry.register(figures)
        settings = self.settings
        bodies = {"body_mb": settings.service.max_body_mb, "upload_mb": settings.api.max_upload_mb}
        hosts = settings.api.allowed_hosts or (_LOOPBACK_NAMES if local else ())
        public = BodyLimit(routes, **bodies)
        limited = RateLimit(
            public, limits=limits, per_minute=settings.service.rate_limit_per_minute
        )
        guarded = SecurityHeaders(TrustedOrigins(limited, hosts=hosts))
        inner: ASGIApp = routes
        if settings.service.drills:
            inner = ControlRoutes(routes, prefix="/v1/faults", routes=self.fault_api)
        control = Recorded(BodyLimit(inner, **bodies), figures=figures, clock=self.clock)
        return Recorded(guarded, figures=figures, clock=self.clock), AsAdmin(control)


def build(settings: Settings, clock: Clock | None = None) -> App:
    """Return a trimtab on the data directory of the settings, not yet started.

    Raises:
        TrimtabError: The data directory cannot be used, or something in it is broken or too new.
    """
    directory = DataDirectory(settings.service.data_dir)
    try:
        return App(settings, directory, clock or SystemClock(settings.service.clock_rate))
    except BaseException:
        directory.close()
        raise


def _make_admin_key(keys: Keys, directory: DataDirectory) -> Path | None:
    """Make the first key, in a file that only this user can read; None when there are keys."""
    if keys.all():
        return None
    key = keys.create("admin", Role.ADMIN, actor="trimtab")
    directory.keep_secret(ADMIN_KEY_FILE, f"{key}\n".encode())
    return directory.file(ADMIN_KEY_FILE)
