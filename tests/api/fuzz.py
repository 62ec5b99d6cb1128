"""Calls every route of the OpenAPI document with generated requests and judges each answer by the document.

Three kinds of requests, in turn: valid ones and invalid ones that schemathesis derives from the document, and hostile
ones (`tests.api.hostile`): other keys, headers, bodies and paths than any document describes. Ids that answers give
away are used in later requests, so that what one route makes another one reads, changes and deletes.
"""

import json
import logging
import random
import re
import time
import warnings
from collections import Counter
from dataclasses import replace

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from tests.api.hostile import Maker, Pool, is_segment, request, spoil
from tests.api.judge import Judge
from tests.api.wire import Sent, Wire
from trimtab.answers import Question
from trimtab.answers.model_endpoint import ModelReport
from trimtab.api.http import HttpMetrics
from trimtab.app.http_apps import make_http_apps
from trimtab.infra.auth import Role
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.kernel.ids import new_id

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
_METHODS = ("PUT", "PATCH", "TRACE", "BREW", "OPTIONS", "HEAD", "DELETE", "POST")


def settle(app):
    """Let what follows something for a long time end at once: no request of the fuzz is to wait."""
    app.views.ending.set()
    app.sessions.listen_at("http://localhost")
    # Whatever address is generated, nothing is to leave the machine.
    app.answers.model.test = lambda endpoint: ModelReport(
        endpoint.url, endpoint.model, "none", "up", works=True
    )


