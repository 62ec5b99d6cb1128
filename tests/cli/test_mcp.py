"""The official MCP client, over standard input and output and over HTTP, against a running service."""

import asyncio
import json
import re
import subprocess

import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.processes import COMMAND, clean_environment, models, run, start, with_models  # noqa: F401 - a fixture.

pytestmark = pytest.mark.timeout(300)
PLAN = {
    "cause": "Nobody knows of it",
    "acts": [{"action": "notify.send", "arguments": {"channel": "#incidents", "text": "Look."}}],
}


@pytest.fixture(scope="module")
def service(tmp_path_factory, models):  # noqa: F811 - the fixture.
    folder = tmp_path_factory.mktemp("mcp")
    (folder / "pump.md").write_text("# Pump\n\nThe pump needs 3 litres of oil a year.\n")
    found = start(with_models(folder / "data", models))
    assert run(found.data_dir, "ingest", "manuals", str(folder / "pump.md")).code == 0
    yield found
    found.stop()


@pytest.fixture(scope="module")
def admin(service):
    key = (service.data_dir / "admin.key").read_text().strip()
    with httpx.Client(base_url=service.url, headers={"X-API-Key": key}, timeout=30) as client:
        yield client


def stdio(service, role="operator", agent="helper"):
    """Return what starts the server for an agent of the local user."""
    words = ["--data-dir", str(service.data_dir), "mcp", "--role", role, "--agent", agent]
    return StdioServerParameters(command=str(COMMAND), args=words, env=clean_environment())


def with_client(server, work):
    """Run the work with a connected client, and return its result."""

    async def connected():
        async with Client(server) as client:
            return await work(client)

    return asyncio.run(connected())


def call(server, name, **arguments):
    return with_client(server, lambda client: client.call_tool(name, arguments))


def json_of(result):
    assert not result.is_error, result.content[0].text
    return json.loads(result.content[0].text)


def refusal(result):
    assert result.is_error
    return result.content[0].text


def escalated(admin, title):
    """Declare an incident; return it when it was handed over to people."""
    declared = admin.post("/v1/incidents", json={"title": title}).json()
    url = f"/v1/incidents/{declared['id']}"
    with admin.stream("GET", f"{url}/stream") as lines:
        for line in lines.iter_lines():
            if line.startswith("data:") and '"state": "escalated"' in line:
                break
    return admin.get(url).json()


def journal(admin, incident_id):
    return admin.get(f"/v1/incidents/{incident_id}/timeline").json()["entries"]


def test_an_agent_searches_asks_and_reads_over_stdio(service):
    async def work(client):
        tools = (await client.list_tools()).tools
        asked = await client.call_tool(
            "ask", {"project": "manuals", "question": "How much oil does the pump need?"}
        )
        found = await client.call_tool("search", {"project": "manuals", "q": "oil of the pump"})
        read = await client.call_tool("read_signals", {"name": ["incidents.open"]})
        return tools, asked, found, read

    tools, asked, found, read = with_client(stdio(service, role="reader"), work)
    by_name = {tool.name: tool for tool in tools}
    assert by_name["show_incident"].annotations.read_only_hint
    assert not by_name["propose_plan"].annotations.read_only_hint
    assert "3 litres" in json_of(asked)["text"]
    assert json_of(found)["passages"][0]["document_name"] == "pump.md"
    assert [each["name"] for each in json_of(read)["signals"]] == ["incidents.open"]


def test_calls_are_in_the_journal_and_in_the_audit_chain(service, admin):
    incident = escalated(admin, "Search is slow")

    async def work(client):
        await client.call_tool("show_incident", {"incident": incident["id"]})
        await client.call_tool("note", {"incident": incident["id"], "text": "Looking."})
        await client.call_tool("list_alerts", {})

    with_client(stdio(service, agent="watcher"), work)
    mine = [each for each in journal(admin, incident["id"]) if each["actor"] == "agent:watcher"]
    assert [each["facts"].get("tool") for each in mine] == ["show_incident", "note", None]
    assert mine[1]["text"] == 'mcp 0.1.0 called note with {"text": "Looking."}.'
    assert mine[2]["text"] == "Looking."
    events = admin.get("/v1/audit").json()["events"]
    assert ("agent:watcher", "agents.called", "list_alerts") in [
        (each["actor"], each["action"], each["subject"]) for each in events
    ]


