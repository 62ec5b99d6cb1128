"""Attempts to read another tenant's data: through ids, filters, cache keys, traces and exports."""

import json
import random
from collections import Counter
from urllib.parse import quote

from tests.answers.torture.result import Result
from tests.faces import client_of
from trimtab.app import build
from trimtab.infra.auth import Role
from trimtab.infra.settings import load

MINE, THEIRS = "red", "blue"
CANARIES = ("quorblefratch", "zimbelwurst", "mundepfel")
"""Words that stand in the other tenant's documents, names and comments only, and that no attempt sends."""
SHARED = "The opening hours of every house are nine to five."
QUESTION = "What is the vault word of the house?"


class Victim:
    """An app with two tenants; what the attacker knows are ids, project names and the other's questions."""

    def __init__(self, folder):
        flags = {"service.data_dir": str(folder), "service.rate_limit_per_minute": "0"}
        self.app = build(load(flags=flags | {"api.key_limit_per_minute": "0"}, environment={}))
        app = self.app
        for project, word in ((MINE, "sesame"), (THEIRS, CANARIES[0])):
            app.knowledge.ingest_text(
                project, "vault.md", f"The vault word of the house is {word}."
            )
            app.knowledge.ingest_text(project, "hours.md", SHARED)
        app.knowledge.ingest_text(THEIRS, f"{CANARIES[1]}.md", "A name that says it all.", "eve")
        admin = client_of(app, key=app.keys.create("owner", Role.ADMIN, actor="test"))
        self.traces = [self._asked(admin, text) for text in (QUESTION, "What are the hours?")]
        self.documents = [document.id for document in app.knowledge.documents.list(THEIRS)]
        self.clients = {
            role: client_of(app, key=app.keys.create(f"r-{role}", role, actor="t", projects=[MINE]))
            for role in Role
        }
        self.before = self.state()

    def _asked(self, admin, text):
        given = admin.post("/v1/answers", json={"project": THEIRS, "question": text}).json()
        said = {"helpful": True, "comment": f"{CANARIES[2]} indeed", "user_id": "eve"}
        admin.post(f"/v1/traces/{given['trace_id']}/feedback", json=said)
        return given["trace_id"]

    def state(self):
        """Return what the other tenant has; no attempt may change it."""
        app = self.app
        return (
            [(d.id, d.version) for d in app.knowledge.documents.list(THEIRS)],
            [trace.id for trace in app.answers.traces.recent(1000, THEIRS)],
            [len(app.answers.feedback.of_trace(trace)) for trace in self.traces],
            [key.name for key in app.keys.all()],
        )


def _disguised(chance):
    """Return the other project's name, or something that a careless check would take for it."""
    name = THEIRS
    return chance.choice(
        (
            name,
            name.upper(),
            f" {name}",
            f"{name} ",
            f"{name}\x00",
            f"{MINE}/../{name}",
            f"../{name}",
            f"{MINE},{name}",
            f"{MINE} {name}",
            f"{MINE}' OR name='{name}",
            "*",
            "%",
            "",
            f"{name}%00",
            f"%62{name[1:]}",
        )
    )


def _ids(victim, chance):
    trace, document = chance.choice(victim.traces), chance.choice(victim.documents)
    project = chance.choice((MINE, quote(_disguised(chance), safe=chance.choice(("", "/%")))))
    return chance.choice(
        (
            ("GET", f"/v1/traces/{trace}", {}),
            ("POST", f"/v1/traces/{trace}/feedback", {"json": {"helpful": False}}),
            ("GET", f"/api/v1/projects/{project}/documents/{document}", {}),
            ("DELETE", f"/api/v1/projects/{project}/documents/{document}", {}),
            ("DELETE", f"/api/v1/projects/{project}", {}),
            ("GET", f"/console/ask/source?project={project}&document={document}&start=0&end=9", {}),
            ("GET", f"/console/documents/{project}/{document}", {}),
            ("POST", f"/console/documents/{project}/{document}/delete", {}),
            ("POST", f"/console/documents/{project}/delete", {"data": {"confirm": THEIRS}}),
            ("GET", f"/console/traces/{trace}", {}),
            ("POST", f"/v1/reviews/{trace}/done", {}),
        )
    )


def _filters(victim, chance):
    names = [_disguised(chance) for _ in range(chance.randint(1, 3))]
    names += [MINE] * chance.randint(0, 1)
    chance.shuffle(names)
    params = [("project", name) for name in names] + [("q", QUESTION), ("limit", "1000")]
    path = quote(names[0], safe=chance.choice(("", "/%")))
    return chance.choice(
        (
            ("GET", "/v1/traces", {"params": params}),
            ("GET", f"/api/v1/search/{path}", {"params": params}),
            ("GET", f"/api/v1/search/{MINE}", {"params": params}),
            ("GET", f"/api/v1/query/{path}", {"params": params}),
            ("GET", f"/api/v1/projects/{path}/documents", {"params": params}),
            ("GET", "/api/v1/projects", {"params": params}),
            ("GET", "/console/traces", {"params": params}),
            ("GET", f"/console/documents/{path}", {"params": params}),
        )
    )


