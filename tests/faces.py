"""A whole app on a fresh data directory, not started, and clients of its faces; shared by the tests of api and console."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from tests.incidents.operator import make_operator
from trimtab.api.http import HttpMetrics
from trimtab.app import build
from trimtab.app.http_apps import make_http_apps
from trimtab.incidents.intake.service import AlertIntake
from trimtab.incidents.module import IncidentRecords
from trimtab.incidents.people import People
from trimtab.infra.settings import load
from trimtab.infra.telemetry import new_registry


@pytest.fixture
def settings_of(tmp_path):
    """Return settings on a fresh data directory with the given flags."""

    def make(**flags):
        given = {"service.data_dir": str(tmp_path / "data"), "service.rate_limit_per_minute": "0"}
        given |= {name.replace("__", "."): value for name, value in flags.items()}
        return load(flags=given, environment={})

    return make


@pytest.fixture
def app_of(settings_of):
    """Build apps that are closed at the end of the test."""
    built = []

    def make(**flags):
        app = build(settings_of(**flags))
        built.append(app)
        return app

    yield make
    for app in built:
        app.close()


@pytest.fixture
def app(app_of):
    return app_of()


def client_of(app, *, address="127.0.0.1", key="", host="localhost", http_apps=None):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    network = (http_apps or app.http_apps).network
    return TestClient(
        network,
        base_url=f"http://{host}",
        client=(address, 50000),
        headers=headers,
        follow_redirects=False,
    )


def key_of(app, role):
    return app.keys.create(f"test-{role}", role, actor="test")


@pytest.fixture
def anonymous(app):
    return client_of(app)


def first_key(app):
    """Return the key that the first start made: with a second one nobody reads without a key any more."""
    return app.directory.file("admin.key").read_text().strip()


@pytest.fixture
def admin(app):
    return client_of(app, key=first_key(app))


@pytest.fixture
def control(app):
    return TestClient(app.http_apps.control, base_url="http://localhost")


class Tank:
    """The faces of the app around an operator that looks after a tank, in fake time."""

    def __init__(self, app, folder):
        folder.mkdir()
        self.app = app
        self.operator = make_operator(folder)
        context, services = self.operator.context, app.http_apps.api.state.services
        env = replace(app.env, clock=self.operator.clock, registry=new_registry())
        services = services.replaced(
            env,
            context.catalog,
            replace(app.runbooks, library=context.library),
            IncidentRecords(context.store, context.proofs),
            self.operator.incidents,
            People(context, self.operator.incidents, services.by_type[AlertIntake]),
        )
        self.http_apps = make_http_apps(services, HttpMetrics(self.operator.clock))

    def client(self, role=None):
        key = key_of(self.app, role) if role else ""
        return client_of(self.app, key=key, http_apps=self.http_apps)

    def waiting(self):
        """Break the tank's pump; return the incident when it waits for an approval."""
        self.operator.world.put(pump=0, level=1)
        incident = self.operator.fire()
        get = self.operator.incidents.get
        self.operator.jobs.run(until=lambda: get(incident.id).state == "awaiting_approval")
        return get(incident.id)

    def resolved(self):
        """Break the tank's pump; return the incident when it was repaired with approval."""
        incident = self.waiting()
        self.operator.incidents.approve(incident.id, incident.episode.plan.hash, "alice")
        self.operator.jobs.while_waiting = lambda _topic: self.operator.world.put(level=9)
        self.operator.jobs.run()
        return self.operator.incidents.get(incident.id)


@pytest.fixture
def tank(app, tmp_path):
    return Tank(app, tmp_path / "tank")
