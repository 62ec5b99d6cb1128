"""Runs the service in this process."""

import gc
import logging
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from trimtab.api.http.server import Listener, bind, serve
from trimtab.infra.control_socket import bind_control, control_path
from trimtab.infra.interpreter import prepare_process
from trimtab.infra.restarts import start_again
from trimtab.infra.running import registered
from trimtab.infra.telemetry import LogFiles, configure_logs
from trimtab.kernel.errors import Unauthenticated

if TYPE_CHECKING:
    from trimtab.app import App
    from trimtab.infra.settings import Settings

_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound to.
_log = logging.getLogger(__name__)


def run(build: Callable[["Settings"], "App"], settings: "Settings", *, human: bool = False) -> None:
    """Build the app, serve it until a signal comes, and close it.

    Args:
        build: Makes the app.
        settings: Of the service.
        human: Whether a person reads standard error: short log lines and one link.
    """
    service = settings.service
    logs = partial(
        configure_logs,
        service.log_level,
        profile=service.log_profile,
        queries=settings.knowledge.log_queries,
        human=human,
    )
    logs()
    prepare_process()
    # First: when the address is taken, nothing has been made yet.
    with bind(service.host, service.port) as listener, closing(build(settings)) as app:
        # Only now is the data directory ours; of several processes in it one writes the files.
        if service.log_to_files and not app.directory.suffix:
            folder = app.directory.folder("logs")
            files = (service.log_file_mb, service.log_files, service.log_keep_hours)
            logs(files=LogFiles(folder, *files))
        restarts, port = app.restarts, listener.getsockname()[1]
        _serve(app, listener, human=human)
    _log.info("stopped")
    if restarts.requested:
        start_again(port)


def _serve(app: "App", listener: socket.socket, *, human: bool) -> None:
    """Start the app and serve it on the listener and the control socket."""
    try:
        control = bind_control(app.directory.path, app.directory.suffix)
        app.env.fleet.serve_at(_address_for_others(app, listener))
        app.start()
        gc.freeze()
        gc.enable()
        port = listener.getsockname()[1]
        with registered(app.directory.path):
            app.restarts.serving()
            serve(
                (
                    Listener(app.http_apps.network, listener),
                    Listener(app.http_apps.control, control),
                ),
                lambda: _announce(app, port, human=human),
                body_seconds=app.settings.api.body_seconds,
            )
    finally:
        control_path(app.directory.path, app.directory.suffix).unlink(missing_ok=True)


def _address_for_others(app: "App", listener: socket.socket) -> str:
    """Return the base URL at which other processes of the fleet reach this one."""
    service, port = app.settings.service, listener.getsockname()[1]
    if service.advertised_address:
        return service.advertised_address.rstrip("/")
    host = service.host
    if host in _ANY_ADDRESS:
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(app: "App", port: int, *, human: bool) -> None:
    host = app.settings.service.host
    address = f"http://{'localhost' if host in ('127.0.0.1', '::1') else host}:{port}"
    app.sessions.listen_at(address)
    say = sys.stderr.write
    if not human:
        _log.info("serving", extra={"address": address})
    if app.env.first_key is not None:
        say(f"An admin key was created; it is in {app.env.first_key}\n")
    if human:
        say(f"\n  trimtab is ready. {_console_hint(app, address)}\n  Ctrl-C stops it.\n\n")
    else:
        say(f"\n  trimtab is serving at {address}\n")
        say(f"  Console: {address}/console; `trimtab console` prints a link that signs you in\n\n")
    sys.stderr.flush()


def _console_hint(app: "App", address: str) -> str:
    """Return a sign-in link for the person at the terminal; logs must not contain one."""
    try:
        link = app.sessions.sign_in_url("admin")
    except Unauthenticated:  # The key `admin` was revoked.
        return f"Another administrator signs in with a key:\n\n    {address}/console\n"
    return f"This link signs your browser in to its console once, within an hour:\n\n    {link}\n"
