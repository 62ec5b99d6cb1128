"""Compares what the fleet holds in the end with what was acknowledged."""

import time
from collections import Counter
from itertools import pairwise

import httpx

from tests.fleet_torture.fleet import HEADERS
from tests.fleet_torture.load import MODEL, PROJECT

_SETTLES_SECONDS = 120.0


class Verdict:
    """Reads through one process, and notes everything that is not as it was acknowledged."""

    def __init__(self, url, expected, pages):
        self._url = url
        self._expected = expected
        self._pages = pages
        self.lost, self.doubled, self.resurrected, self.broken = [], [], [], []

    def judge(self):
        for part in (
            self._documents,
            self._keys,
            self._incidents,
            self._moves,
            self._people,
            self._audit,
            self._rules,
        ):
            part()
        self.doubled += [f"page: {text[:200]}" for text in self._pages.doubled()]
        return self

    def _get(self, path, **params):
        answer = httpx.get(self._url + path, params=params, headers=HEADERS, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def _all_documents(self):
        found, offset = [], 0
        while page := self._get(f"/api/v1/projects/{PROJECT}/documents", limit=1000, offset=offset)[
            "documents"
        ]:
            found += page
            offset += len(page)
        return found

    def _documents(self):
        # What was queued when its process was killed is taken up by another.
        until = time.monotonic() + _SETTLES_SECONDS
        while True:
            held = self._all_documents()
            searchable = {each["name"] for each in held if each["state"] == "ready"}
            missing = sorted(set(self._expected.documents) - searchable)
            if not missing or time.monotonic() > until:
                break
            time.sleep(1)
        self.lost += [f"document {name}" for name in missing]
        counts = Counter(each["name"] for each in held)
        self.doubled += [f"document {name}" for name, count in counts.items() if count > 1]
        for name in sorted(self._expected.documents):
            if name not in self._hits(name):
                self.lost.append(f"document {name} is not found by its word")
        for name in sorted(self._expected.deleted):
            if name in counts or name in self._hits(name):
                self.resurrected.append(f"document {name}")

    def _hits(self, name):
        found = self._get(f"/api/v1/search/{PROJECT}", q=f"{name.removesuffix('.md')}word")
        return {each["document_name"] for each in found["passages"]}

    def _keys(self):
        names = [each["name"] for each in self._get("/v1/keys")["keys"] if not each["revoked_at"]]
        self.lost += [f"key {name}" for name in self._expected.keys if name not in names]
        self.doubled += [f"key {name}" for name, count in Counter(names).items() if count > 1]
        for group, status, wrong in (
            (self._expected.keys, 200, self.lost),
            (self._expected.revoked, 401, self.resurrected),
        ):
            for name, key in group.items():
                headers = {"authorization": f"Bearer {key}"}
                answer = httpx.get(f"{self._url}/v1/me", headers=headers, timeout=30)
                if answer.status_code != status:
                    wrong.append(f"key {name}: {answer.status_code}")

    def _incidents(self):
        held = self._get("/v1/incidents", limit=1000)["incidents"]
        titles = Counter(each["title"].replace(" ", "") for each in held)
        for name in sorted(self._expected.alerts):
            if not titles[name]:
                self.lost.append(f"incident of {name}")
        tortured = {name: count for name, count in titles.items() if name.startswith("Torture")}
        self.doubled += [f"incident of {name}" for name, count in tortured.items() if count > 1]
        self.doubled += [f"incident {name} beside an open one" for name in self._overlapping(held)]
        self.lost += [
            f"{each['id']} is still {each['state']}"
            for each in held
            if each["state"] in ("detected", "triaged", "executing")
        ]

    def _rules(self):
        # Of all processes' metrics: the leader evaluates them.
        leading = next(
            each["address"] for each in self._get("/api/v1/fleet")["processes"] if each["leader"]
        )
        answer = httpx.get(f"{leading}/v1/rules", headers=HEADERS, timeout=60)
        rules = answer.raise_for_status().json()["rules"]
        if not any(each["evaluated_at"] for each in rules):
            self.broken.append("the leader evaluates no rule")
        self.broken += [
            f"rule {each['rule']}: {each['error']}" for each in rules if each["failures"]
        ]

    def _overlapping(self, held):
        """Return ids of incidents that opened while another one of their alert was open."""
        by_subject = {}
        for each in sorted(held, key=lambda one: one["opened_at"]):
            by_subject.setdefault((each["title"], each["component"]), []).append(each)
        return [
            later["id"]
            for group in by_subject.values()
            for earlier, later in pairwise(group)
            if (earlier["resolved_at"] or "9999") > later["opened_at"]
        ]

    def _moves(self):
        if not self._expected.moves:
            return
        log = self._get(f"/v1/models/{MODEL}/log", limit=1000)["moves"]
        reasons = Counter(each["reason"] for each in log if each["alias"] == "production")
        self.lost += [reason for reason in self._expected.moves if not reasons[reason]]
        self.doubled += [
            reason for reason, count in reasons.items() if reason.startswith("move ") and count > 1
        ]

    def _people(self):
        traces = self._get("/v1/traces", limit=1000)["traces"]
        for person in sorted(self._expected.erased):
            if any(person in str(each) for each in traces):
                self.resurrected.append(f"trace of {person}")

    def _audit(self):
        report = self._get("/v1/audit/verify")
        self.broken += [str(problem) for problem in report["problems"]]
