"""`mcp`: let agents use a running service over the Model Context Protocol."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.kernel.errors import InvalidInput

if TYPE_CHECKING:
    import httpx

app = typer.Typer()
_TIMEOUT_SECONDS = 120.0


class AgentRefused(InvalidInput):
    """The options do not say as whom the agent works."""

    code = "cli.agent_refused"


@app.command()
def mcp(
    context: typer.Context,
    http: Annotated[
        bool, typer.Option("--http", help="Serve clients over HTTP; each sends a key of its own.")
    ] = False,
    host: Annotated[str, typer.Option(help="The address for --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port for --http.")] = 8765,
    agent: Annotated[
        str, typer.Option(help="The agent's name in journals; with --url its key's name counts.")
    ] = "mcp",
    role: Annotated[
        str, typer.Option(help="reader, reviewer or operator; with --url its key's role counts.")
    ] = "reader",
    json: Json = False,
) -> None:
    """Let agents use the service as tools: over standard input and output, or over HTTP."""
    session = session_of(context)
    if http:
        _serve_http(session, host, port)
    else:
        _serve_stdio(session, agent, role)


def _serve_stdio(session: Session, agent: str, role: str) -> None:
    import anyio

    from trimtab.cli.agents.server import make_server, serve_stdio

    connection = _connection(session, agent, role)

    @asynccontextmanager
    async def connect(_context: Any) -> AsyncIterator["httpx.AsyncClient"]:
        yield connection

    async def serve() -> None:
        async with connection:
            await serve_stdio(make_server(connect))

    anyio.run(serve)


def _connection(session: Session, agent: str, role: str) -> "httpx.AsyncClient":
    """Return the connection of the only client: by its key, or as an agent of the local user."""
    import httpx

    from trimtab.cli.runtime.connect import NoService
    from trimtab.infra.control_socket import AGENT_HEADER, AGENT_ROLE_HEADER, control_path
    from trimtab.infra.web.access import AGENT_NAME, AGENT_ROLES

    if session.url:
        if not session.api_key:
            raise AgentRefused("--url needs a key.", hint="Set TRIMTAB_API_KEY to the agent's key.")
        headers = {"Authorization": f"Bearer {session.api_key}"}
        return httpx.AsyncClient(base_url=session.url, headers=headers, timeout=_TIMEOUT_SECONDS)
    if not AGENT_NAME.fullmatch(agent) or role not in AGENT_ROLES:
        raise AgentRefused(
            f"Invalid agent {agent!r} with the role {role!r}.",
            hint=f"Use letters, digits, dots and dashes, and one of: {', '.join(AGENT_ROLES)}.",
        )
    running = session.running_directory()
    if running is None:
        raise NoService("No trimtab service is running.")
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(control_path(running))),
        base_url="http://localhost",
        headers={AGENT_HEADER: agent, AGENT_ROLE_HEADER: role},
        timeout=_TIMEOUT_SECONDS,
    )


def _serve_http(session: Session, host: str, port: int) -> None:
    import httpx
    import uvicorn

    from trimtab.cli.agents.server import bearer, http_app, make_server

    url = session.url or f"http://127.0.0.1:{session.settings.service.port}"

    @asynccontextmanager
    async def connect(context: Any) -> AsyncIterator["httpx.AsyncClient"]:
        headers = {"Authorization": f"Bearer {bearer(context.request.headers)}"}
        async with httpx.AsyncClient(
            base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS
        ) as connection:
            yield connection

    app_ = http_app(make_server(connect), host)
    config = uvicorn.Config(app_, host=host, port=port, log_level="warning")
    # Listens before it is announced, so that clients may connect at once; port 0 takes a free one.
    listener = config.bind_socket()
    listener.listen(config.backlog)
    address = f"http://{host}:{listener.getsockname()[1]}/mcp"
    typer.echo(f"trimtab mcp serves agents at {address} for {url}", err=True)
    uvicorn.Server(config).run(sockets=[listener])