def _bodies(victim, chance):
    name = _disguised(chance)
    fields = {"project": name, "query": QUESTION, "question": QUESTION}
    path = chance.choice(("/api/v1/query", "/v1/answers", "/v1/answers/stream"))
    twice = f'{{"project": "{MINE}", {json.dumps(fields)[1:]}'
    swapped = f'{json.dumps(fields)[:-1]}, "project": "{MINE}"}}'
    document = {"project": name, "name": "vault.md", "text": "Overwritten."}
    form = [("project", (None, MINE)), ("project", (None, name)), ("file", ("vault.md", b"Over."))]
    kind = {"Content-Type": "application/json"}
    return chance.choice(
        (
            ("POST", path, {"json": fields}),
            ("POST", path, {"content": twice, "headers": kind}),
            ("POST", path, {"content": swapped, "headers": kind}),
            ("POST", path, {"json": fields | {"project": [MINE, name]}}),
            ("POST", path, {"json": fields | {"user_id": "eve"}, "headers": {"X-User-Id": "eve"}}),
            ("POST", "/api/v1/ingest", {"json": document}),
            ("POST", "/api/v1/ingest", {"files": form[chance.randint(0, 1) :]}),
        )
    )


def _cache(victim, chance):
    """Ask in the own project what was asked, and answered from a cache, in the other's."""
    text = chance.choice((QUESTION, QUESTION.lower(), f" {QUESTION}", "What are the hours?"))
    fields = {"project": MINE, "query": text, "question": text, "top_k": chance.randint(1, 100)}
    path = chance.choice(("/api/v1/query", "/v1/answers", "/v1/answers/stream"))
    return chance.choice(
        (
            ("POST", path, {"json": fields}),
            ("GET", f"/api/v1/search/{MINE}", {"params": {"q": text, "offset": 0}}),
        )
    )


def _exports(victim, chance):
    trace = {"set": {}, "last": 1000, "project": chance.choice((THEIRS, None))}
    probe = {"project": THEIRS, "question": QUESTION, "document_name": "vault.md"}
    return chance.choice(
        (
            ("GET", "/v1/traces?limit=1000", {}),
            ("POST", "/v1/answers/replay", {"json": trace}),
            ("POST", "/v1/answers/canary", {"json": {"probes": [probe]}}),
            ("DELETE", "/api/v1/users/eve/data", {}),
            ("POST", "/v1/keys", {"json": {"name": "mine", "role": "admin"}}),
            ("POST", "/v1/keys/owner/rotate", {}),
            ("POST", "/v1/sign-in-links", {}),
            ("POST", "/v1/actions/knowledge.cache.warm", {"json": {"arguments": {}}}),
            ("POST", "/v1/check", {"json": {"expression": "1 > 0"}}),
            *(
                ("GET", path, {})
                for path in (
                    "/v1/answers/shadow",
                    "/v1/reviews?limit=1000",
                    "/v1/audit",
                    "/v1/settings",
                    "/v1/signals",
                    "/v1/actions",
                    "/v1/keys",
                    "/v1/incidents",
                    "/v1/tasks/daily",
                    "/api/v1/stats",
                    "/metrics",
                    "/health",
                    "/openapi.json",
                    "/console",
                    "/console/ask",
                    "/console/documents",
                    "/console/traces",
                    "/console/api",
                )
            ),
        )
    )


WAYS = (_ids, _filters, _bodies, _cache, _exports)


def campaign(folder, attempts, seed=1):
    """Make so many attempts, a fifth of them each way; return what came through."""
    result, chance = Result("tenants"), random.Random(seed)
    victim = Victim(folder)
    statuses, ways = Counter(), Counter()
    try:
        for number in range(attempts):
            way = WAYS[number % len(WAYS)]
            method, path, options = way(victim, chance)
            role = chance.choice(list(Role))
            response = victim.clients[role].request(method, path, **options)
            result.tried += 1
            ways[way.__name__.strip("_")] += 1
            statuses[f"{response.status_code // 100}xx"] += 1
            text, what = response.text.lower(), f"{role} {method} {path} {options}"
            found = [word for word in CANARIES if word in text]
            result.expect(not found, f"read {found}: {what}")
            result.expect(response.status_code < 500, f"{response.status_code}: {what}")
        result.expect(victim.state() == victim.before, "the other tenant's data changed")
    finally:
        victim.app.close()
    result.figures = {"ways": dict(ways), "statuses": dict(sorted(statuses.items()))}
    return result
