"""An app with something to show on every page of the console; its names are long and have no spaces."""

from contextlib import closing, contextmanager
from datetime import timedelta

from tests.faces import client_of, first_key
from tests.models.factory import register
from tests.models.monitoring.data import observations, reference, transactions
from tests.processes import with_models
from trimtab.app import build
from trimtab.incidents.intake import AlertIntake, Matcher, SilenceRequest, Silences
from trimtab.incidents.model import IncidentSeverity
from trimtab.incidents.oncall import OnCall
from trimtab.incidents.people import Declaration, People
from trimtab.infra.settings import load
from trimtab.models.canary.service import CanaryPlan
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.review import ReviewCandidate

QUESTION = "Where does the harbour pilot board ships?"
LONG = "x" * 300
PROJECT = "harbour" + "-" * 60 + "x"
MODEL = "churn" + "-" * 58 + "x"
DOCUMENT = "a-file-with-a-very-long-name-and-without-any-space-" * 4 + ".txt"
_PILOT = "The harbour pilot boards ships at the outer buoy before sunrise."

ON_CALL = f"""
schedules:
  night-{LONG[:60]}:
    role: On-Call Engineer
    people: [ada-{LONG[:60]}, robin]
    start: 2026-01-01T08:00
"""

PAGES = {
    "/console": "",
    "/console/ask": "?project={project}",
    "/console/documents": "",
    "/console/documents/{project}": "",
    "/console/documents/{project}/contradictions": "",
    "/console/documents/{project}/{document_id}": "",
    "/console/traces": "",
    "/console/traces/{trace_id}": "",
    "/console/review": "",
    "/console/incidents": "",
    "/console/incidents/{incident_id}": "",
    "/console/incidents/{incident_id}/postmortem": "",
    "/console/alerts": "",
    "/console/oncall": "",
    "/console/calendar": "",
    "/console/notifications": "",
    "/console/processes": "",
    "/console/status": "",
    "/console/runbooks": "",
    "/console/runbooks/{page_id}": "",
    "/console/gates": "",
    "/console/model": "",
    "/console/models": "",
    "/console/models/{name}": "?version=1",
    "/console/model-monitoring": "",
    "/console/model-monitoring/{name}": "",
    "/console/api": "",
    "/console/login": "",
}
"""Routes of pages, and the query that each is opened with."""


@contextmanager
def stocked_app(folder, models):
    """Yield an app with one of everything in it, and the addresses of all its pages."""
    data_dir = with_models(folder / "data", models)
    schedules = folder / "oncall.yaml"
    schedules.write_text(ON_CALL)
    flags = {
        "service.data_dir": str(data_dir),
        "service.rate_limit_per_minute": "0",
        "incidents.oncall_file": str(schedules),
    }
    with closing(build(load(flags=flags, environment={}))) as app:
        app.start(handbook=False)
        yield app, _stock(app, folder)


def _stock(app, folder):
    document = _ingest(app)
    trace = _ask(app)
    _add_models(app, folder)
    incident = _add_incidents(app)
    _add_alerts(app)
    _queue_for_review(app, trace)
    names = {
        "project": PROJECT,
        "document_id": document,
        "trace_id": trace,
        "incident_id": incident,
        "page_id": "knowledge-cache-miss",
        "name": MODEL,
    }
    return [f"{path}{query}".format(**names) for path, query in PAGES.items()]


def _ingest(app):
    for name, hours in (("old.md", "nine"), ("new.md", "ten")):
        app.knowledge.ingest_text(PROJECT, name, f"The yard opens at {hours} hours on Monday.")
    return app.knowledge.ingest_text(PROJECT, DOCUMENT, f"{_PILOT}\n\n{LONG}\n").document_id


def _ask(app):
    form = {"project": PROJECT, "question": f"{QUESTION} {LONG}"}
    admin = client_of(app, key=first_key(app))
    assert admin.post("/console/ask", data=form).status_code == 200
    return app.answers.traces.recent(1)[0].id


def _add_models(app, folder):
    card = f"# About\n\n{LONG}"
    for shift in (0.0, 0.4):
        register(app.models, folder, shift, MODEL, metrics={"f1": 0.8765}, card=card)
    app.models.registry.promote(MODEL, 1, "anna", "first")
    app.models.registry.promote(MODEL, 2, "otto", LONG)
    app.models.serving.ready(MODEL)
    app.models.canaries.begin(MODEL, CanaryPlan(1), "anna")
    monitor = app.http_apps.api.state.services.find(ModelMonitor)
    monitor.set_reference(MODEL, reference(), "rows", "ada")
    columns = transactions(1000, seed=3)
    monitor.add_observations(MODEL, observations(columns | {"V14": columns["V14"] * 100}))
    monitor.run_once()


def _add_incidents(app):
    people = app.http_apps.api.state.services.find(People)
    over, active = (
        people.declare(Declaration(f"Pump {LONG[:150]}", IncidentSeverity.P2, "pump"), "ada").id
        for _ in range(2)
    )
    people.resolve(over, "ada", "A seal", f"Replaced {LONG}")
    people.acknowledge(active, "ada")
    people.assign(active, f"robin-{LONG[:100]}", "ada")
    people.take_over(active, "ada")
    people.note(active, f"Seen {LONG}", "ada")
    people.add_follow_up(active, f"Order {LONG[:200]}", "ada")
    return active


def _add_alerts(app):
    services, now = app.http_apps.api.state.services, app.clock.now()
    labels = {"alertname": f"Disk{LONG[:100]}", "instance": LONG[:200]}
    services.find(AlertIntake).receive_posted([{"labels": labels}])
    until = now + timedelta(hours=1)
    matchers = (Matcher("instance", LONG),)
    request = SilenceRequest(matchers, now, until, "ada", f"Moved {LONG}", maintenance=True)
    services.find(Silences).put(request, "ada")
    on_call = services.find(OnCall)
    name = on_call.schedules[0].name
    on_call.override(name, f"otto-{LONG[:100]}", (now, until), "ada")


def _queue_for_review(app, trace):
    at = app.clock.now().isoformat()
    app.reviews.enqueue([ReviewCandidate("answer", trace, "low_confidence", at, PROJECT)])
    assert app.reviews.next("admin", "", lambda _: True) is not None
