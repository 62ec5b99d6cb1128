"""MCP server whose tools call the HTTP API of a running service."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

import httpx
from mcp.server.lowlevel import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from trimtab import __version__
from trimtab.cli.agents.tools import TOOLS, ToolArguments
from trimtab.cli.agents.tools import Tool as ApiTool

Connect = Callable[[Any], AbstractAsyncContextManager[httpx.AsyncClient]]
"""Opens the connection for the context of one request, with the caller's credentials."""

_INSTRUCTIONS = (
    "trimtab answers questions from documents and runs incidents. Read an incident and its timeline"
    " before you act. A plan holds actions of list_catalog only; who proposes it cannot approve it."
    " Every call is recorded in the incident's journal or in the audit chain."
)
_MAX_ARGUMENTS = 300
"""Characters of the arguments in the journal."""


def make_server(connect: Connect) -> Server[Any]:
    """Return the server with all tools."""

    async def list_tools(_context: Any, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_described(tool) for tool in TOOLS.values()])

    async def call_tool(context: Any, params: CallToolRequestParams) -> CallToolResult:
        async with connect(context) as http:
            return await _call(http, _agent(context), params)

    return Server(
        "trimtab",
        version=__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _described(tool: ApiTool) -> Tool:
    return Tool(
        name=tool.name,
        description=tool.help,
        input_schema=tool.arguments.model_json_schema(),
        annotations=ToolAnnotations(read_only_hint=tool.read_only, open_world_hint=False),
    )


async def _call(
    http: httpx.AsyncClient, agent: str, params: CallToolRequestParams
) -> CallToolResult:
    tool = TOOLS.get(params.name)
    if tool is None:
        return _problem(f"There is no tool {params.name[:60]!r}. Tools: {', '.join(TOOLS)}.")
    try:
        given = tool.arguments.model_validate(params.arguments or {})
    except ValidationError as error:
        return _problem(_wrong(error))
    try:
        recorded = await _record(http, agent, tool, given)
        answer = recorded if not recorded.is_success else await _send(http, tool, given)
    except httpx.TransportError as error:
        return _problem(f"The service does not answer: {error}. Start it with `trimtab serve`.")
    return _result(answer)


async def _record(
    http: httpx.AsyncClient, agent: str, tool: ApiTool, given: ToolArguments
) -> httpx.Response:
    """Record the call before it is carried out: what is not recorded is not done."""
    values = given.model_dump(exclude_none=True)
    incident = values.pop("incident", "")
    shown = json.dumps(values, ensure_ascii=False)[:_MAX_ARGUMENTS] if values else ""
    body = {"agent": agent, "tool": tool.name, "arguments": shown, "incident": incident}
    return await http.post("/v1/agent-calls", json=body)


async def _send(http: httpx.AsyncClient, tool: ApiTool, given: ToolArguments) -> httpx.Response:
    path, values = tool.call_of(given)
    if tool.method == "GET":
        return await http.get(path, params=values)
    return await http.post(path, json=values)


def _result(answer: httpx.Response) -> CallToolResult:
    if answer.is_success:
        return CallToolResult(content=[TextContent(text=answer.text)])
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return _problem(f"The service answered {answer.status_code}.")
    return _problem(f"{error['code']}: {error['message']} {error['hint']}".strip())


def _problem(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)


def _wrong(error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
    return f"api.invalid_request: {'; '.join(found[:5])}."


def _agent(context: Any) -> str:
    """Return the name of the client program, reduced to the characters that are recorded."""
    client = context.session.client_params
    info = client.client_info if client is not None else None
    name = f"{info.name} {info.version}" if info is not None else "an agent"
    kept = "".join(letter if letter.isalnum() or letter in " .:/@+-_" else "-" for letter in name)
    return kept.strip()[:100] or "an agent"


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client over standard input and output until it closes them."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def http_app(server: Server[Any], host: str) -> ASGIApp:
    """Return the app that serves clients with a key at ``/mcp``; a call has its caller's role."""
    app = server.streamable_http_app(host=host, stateless_http=True, json_response=True)
    return _RequireKey(app)


class _RequireKey:
    """Refuses requests without a key, because the service may let this machine read without one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not bearer(Headers(scope=scope)):
            refused = PlainTextResponse(
                "Send a key of trimtab: Authorization: Bearer KEY.\n",
                HTTPStatus.UNAUTHORIZED,
                {"WWW-Authenticate": 'Bearer realm="trimtab"'},
            )
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)


def bearer(headers: Headers) -> str:
    """Return the bearer key of a request; empty without one."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
