"""The pages of alerts, silences and people on call, and the form that declares an incident."""

from contextlib import closing

import pytest

from tests.faces import client_of, key_of
from trimtab.app import build
from trimtab.incidents import Incidents
from trimtab.incidents.intake import AlertIntake, Silences
from trimtab.incidents.oncall import OnCall
from trimtab.infra.auth import Role
from trimtab.infra.settings import load

SCHEDULES = """
schedules:
  primary:
    role: On-Call Engineer
    people: [alice, bob]
    time_zone: Europe/Berlin
    start: 2020-01-06 09:00
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Build one app for all tests: each looks at what it has added itself."""
    folder = tmp_path_factory.mktemp("people")
    file = folder / "oncall.yaml"
    file.write_text(SCHEDULES)
    flags = {
        "service.data_dir": str(folder / "data"),
        "service.rate_limit_per_minute": "0",
        "incidents.oncall_file": str(file),
    }
    with closing(build(load(flags=flags, environment={}))) as app:
        app.jobs.launch()  # Who declares an incident is told when its job cannot be woken.
        yield app


@pytest.fixture(scope="module")
def operator(app):
    return client_of(app, key=key_of(app, Role.OPERATOR))


@pytest.fixture(scope="module")
def reader(app):
    return client_of(app, key=key_of(app, Role.READER))


def service(app, kind):
    return app.http_apps.api.state.services.find(kind)


def known(app):
    """Return the ids of everything that the forms can add."""
    incidents = service(app, Incidents).list(active=True)
    added = [*incidents, *service(app, Silences).all(), *service(app, OnCall).overrides()]
    return {each.id for each in added}


def post(client, path, **fields):
    """Send a form; return the text of the page to which it leads."""
    reply = client.post(path, data=fields)
    assert reply.status_code == 303, reply.text
    return client.get(reply.headers["location"]).text


def test_an_empty_list_of_alerts_says_how_they_are_sent(app_of):
    app = app_of()
    text = client_of(app, key=key_of(app, Role.OPERATOR)).get("/console/alerts").text
    assert "trimtab keys create prometheus --role alerts" in text


def test_an_alert_from_outside_is_listed_with_its_incident(app, operator):
    intake = service(app, AlertIntake)
    before = known(app)
    intake.receive_posted([{"labels": {"alertname": "PierFull", "node": "n<7>"}}])
    intake.process()
    (incident,) = known(app) - before
    text = operator.get("/console/alerts").text
    assert ">PierFull</td>" in text
    assert "node=n&lt;7&gt;" in text
    assert f'href="/console/incidents/{incident}"' in text


def test_a_silence_is_added_shows_what_it_mutes_and_is_ended(app, operator):
    intake, before = service(app, AlertIntake), known(app)
    text = post(
        operator,
        "/console/alerts/silences",
        matchers='alertname=DiskFull\nnode=~"n.*"\n',
        hours="1.5",
        comment="A move",
        maintenance="true",
    )
    assert "Silenced until" in text
    (added,) = known(app) - before
    silence = service(app, Silences).get(added)
    said = (silence.created_by, silence.comment, silence.maintenance)
    assert said == ("test-operator", "A move", True)
    lasts = (silence.ends_at - silence.starts_at).total_seconds()
    assert lasts == pytest.approx(5400, abs=60)
    alert = {"labels": {"alertname": "DiskFull", "node": "n7"}}
    intake.receive_posted([alert])
    intake.process()
    assert "<td>muted</td>" in operator.get("/console/alerts").text
    # It ends while it is muted, so that it opens no incident in another test.
    intake.receive_webhook({"version": "4", "alerts": [{**alert, "status": "resolved"}]})
    intake.process()
    text = post(operator, f"/console/alerts/silences/{silence.id}/end")
    assert "The silence has ended." in text
    assert f"/silences/{silence.id}/end" not in text


@pytest.mark.parametrize(
    ("matchers", "why"),
    [
        ("not a matcher", "Invalid matcher"),
        ("  \n", "Expected 1"),
        ('a=~".*"', "match every alert"),
    ],
)
def test_a_silence_that_is_refused_says_why_and_mutes_nothing(app, operator, matchers, why):
    before = known(app)
    fields = {"matchers": matchers, "hours": "1", "comment": "x"}
    text = post(operator, "/console/alerts/silences", **fields)
    assert 'class="banner"' in text
    assert why in text
    assert known(app) == before


def test_the_page_of_people_on_call_shows_schedules_overrides_and_ladders(app, operator):
    page, on_call = operator.get("/console/oncall").text, service(app, OnCall)
    person = on_call.person_for("On-Call Engineer", app.clock.now())
    assert person in ("alice", "bob")
    assert page.count(f">{person}</td>") > 1  # By the schedule, and in the ladders.
    assert "Europe/Berlin" in page
    times = {"starts_at": "2020-01-01T00:00", "ends_at": "2999-01-01T00:00"}
    path = "/console/oncall/overrides"
    text = post(operator, path, schedule="primary", person="carol", **times)
    assert text.count(">carol") > 1
    (override,) = on_call.overrides()
    assert override.starts_at.isoformat() == "2020-01-01T00:00:00+00:00"
    assert ">carol" not in post(operator, f"{path}/{override.id}/end")


def test_an_override_that_is_refused_says_why(operator):
    times = {"starts_at": "2020-01-01T00:00", "ends_at": "2020-01-02T00:00"}
    path = "/console/oncall/overrides"
    text = post(operator, path, schedule="primary", person="carol", **times)
    assert "The override ends before it starts, or in the past." in text


def test_an_incident_is_declared_and_its_page_is_opened(app, operator):
    before = known(app)
    fields = {"title": "The pier is closed", "severity": "P1", "component": "pier"}
    text = post(operator, "/console/incidents", **fields)
    (added,) = known(app) - before
    incident = service(app, Incidents).get(added)
    assert (incident.title, incident.component) == ("The pier is closed", "pier")
    assert "The pier is closed" in text
    assert 'action="/console/incidents"' in operator.get("/console/incidents").text
    assert operator.post("/console/incidents", data={**fields, "title": "  "}).status_code == 400


def test_a_reader_sees_the_pages_and_no_form_works(app, reader):
    before = known(app)
    for page in ("/console/alerts", "/console/oncall", "/console/incidents"):
        shown = reader.get(page)
        assert shown.status_code == 200
        assert '<form class="stack"' not in shown.text
    times = {"starts_at": "2020-01-01T00:00", "ends_at": "2999-01-01T00:00"}
    for path, fields in {
        "/console/incidents": {"title": "x", "severity": "P1"},
        "/console/alerts/silences": {"matchers": "a=b", "hours": "1", "comment": "x"},
        "/console/alerts/silences/x/end": {},
        "/console/oncall/overrides": {"schedule": "primary", "person": "eve", **times},
        "/console/oncall/overrides/x/end": {},
    }.items():
        assert reader.post(path, data=fields).status_code in (401, 403), path
    assert known(app) == before
