"""ASGI application for other servers: ``uvicorn --factory trimtab.app.asgi:create --workers 4``.

`trimtab serve` has limits of its own for slow clients and connections, and a control socket; other
servers bring theirs. Each worker is a process of its own with all modules of `service.roles`.
"""

from contextlib import ExitStack

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from trimtab.app.application import App, build
from trimtab.infra.interpreter import prepare_process
from trimtab.infra.settings import Settings, load
from trimtab.infra.storage.errors import DataDirectoryInUse
from trimtab.infra.telemetry import configure_logs
from trimtab.kernel.errors import TrimtabError


def create() -> ASGIApp:
    """Return the application; settings come from ``trimtab.toml`` and the environment."""
    settings = load()
    service = settings.service
    configure_logs(
        service.log_level,
        profile=service.log_profile,
        queries=settings.knowledge.log_queries,
        human=False,
    )
    return WorkerApp(settings)


class WorkerApp:
    """Builds a trimtab when the server starts a worker, and closes it when the worker ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the server's start and end, and pass requests on."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is None:
            raise RuntimeError("the server sent a request before it started the application")
        else:
            await self._app.http_apps.network(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        with ExitStack() as closing:
            try:
                self._app = await run_in_threadpool(self._start, closing)
            except TrimtabError as error:
                message = " ".join(filter(None, (error.message, _next_step(error))))
                await send({"type": "lifespan.startup.failed", "message": message})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await run_in_threadpool(closing.close)
        await send({"type": "lifespan.shutdown.complete"})

    def _start(self, closing: ExitStack) -> App:
        prepare_process()
        app = build(self._settings)
        closing.callback(app.close)
        app.start()
        return app


def _next_step(error: TrimtabError) -> str:
    if isinstance(error, DataDirectoryInUse):
        return (
            "Several workers share their state on PostgreSQL only: set `service.database_url`, or"
            " start one worker."
        )
    return error.hint()
