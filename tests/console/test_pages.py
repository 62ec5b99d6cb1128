"""Every page, without a browser."""

import re

import pytest
from fastapi.routing import APIRoute

from tests.answers.openai_server import openai_server
from tests.api.test_access import all_routes, roles_of
from tests.console.html import FoundTags
from tests.faces import client_of, key_of
from trimtab.gates.monitor import GateMonitor
from trimtab.infra.auth import Role
from trimtab.kernel.errors import Unauthenticated


def test_every_page_states_exactly_one_role(app):
    routes = all_routes(app.http_apps.console)
    assert [r.path for r in routes if len(roles_of(r.dependant)) != 1] == []
    public = {r.path for r in routes if roles_of(r.dependant)[0].role is None}
    assert public == {"/console/login", "/console/logout"}


def test_deciding_is_for_operators(app):
    def role_of(name):
        routes: list[APIRoute] = all_routes(app.http_apps.console)
        return next(roles_of(r.dependant)[0].role for r in routes if r.path.endswith(name))

    assert role_of("/approve") is Role.OPERATOR
    assert role_of("/reject") is Role.OPERATOR


def test_a_model_is_connected_on_its_page_by_an_admin(app, admin, anonymous):
    assert anonymous.get("/console/model").status_code != 200
    with openai_server(key="sk-secret") as server:
        form = {"provider": "other", "url": server.url, "model": "tiny", "key": "sk-wrong"}
        refused = admin.post("/console/model", data=form)
        assert "refuses the API key" in refused.text
        connected = admin.post("/console/model", data=form | {"key": "sk-secret"})
    found = FoundTags(connected.text)
    assert "Connected: tiny" in connected.text
    assert (found.inline, found.foreign) == ([], [])
    assert "sk-secret" not in connected.text + admin.get("/console/model").text
    assert "Connected" not in admin.post("/console/model/disconnect").text


def test_an_unknown_page_is_a_page(anonymous):
    answer = anonymous.get("/console/nowhere")
    assert answer.status_code == 404
    assert "<h1>There is no such page.</h1>" in answer.text


@pytest.fixture
def shown_name():
    """Return the name in the corner of a page."""
    return lambda answer: re.search(r'<div class="who">\s*<div><b>(.*?)</b>', answer.text)[1]


@pytest.mark.parametrize("path", ["/console/nowhere", "/console/documents/none", "/console/login"])
def test_every_page_knows_who_is_signed_in(session, shown_name, path):
    assert shown_name(session.get(path)) == "ci"


def test_a_refusal_knows_who_is_signed_in(session, shown_name):
    refused = session.post("/console/documents/ship/delete", data={"confirm": "ship"})
    assert (refused.status_code, shown_name(refused)) == (403, "ci")


def test_a_page_without_a_role_names_no_one_to_somebody_from_elsewhere(app, shown_name):
    stranger = client_of(app, address="192.0.2.7")
    answer = stranger.get("/console/nowhere")
    assert (answer.status_code, shown_name(answer)) == (404, "Not signed in")
    assert 'href="/console/login"' in answer.text


def test_a_page_that_is_refused_after_the_session_ended_names_nobody(app, session, shown_name):
    app.keys.revoke("ci", actor="test")
    assert shown_name(session.get("/console/nowhere")) == "Not signed in"


def test_the_menu_leads_to_every_page_that_the_caller_may_open(app, session):
    reader = client_of(app, key=key_of(app, Role.READER))
    pages = ("ask", "documents", "incidents", "runbooks", "gates")
    for client in (session, reader):
        tags = FoundTags(client.get("/console").text).tags
        links = {given.get("href") for tag, given in tags if tag == "a" and "data-key" in given}
        assert {f"/console/{name}" for name in pages} <= links
        assert ("/console/traces" in links) is (client is session)


def test_somebody_from_elsewhere_is_led_to_the_sign_in(app):
    answer = client_of(app, address="192.0.2.7").get("/console")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")


# --- Signing in ---


def test_a_link_signs_in_once_with_a_cookie_that_no_script_can_read(app, anonymous):
    token = {"token": app.sessions.new_link("admin")}
    first = anonymous.post("/console/login", data=token)
    second = client_of(app).post("/console/login", data=token)
    cookie = first.headers["set-cookie"]
    assert (first.status_code, second.status_code) == (303, 401)
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert "used before" in second.text
    assert "admin" in anonymous.get("/console").text


