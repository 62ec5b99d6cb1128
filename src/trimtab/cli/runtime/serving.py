"""Runs the service in this process."""

import gc
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from trimtab.api.http.server import Listener, bind, serve
from trimtab.infra.control_socket import bind_control, control_path
from trimtab.infra.malloc import limit_malloc_arenas
from trimtab.infra.running import registered
from trimtab.infra.telemetry import LogFiles, configure_logs
from trimtab.kernel.errors import Unauthenticated

if TYPE_CHECKING:
    from trimtab.app import App
    from trimtab.infra.settings import Settings

_log = logging.getLogger(__name__)
_SWITCH_SECONDS = 0.0005
"""Python's thread switch interval. A request switches threads a few times; with the default of 5 ms
it would wait tens of milliseconds for a thread that computes."""


def run(build: Callable[["Settings"], "App"], settings: "Settings") -> None:
    """Build the app, serve it until a signal comes, and close it."""
    queries = settings.knowledge.log_queries
    configure_logs(
        settings.service.log_level, profile=settings.service.log_profile, queries=queries
    )
    sys.setswitchinterval(_SWITCH_SECONDS)
    limit_malloc_arenas()
    app = build(settings)
    service = settings.service
    if service.log_to_files:  # Only now is the data directory ours.
        folder = app.directory.folder("logs")
        files = LogFiles(folder, service.log_file_mb, service.log_files, service.log_keep_hours)
        configure_logs(service.log_level, files=files, profile=service.log_profile, queries=queries)
    try:
        listener = bind(settings.service.host, settings.service.port)
        control = bind_control(app.directory.path)
        app.start()
        gc.freeze()
        gc.enable()
        port = listener.getsockname()[1]
        with registered(app.directory.path):
            serve(
                (
                    Listener(app.http_apps.network, listener),
                    Listener(app.http_apps.control, control),
                ),
                lambda: _announce(app, port),
                body_seconds=settings.api.body_seconds,
            )
    finally:
        control_path(app.directory.path).unlink(missing_ok=True)
        app.close()
    _log.info("stopped")


def _announce(app: "App", port: int) -> None:
    host = app.settings.service.host
    address = f"http://{'localhost' if host in ('127.0.0.1', '::1') else host}:{port}"
    _log.info("serving", extra={"address": address})
    say = sys.stderr.write
    if app.env.first_key is not None:
        say(f"An admin key was created; it is in {app.env.first_key}\n")
    app.sessions.listen_at(address)
    say(f"\n  trimtab is serving at {address}\n")
    say(f"  Console: {_console_hint(app, address)}\n\n")
    sys.stderr.flush()


def _console_hint(app: "App", address: str) -> str:
    """Return a sign-in link if a person is at the terminal, since logs must not contain one."""
    if sys.stderr.isatty():
        try:
            return f"{app.sessions.sign_in_url('admin')} (signs in once, within an hour)"
        except Unauthenticated:
            pass  # The key `admin` was revoked; another administrator signs in with a key.
    return f"{address}/console; `trimtab console` prints a link that signs you in"
