"""Requests made from the interface's own description, with values that are wrong in every way: no mistake of ours answers.

Only the routes of answers; the harness for every route is `tests/api/fuzz.py` where that is there.
"""

import random
from collections import Counter
from urllib.parse import quote

from starlette.testclient import TestClient

from tests.answers.torture.result import Result
from trimtab.app import build
from trimtab.infra.settings import load

TEXTS = (
    "",
    " ",
    "p",
    "nowhere",
    "a" * 1001,
    "a" * 100_000,
    "\x00",
    "\U0001f680",
    "\u202e\u200b",
    "../../etc/passwd",
    "%00",
    "' OR 1=1 --",
    "{{7*7}}",
    "What turns the rudder?",
    "[1] [2] [999]",
    "trace_01HZZZZZZZZZZZZZZZZZZZZZZZ",
)
NUMBERS = (0, -1, 1, 5, 100, 101, 10**6, -(2**63), 2**64, 10**400, 1.5, float("1e308"))
ODD = (None, True, [], {}, [[]], {"a": {"b": []}}, ["p"], "1", "NaN")


class Maker:
    """Makes values for a schema: mostly of its type, often at an edge, sometimes of another type."""

    def __init__(self, description, chance):
        self._schemas = description["components"]["schemas"]
        self._chance = chance

    def of(self, schema, depth=0):
        chance = self._chance
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rsplit("/", 1)[1]]
        if chance.random() < 0.08:
            return chance.choice((*ODD, *TEXTS, *NUMBERS))
        if "anyOf" in schema:
            return self.of(chance.choice(schema["anyOf"]), depth)
        kind = schema.get("type")
        if kind == "object" and depth < 4:
            return self._object(schema, depth)
        if kind == "array" and depth < 4:
            return [self.of(schema.get("items", {}), depth + 1) for _ in range(chance.randrange(4))]
        if kind in {"integer", "number"}:
            return chance.choice(NUMBERS)
        return chance.random() < 0.5 if kind == "boolean" else chance.choice(TEXTS)

    def _object(self, schema, depth):
        chance, made = self._chance, {}
        for name, part in schema.get("properties", {}).items():
            if name in schema.get("required", ()) or chance.random() < 0.6:
                made[name] = self.of(part, depth + 1)
        if made and chance.random() < 0.1:
            made.pop(chance.choice(list(made)))
        if chance.random() < 0.2:
            made[chance.choice(TEXTS)] = chance.choice(TEXTS)
        return made


def campaign(folder, cases, seed=1):
    """Send so many requests; return those that a mistake of ours answered."""
    result, chance, statuses = Result("fuzz"), random.Random(seed), Counter()
    flags = {"service.data_dir": str(folder), "service.rate_limit_per_minute": "0"}
    app = build(load(flags=flags, environment={}))
    try:
        app.knowledge.ingest_text("p", "ship.txt", "The trimtab turns the rudder of the ship.")
        client = TestClient(
            app.faces.control, base_url="http://localhost", raise_server_exceptions=False
        )
        description = app.faces.api.openapi()
        maker = Maker(description, chance)
        routes = [
            (method, path, route)
            for path, methods in description["paths"].items()
            for method, route in methods.items()
            if "answers" in route.get("tags", ())
        ]
        for number in range(cases):
            method, path, route = routes[number % len(routes)]
            response, sent = _send(client, method, path, route, maker)
            statuses[int(response.status_code)] += 1
            result.tried += 1
            result.expect(response.status_code < 500, f"{response.status_code}: {sent}"[:500])
            if response.status_code >= 400:
                result.expect("error" in response.text, f"no error body: {sent}"[:500])
    finally:
        app.close()
    result.figures = {"routes": len(routes), "statuses": dict(sorted(statuses.items()))}
    return result


def _send(client, method, path, route, maker):
    query, headers = {}, {}
    for parameter in route.get("parameters", ()):
        value, name = str(maker.of(parameter["schema"])), parameter["name"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(value[:2000], safe="") or "x")
        elif parameter["in"] == "query":
            query[name] = value[:2000]
        else:
            headers[name] = value[:300].encode("ascii", "ignore").decode().replace("\x00", "")
    options = {"params": query, "headers": headers}
    if body := route.get("requestBody"):
        kind, content = next(iter(body["content"].items()))
        if kind == "application/json":
            options["json"] = maker.of(content["schema"])
    return client.request(method.upper(), path, **options), (method, path, options)
