"""Clients that change things through any process, and remember what was acknowledged."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.fleet_torture.fleet import HEADERS

PROJECT = "sea"
MODEL = "churn"
_SETTLES_SECONDS = 90.0


@dataclass
class Expected:
    """What must be so in the end; `maybe` holds what had no clear answer."""

    documents: dict[str, str] = field(default_factory=dict)
    """Name of each acknowledged document, and its id."""
    deleted: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    revoked: dict[str, str] = field(default_factory=dict)
    alerts: set[str] = field(default_factory=set)
    moves: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    answers: Counter = field(default_factory=Counter)
    """Number of answers by their status; 0 is a connection that broke."""
    wrong: list[str] = field(default_factory=list)


class Client(threading.Thread):
    """One caller that does one thing after another until it is told to stop."""

    def __init__(self, number, fleet, expected, stop, versions):
        super().__init__(daemon=True)
        self._number = number
        self._fleet = fleet
        self._expected = expected
        self._stop_now = stop
        self._versions = versions
        self._chance = random.Random(number)
        self._count = 0
        self._mine = []
        self._kinds = [
            self._ingest,
            self._ingest,
            self._delete_document,
            self._erase,
            self._make_key,
            self._revoke,
            self._alert,
        ]
        if number == 0:
            self._kinds.append(self._promote)

    def run(self):
        while not self._stop_now.is_set():
            self._count += 1
            try:
                self._chance.choice(self._kinds)(f"c{self._number}n{self._count}")
            except httpx.HTTPError:
                self._expected.answers[0] += 1
                time.sleep(0.2)

    def _call(self, method, path, **more):
        more = {"headers": HEADERS, "timeout": 30, **more}
        answer = httpx.request(method, self._fleet.somewhere() + path, **more)
        self._expected.answers[answer.status_code] += 1
        if answer.status_code >= 500:
            self._judge(method, path, answer)
            time.sleep(0.2)
        return answer

    def _judge(self, method, path, answer):
        clear = answer.status_code == 503 and answer.headers.get("retry-after")
        if not clear or "psycopg" in answer.text or "sqlalchemy" in answer.text.lower():
            self._expected.wrong.append(
                f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            )

    def _ingest(self, tag, person=""):
        name = f"{tag}.md"
        self._expected.maybe.add(name)
        body = {"project": PROJECT, "name": name, "text": f"The word {tag}word names ship {tag}."}
        if person:
            body["user_id"] = person
        answer = self._call("POST", "/api/v1/ingest", json=body)
        if answer.status_code in (200, 202):
            found = answer.json()["document_id"]
            self._expected.documents[name] = found
            self._mine.append(name)
            return True
        return False

    def _delete_document(self, _tag):
        if not self._mine:
            return
        name = self._mine.pop(self._chance.randrange(len(self._mine)))
        document = self._expected.documents.pop(name)
        answer = self._call("DELETE", f"/api/v1/projects/{PROJECT}/documents/{document}")
        if answer.status_code == 200:
            self._expected.deleted.add(name)
            words = {"q": f"{name.removesuffix('.md')}word"}
            seen = self._call("GET", f"/api/v1/search/{PROJECT}", params=words)
            if seen.status_code == 200 and name in seen.text:
                self._expected.wrong.append(f"{name} was found after its deletion")

    def _erase(self, tag):
        person = f"person-{tag}"
        if self._chance.random() > 0.3 or not self._ingest(f"{tag}p", person):
            return
        document = f"{tag}p.md"
        self._mine.remove(document)
        self._expected.documents.pop(document)
        self._call("POST", "/v1/answers", json={
            "project": PROJECT, "question": f"Which ship has the word {tag}pword?", "user_id": person,
        })  # fmt: skip
        asked = self._call("POST", "/api/v1/erasures", json={"user_id": person})
        if asked.status_code in (200, 202) and self._done(asked.json()["id"]):
            self._expected.erased.add(person)
            self._expected.deleted.add(document)

    def _done(self, erasure):
        until = time.monotonic() + _SETTLES_SECONDS
        while time.monotonic() < until:
            try:
                now = self._call("GET", f"/api/v1/erasures/{erasure}")
                if now.status_code == 200 and now.json()["state"] == "done":
                    return True
            except httpx.HTTPError:
                self._expected.answers[0] += 1
            time.sleep(0.5)
        return False

    def _make_key(self, tag):
        self._expected.maybe.add(f"key-{tag}")
        answer = self._call("POST", "/v1/keys", json={"name": f"key-{tag}"})
        if answer.status_code == 201:
            self._expected.keys[f"key-{tag}"] = answer.json()["key"]

    def _revoke(self, _tag):
        mine = [
            name for name in list(self._expected.keys) if name.startswith(f"key-c{self._number}n")
        ]
        if not mine:
            return
        name = self._chance.choice(mine)
        key = self._expected.keys.pop(name)
        answer = self._call("DELETE", f"/v1/keys/{name}")
        if answer.status_code == 204:
            self._expected.revoked[name] = key
            used = self._call("GET", "/v1/me", headers={"authorization": f"Bearer {key}"})
            if used.status_code not in (401, 503):
                self._expected.wrong.append(f"the revoked {name} was answered {used.status_code}")

    def _alert(self, tag):
        name = f"Torture{tag}"
        self._expected.maybe.add(name)
        labels = {"alertname": name, "instance": tag, "severity": "critical"}
        alert = {"labels": labels, "annotations": {"summary": f"Alert {tag}"}}
        for _ in range(2):  # As Prometheus repeats it, and through another process.
            answer = self._call("POST", "/api/v2/alerts", json=[alert])
            if answer.status_code == 200:
                self._expected.alerts.add(name)

    def _promote(self, tag):
        if len(self._versions) < 2:
            return
        self._versions.append(self._versions.pop(0))
        body = {"version": self._versions[0], "reason": f"move {tag}"}
        self._expected.maybe.add(f"move {tag}")
        answer = self._call("POST", f"/v1/models/{MODEL}/promote", json=body)
        if answer.status_code == 200 and answer.json()["moves"]:
            self._expected.moves.add(f"move {tag}")