def test_an_agent_proposes_and_another_approves(service, admin):
    incident = escalated(admin, "Answers are wrong")
    server = stdio(service)
    plan = json_of(call(server, "propose_plan", incident=incident["id"], **PLAN))
    assert plan["proposed_by"] == "agent:helper"
    shown = admin.get(f"/v1/incidents/{incident['id']}").json()
    assert shown["state"] == "awaiting_approval"

    own = call(server, "approve_plan", incident=incident["id"], plan_hash=plan["hash"])
    assert refusal(own).startswith("incidents.own_proposal:")
    assert admin.get(f"/v1/incidents/{incident['id']}").json()["state"] == "awaiting_approval"
    approved = admin.post(
        f"/v1/incidents/{incident['id']}/approve", json={"plan_hash": plan["hash"]}
    )
    assert approved.json()["decision"] == "approved"


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        ({"action": "os.system", "arguments": {"command": "reboot"}}, "catalog.unknown_name"),
        ({"action": "knowledge.disk.usage", "arguments": {"all": True}}, "catalog.bad_arguments"),
        ({"action": "notify.send"}, "catalog.bad_arguments"),
        ({"action": "knowledge.disk.usage"}, "incidents.proposal_refused"),
    ],
    ids=["outside the catalog", "unknown parameter", "missing parameter", "changes nothing"],
)
def test_a_proposal_that_does_not_fit_the_catalog_is_refused(service, admin, act, problem):
    incident = escalated(admin, f"Refused: {act}")
    given = {"cause": "Anything", "acts": [act]}
    refused = call(stdio(service), "propose_plan", incident=incident["id"], **given)
    assert refusal(refused).startswith(f"{problem}:")
    after = admin.get(f"/v1/incidents/{incident['id']}").json()
    assert (after["state"], after["plan"]) == ("escalated", None)


def test_a_person_proposes_at_the_command_line(service, admin):
    incident = escalated(admin, "From the command line")
    act = "notify.send channel='#incidents' text='Look here.'"
    words = ("incidents", "propose", incident["id"], "--cause", "Nobody knows", "--act", act)
    done = run(service.data_dir, *words)
    assert done.code == 0, done.err
    assert "waits for the approval of another caller: 1 act on" in done.out
    own = run(service.data_dir, "incidents", "approve", incident["id"], "--yes", "--json")
    assert (own.code, own.json["error"]["code"]) == (5, "incidents.own_proposal")


def test_arguments_are_checked_before_anything_is_called(service, admin):
    async def work(client):
        return (
            await client.call_tool("acknowledge", {"incident": "x", "minutes": -1}),
            await client.call_tool("note", {"incident": "x", "text": "x", "as": "alice"}),
            await client.call_tool("reboot", {}),
            await client.call_tool("show_incident", {"incident": "../keys"}),
        )

    wrong, unknown, missing, elsewhere = with_client(stdio(service), work)
    assert "minutes" in refusal(wrong)
    assert "as: " in refusal(unknown)
    assert "There is no tool 'reboot'" in refusal(missing)
    assert refusal(elsewhere).startswith("incidents.unknown:")


def test_a_reader_may_look_and_not_act(service, admin):
    incident = escalated(admin, "Readers look")
    server = stdio(service, role="reader")
    refused = call(server, "acknowledge", incident=incident["id"])
    assert refusal(refused).startswith("auth.forbidden:")
    assert json_of(call(server, "show_incident", incident=incident["id"]))["id"] == incident["id"]


@pytest.mark.parametrize("words", [("--role", "admin"), ("--agent", "local user")])
def test_an_agent_of_the_local_user_is_no_administrator(service, words):
    done = run(service.data_dir, "mcp", *words)
    assert (done.code, done.out) == (2, "")
    assert "Invalid agent" in done.err


@pytest.fixture(scope="module")
def http_server(service):
    process = subprocess.Popen(
        [
            COMMAND,
            "--data-dir",
            service.data_dir,
            "--url",
            service.url,
            "mcp",
            "--http",
            "--port",
            "0",
        ],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    lines = iter(process.stderr)
    url = next(found[0] for line in lines if (found := re.search(r"http://127\S+/mcp", line)))
    yield url
    process.terminate()
    process.wait(30)
    process.stderr.close()


def over_http(url, key, work):
    async def connected():
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await work(client)

    return asyncio.run(connected())


def test_over_http_each_key_has_its_role_and_name(http_server, admin):
    key = admin.post("/v1/keys", json={"name": "robot", "role": "operator"}).json()["key"]
    incident = escalated(admin, "Over HTTP")

    async def work(client):
        proposed = await client.call_tool("propose_plan", {"incident": incident["id"], **PLAN})
        decision = {"incident": incident["id"], "plan_hash": json_of(proposed)["hash"]}
        return proposed, await client.call_tool("approve_plan", decision)

    proposed, own = over_http(http_server, key, work)
    assert json_of(proposed)["proposed_by"] == "robot"
    assert refusal(own).startswith("incidents.own_proposal:")
    tools = [each["facts"].get("tool") for each in journal(admin, incident["id"])]
    assert [tool for tool in tools if tool] == ["propose_plan", "approve_plan"]


def test_over_http_nothing_works_without_a_valid_key(http_server):
    assert httpx.post(http_server, json={}).status_code == 401
    result = over_http(http_server, "wrong", lambda client: client.call_tool("list_projects", {}))
    assert refusal(result).startswith("auth.unauthenticated:")