def test_a_link_ends_after_an_hour(tank):
    sessions = tank.app.sessions
    token = sessions.new_link("admin")
    sessions._clock = tank.operator.clock
    tank.operator.clock.advance(10 * 365 * 86_400)
    assert tank.client().post("/console/login", data={"token": token}).status_code == 401


@pytest.fixture
def session(app):
    """Sign in with a key named ``ci``; return the browser."""
    browser = client_of(app)
    key = app.keys.create("ci", Role.OPERATOR, actor="test")
    assert browser.post("/console/login", data={"key": key}).status_code == 303
    assert browser.get("/v1/me").json()["name"] == "ci"
    return browser


@pytest.mark.parametrize("ending", ["rotate", "revoke"])
def test_a_session_ends_with_its_key(app, session, ending):
    getattr(app.keys, ending)("ci", actor="test")
    assert session.get("/v1/me").status_code == 401


def test_signing_out_ends_every_copy_of_the_session(app, session):
    copy = client_of(app)
    copy.cookies = dict(session.cookies)
    assert copy.get("/v1/me").status_code == 200
    assert session.post("/console/logout").status_code == 303
    assert copy.get("/v1/me").status_code == 401


def test_signing_out_leaves_other_sessions_of_the_key(app, session):
    key = app.keys.rotate("ci", actor="test")
    browsers = client_of(app), client_of(app)
    for browser in browsers:
        browser.post("/console/login", data={"key": key})
    browsers[0].post("/console/logout")
    assert browsers[1].get("/v1/me").status_code == 200


def test_an_ended_session_stays_ended_after_a_restart(app_of):
    first = app_of()
    cookie = first.sessions.cookie(first.keys.find_principal("admin"))
    first.sessions.end(cookie)
    first.close()
    second = app_of()
    with pytest.raises(Unauthenticated):
        second.sessions.principal(cookie)


def test_a_link_ends_with_the_key_that_made_it(app):
    token = app.sessions.new_link("admin")
    app.keys.rotate("admin", actor="test")
    answer = client_of(app).post("/console/login", data={"token": token})
    assert answer.status_code == 401


def test_looking_at_a_link_does_not_use_it_up(app):
    token = app.sessions.new_link("admin")
    browser = client_of(app)
    assert browser.get("/console/login", params={"token": token}).status_code == 200
    assert browser.post("/console/login", data={"token": token}).status_code == 303


@pytest.mark.parametrize(("secure", "says"), [("true", True), ("false", False)])
def test_a_cookie_is_for_https_alone_where_that_is_set(app_of, secure, says):
    app = app_of(api__secure_cookie=secure)
    token = {"token": app.sessions.new_link("admin")}
    answer = client_of(app).post("/console/login", data=token)
    assert ("Secure" in answer.headers["set-cookie"]) is says


@pytest.mark.parametrize(("seconds", "header"), [("0", None), ("3600", "max-age=3600")])
def test_browsers_insist_on_https_where_that_is_set(app_of, seconds, header):
    app = app_of(api__hsts_seconds=seconds)
    assert client_of(app).get("/health").headers.get("strict-transport-security") == header


def test_a_key_signs_in_and_a_wrong_one_does_not(app, anonymous):
    key = key_of(app, Role.OPERATOR)
    assert anonymous.post("/console/login", data={"key": "tt_wrong"}).status_code == 401
    assert anonymous.post("/console/login", data={"key": key}).status_code == 303
    assert "test-operator" in anonymous.get("/console").text


def test_a_session_ends_when_its_key_is_revoked(app, anonymous):
    key = key_of(app, Role.OPERATOR)
    anonymous.post("/console/login", data={"key": key})
    app.keys.revoke("test-operator", actor="test")
    assert anonymous.get("/console").headers["location"] == "/console/login"