class Fuzz:
    """One fuzz of an app.

    Args:
        app: A started app, with something in the project ``p``.
        number: The seed; the same one makes the same requests.
    """

    def __init__(self, app, number=1, http_apps=None, incident=lambda: None):
        settle(app)
        self._app = app
        self._http_apps = http_apps or app.http_apps
        self._incident = incident
        self._described = self._http_apps.api.openapi()
        self._maintenance = app.http_apps.api.state.services.find(MaintenanceMode)
        self._chance = random.Random(number)
        self._number = number
        self._keys = {role: _key(app, str(role), role) for role in Role}
        self._keys["tenant"] = _key(app, "tenant", Role.ADMIN, projects=("q",))
        self._pool = Pool(
            project=["p", "q", "nowhere"],
            page_id=[*app.library.runbooks, *app.library.procedures][:20],
            period=["daily", "weekly"],
            user_id=["anna"],
            expression=["up > 0", "knowledge_documents > 0"],
            question=["What turns the rudder?"],
            query=["rudder"],
            q=["rudder"],
        )
        self.judge = Judge(self._described)
        self.seconds = Counter()
        self.sent = 0

    @property
    def routes(self):
        """Return every route as method, path and its description."""
        return _routes(self._described)

    def run(self, cases, only=lambda _path: True):
        """Send about so many requests to each route that ``only`` lets pass."""
        few = _rarely(self._app)
        with warnings.catch_warnings(), Wire(self._http_apps.network) as wire, Wire(few) as limited:
            warnings.simplefilter("ignore")
            for method, path, operation in self.routes:
                if only(path):
                    started = time.process_time()
                    self._stock()
                    self._refused(wire, limited, method, path, operation)
                    self._route(wire, method, path, operation, cases)
                    self.seconds[f"{method} {path}"] += time.process_time() - started

    def pages(self, cases):
        """Send so many hostile requests to each page of the console."""
        described = self._http_apps.console.openapi()
        with Wire(self._http_apps.network) as wire:
            self._stock()
            self._beside(wire, described, cases)

    def faults(self, cases):
        """Send so many to each route of the control socket that injects faults, none of which there is."""
        with Wire(self._http_apps.faults) as wire:
            self._beside(wire, self._http_apps.faults.openapi(), cases)

    def _beside(self, wire, described, cases):
        maker = Maker(described, self._chance, self._pool)
        for method, path, operation in _routes(described):
            for _ in range(cases):
                sent, _ours = request(method, path, operation, maker, self._chance)
                if self._chance.random() < 0.4:
                    spoil(sent, self._chance)
                self._identify(sent)
                self.sent += 1
                self.judge.of_page(method, path, wire.call(sent), sent)
                self._end_maintenance()

    def _stock(self):
        """Have something of everything, whatever the routes before have deleted."""
        knowledge, known = self._app.knowledge, self._pool.known
        for project in ("p", "q"):
            knowledge.ingest_text(project, "ship.txt", "The trimtab turns the rudder of the ship.")
        asked = Question("p", "What turns the rudder?", user_id="anna")
        waiting = [one.trace_id for one in self._app.answers.reviews.waiting(3)]
        known["trace_id"] = [self._app.answers.answer(asked).trace_id, *waiting]
        known["document_id"] = ["ship.txt", knowledge.documents.list("p")[0].id]
        known["backup"] = [one.path.name for one in knowledge.maintenance.backups.list()]
        spare = new_id("spare", self._app.clock.now())
        self._app.keys.create(spare, Role.READER, actor="fuzz")
        if "nowhere" in {project.name for project in knowledge.projects.list()}:
            knowledge.projects.delete("nowhere")
        actions = list(self._app.catalog.actions)
        known["name"] = [*actions, *([spare] * len(actions))]
        known["text"] = [page.text for page in list(self._app.library.runbooks.values())[:3]]
        if (incident := self._incident()) is not None:
            known["incident_id"], known["plan_hash"] = [incident.id], [incident.episode.plan.hash]

    def _refused(self, wire, limited, method, path, operation):
        """Send what the edge refuses, by any route."""
        filled = re.sub(r"{(\w+)}", "x", path)
        key = (b"x-api-key", self._keys[Role.ADMIN].encode())
        spoilt = (
            [(b"host", b"evil.example")],
            [(b"x-api-key", b"wrong")],
            [(b"content-length", b"1" + b"0" * 15), key],
        )
        for headers in spoilt:
            sent = Sent(method, filled, b"", headers)
            if sent.has(b"content-length") and "requestBody" not in operation:
                continue
            self._send(wire, method, path, sent, ours=True)
        for _ in range(2):
            sent = Sent(method, filled, b"", [key], address=f"192.0.2.{self.sent}")
            sent.address = f"host-{method}-{path}"
            self._send(limited, method, path, sent, ours=True)

    def _route(self, wire, method, path, operation, cases):
        for mode in GenerationMode:
            self._generated(wire, method, path, mode, max(1, cases // 3))
        maker = Maker(self._described, self._chance, self._pool)
        for _ in range(cases - 2 * max(1, cases // 3)):
            sent, ours = request(method, path, operation, maker, self._chance)
            kind = self._chance.random()
            if kind < 0.4:
                spoil(sent, self._chance)
            if kind > 0.9:
                ours = self._astray(sent) and ours
            self._identify(sent)
            self._send(wire, method, path, sent, ours=ours)

    def _generated(self, wire, method, path, mode, cases):
        schema = schemathesis.openapi.from_dict(self._described)
        operation = schema[path][method]

        @seed(self._number)
        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def call(case):
            sent = _sent(case)
            ours = all(is_segment(str(value)) for value in (case.path_parameters or {}).values())
            self._identify(sent)
            self._send(wire, method, path, sent, ours=ours)

        try:
            call()
        except Exception as error:
            if "Unsatisfiable" not in type(error).__name__:
                raise

    def _astray(self, sent):
        """Send it to no route, or with no method that there is; return False."""
        if self._chance.random() < 0.5:
            sent.method = self._chance.choice(_METHODS)
        else:
            more = ("/", "//", "/%00", "/..%2f..%2fetc", "/%ff%fe", "/x" * 500, "%0d%0aX: 1")
            sent.path += self._chance.choice(more)
        return False

    def _identify(self, sent):
        """Add a key, mostly one that may do everything, unless the request has something in its place."""
        if sent.has(b"x-api-key", b"authorization", b"cookie"):
            return
        kind = self._chance.random()
        key = self._keys[Role.ADMIN].encode()
        if kind > 0.9:
            key = self._keys[self._chance.choice(list(self._keys))].encode()
        if kind < 0.97:
            styles = ((b"authorization", b"Bearer " + key), (b"x-api-key", key))
            sent.headers.append(self._chance.choice(styles))
        elif self._chance.random() < 0.5:
            sent.address = "192.0.2.1"

    def _end_maintenance(self):
        """Accept everything again: a request may have switched maintenance on, and the next ones are to do something."""
        if self._maintenance.on:
            self._maintenance.stop("fuzz")

    def _send(self, wire, method, path, sent, *, ours):
        answer = wire.call(sent)
        self._end_maintenance()
        self.sent += 1
        if ours and sent.method == method:
            self.judge.of_route(method, path, answer, sent)
        elif answer.status >= 300:
            self.judge.of_stray(answer, sent)
        if answer.status < 300 and answer.media == "application/json" and answer.content:
            body = json.loads(answer.content)
            if isinstance(body, dict):
                self._pool.learn(body)


def _sent(case):
    """Return the request that schemathesis has made."""
    parts = case.as_transport_kwargs(base_url="http://localhost")
    parts.pop("cookies", None)
    built = requests.Request(**parts).prepare()
    path, _, query = built.path_url.partition("?")
    headers = [(_bytes(name).lower(), _bytes(value)) for name, value in built.headers.items()]
    content = built.body or b""
    return Sent(built.method, path, query.encode(), headers, _bytes(content))


def _bytes(value):
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def fuzz(app, cases, number=1, only=lambda _path: True):
    """Return the fuzz of an app after so many requests to each route."""
    done = Fuzz(app, number)
    done.run(cases, only)
    return done


def _routes(described):
    return [
        (method.upper(), path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]


def _key(app, name, role, projects=()):
    return app.keys.create(
        f"fuzz-{name}-{new_id('x', app.clock.now())[-6:]}", role, actor="fuzz", projects=projects
    )


def _rarely(app):
    """Return the network's app with a limit of one call a minute."""
    service = replace(app.settings.service, rate_limit_per_minute=1)
    env = replace(app.env, settings=replace(app.settings, service=service))
    services = app.http_apps.api.state.services.replaced(env)
    return make_http_apps(services, HttpMetrics(app.clock)).network


logging.getLogger("schemathesis").setLevel(logging.ERROR)