@pytest.mark.parametrize(
    "change", ["{}x", "x{}", "a.b", ".", "\N{LATIN SMALL LETTER E WITH ACUTE}.x"]
)
def test_a_changed_cookie_is_refused(app, change):
    good = app.sessions.cookie(app.keys.find_principal("admin"))
    client = client_of(app)
    header = f"trimtab_session={change.format(good)}".encode()
    assert (
        client.get("/console", headers={"Cookie": header}).headers["location"] == "/console/login"
    )


def test_another_sites_form_cannot_use_the_cookie(tank):
    incident = tank.waiting()
    client = tank.client()
    key = key_of(tank.app, Role.OPERATOR)
    client.post("/console/login", data={"key": key})
    answer = client.post(
        f"/console/incidents/{incident.id}/approve",
        data={"plan_hash": incident.episode.plan.hash},
        headers={"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    assert tank.operator.incidents.approval(incident.id).decision == ""


# --- Ask ---


@pytest.fixture
def ship(app):
    text = "The rudder turns the ship.\nThe <b>trimtab</b> turns the rudder with little force."
    app.knowledge.ingest_text("ship", "<i>rudder</i>.txt", text)


@pytest.mark.usefixtures("ship")
def test_an_answer_links_to_its_citations_and_shows_documents_as_text(anonymous):
    form = {"project": "ship", "question": "What turns the rudder with little force?"}
    text = anonymous.post("/console/ask", data=form).text
    assert '<a class="mark" href="#citation-1">1</a>' in text
    assert "<b>trimtab</b>" not in text
    assert "<i>rudder" not in text
    assert "&lt;b&gt;trimtab&lt;/b&gt;" in text


@pytest.mark.usefixtures("ship")
def test_a_citation_opens_the_source_at_the_quote(app, anonymous):
    document = app.knowledge.documents.list("ship")[0]
    where = {"project": "ship", "document": document.id, "start": 4, "end": 10}
    text = anonymous.get("/console/ask/source", params=where).text
    assert "The <mark>rudder</mark> turns the ship." in text


@pytest.mark.usefixtures("ship")
def test_offsets_beyond_the_text_do_no_harm(app, anonymous):
    document = app.knowledge.documents.list("ship")[0]
    where = {"project": "ship", "document": document.id, "start": 10**9, "end": 10**10}
    assert anonymous.get("/console/ask/source", params=where).status_code == 200


def test_a_refused_question_is_told_beside_the_form(anonymous):
    form = {"project": "ship", "question": "   "}
    answer = anonymous.post("/console/ask", data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "Query cannot be empty" in answer.text
    assert "<html" not in answer.text


# --- Incidents ---


def test_a_waiting_plan_is_shown_with_its_decision_to_operators_only(tank):
    incident = tank.waiting()
    path = f"/console/incidents/{incident.id}"
    reader, operator = tank.client().get(path).text, tank.client(Role.OPERATOR).get(path).text
    assert "This plan needs your decision" in reader
    assert 'id="approve"' not in reader
    assert 'id="approve"' in operator
    assert "trimtab act tank.swap_pump" in operator
    assert "the pump is broken" in operator


def test_approving_shows_the_decision(tank):
    incident = tank.waiting()
    text = (
        tank.client(Role.OPERATOR)
        .post(
            f"/console/incidents/{incident.id}/approve",
            data={"plan_hash": incident.episode.plan.hash},
        )
        .text
    )
    assert "approved by test-operator" in text
    assert 'id="approve"' not in text


def test_a_plan_that_has_changed_is_not_approved(tank):
    incident = tank.waiting()
    answer = tank.client(Role.OPERATOR).post(
        f"/console/incidents/{incident.id}/approve",
        data={"plan_hash": "another"},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 409
    assert "Read the plan again" in answer.text


def test_the_live_timeline_sends_lines_and_ends(tank):
    incident = tank.resolved()
    stream = tank.client().get(f"/console/incidents/{incident.id}/stream").text
    assert stream.count("event: entry") == len(tank.operator.texts(incident.id))
    assert "event: change" in stream
    assert stream.rstrip().endswith("data: resolved")


def test_a_resolved_incident_leads_to_its_postmortem(tank):
    incident = tank.resolved()
    path = f"/console/incidents/{incident.id}"
    client = tank.client()
    assert f'href="{path}/postmortem"' in client.get(path).text
    assert f"<h1>Post-Mortem: {incident.id}</h1>" in client.get(f"{path}/postmortem").text


def test_an_incident_without_a_cause_says_why(tank):
    tank.operator.world.put(level=1)
    incident = tank.operator.fire()
    get = tank.operator.incidents.get
    tank.operator.jobs.run(until=lambda: get(incident.id).state == "escalated")
    text = tank.client().get(f"/console/incidents/{incident.id}").text
    assert "Handed over to people" in text
    assert "No cause named" in text


def test_the_overview_leads_to_the_plan_that_waits(tank):
    incident = tank.waiting()
    text = tank.client().get("/console").text
    assert "A plan waits for you" in text
    assert f"/console/incidents/{incident.id}" in text


def test_the_overview_names_what_is_down(anonymous):
    text = anonymous.get("/console/overview/live").text
    assert "Degraded: embedding model" in text


# --- Runbooks ---


def test_a_runbook_says_which_causes_are_proven(tank):
    tank.operator.prove("tank-empty/the-tap-is-open")
    text = tank.client().get("/console/runbooks").text
    assert '<li class="proven">the tap is open' in text
    assert '<li class="unproven">the pump is broken' in text


def test_a_runbooks_blocks_say_what_they_are_for(tank):
    text = tank.client().get("/console/runbooks/tank-empty").text
    for role in ("evidence", "fix", "verify", "drill"):
        assert f"<figcaption>{role}</figcaption>" in text
    assert "alerts: [TankLow]" not in text


def _gates_page(app, anonymous):
    verdict = app.gates.refresh()
    text = anonymous.get("/console/gates").text
    assert f"Gates: {verdict.outcome}" in text
    assert re.search(r"judged \d{4}-\d\d-\d\d \d\d:\d\d UTC, [\d.]+ (s|min)\b.* ago", text)
    assert "sample project" in text
    assert all(f"<td>{result.gate}</td>" in text for result in verdict.results)
    return verdict, text


def test_the_gates_page_shows_the_last_verdict_and_every_finding(app, anonymous, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(GateMonitor, "verdict", None)
        assert "No project has been judged" in anonymous.get("/console/gates").text
    verdict, text = _gates_page(app, anonymous)
    assert verdict.findings == ()
    assert "Findings</h2>" not in text
    (app.gates.project.root / "benchmark_report.json").write_text("{}", encoding="utf-8")
    verdict, text = _gates_page(app, anonymous)
    assert verdict.outcome == "block"
    assert all(found.team in text for found in verdict.findings)
    assert text.count("<tr><td>") == len(verdict.results) + len(verdict.findings)


def test_commands_in_errors_and_summaries_are_code(anonymous, tank):
    text = anonymous.get("/console/documents/nowhere").text
    assert "<code>trimtab projects list</code>" in text
    fragment = anonymous.get("/console/documents/nowhere", headers={"HX-Request": "true"}).text
    assert "<code>trimtab projects list</code>" in fragment
    assert "`" not in re.sub(r"<script.*?</script>", "", anonymous.get("/console/runbooks").text)


def test_the_ask_page_offers_questions_that_the_handbook_answers(app, anonymous):
    assert 'id="examples"' not in anonymous.get("/console/ask").text
    app.knowledge.ingest_text("handbook", "note.md", "# Note\n\nThe manual.")
    page = anonymous.get("/console/ask").text
    links = re.findall(r'href="(/console/ask\?project=handbook&amp;question=[^"]+)"', page)
    assert len(links) == 3
    filled = anonymous.get(links[0].replace("&amp;", "&")).text
    assert "What happens to queries when the embedding model is down?</textarea>" in filled
    assert 'id="examples"' not in filled
    assert "the manual and the runbooks of this release" in anonymous.get("/console/documents").text


def test_the_overview_says_facts_in_words(app, anonymous):
    text = anonymous.get("/console").text
    assert re.search(r"free [\d.]+ (GB|MB) · used \d+ %", text)
    for raw in ("free_bytes", "used_ratio", "{}", "True"):
        assert raw not in text


def test_the_root_leads_a_browser_to_the_console(anonymous):
    answer = anonymous.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert anonymous.get("/nothing").json()["error"]["kind"] == "not_found"
