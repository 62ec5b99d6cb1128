"""Data of a person in every corner of a whole app, and a search for it in every byte that is kept."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.testclient import TestClient

from trimtab.app import build
from trimtab.infra.notify import Kind, Message
from trimtab.infra.settings import load
from trimtab.kernel.clock import SystemClock
from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.models.trained.shipped import read_manifest, shipped_folder
from trimtab.privacy.erasure import ErasureState

PERSON = "ann.lovelace@example.org"
SECRET = "quorblefratch"
"""A word of the person's own that is in no other text."""
OTHER = "bob"
PROJECT = "people"
STEPS = (
    "knowledge.queue",
    "answers.quotes",
    "knowledge.documents",
    "knowledge.passages",
    "knowledge.index",
    "knowledge.caches",
    "knowledge.copies",
    "logs.queries",
    "guardrails.texts",
    "notify.outbox",
    "answers.feedback",
    "answers.traces",
    "answers.cache",
    "answers.samples",
    "answers.shadow_pairs",
    "models.results",
    "review.items",
    "review.feedback",
    "evaluation.flywheel",
)
FOUND_BY = {
    "knowledge.queue",
    "answers.quotes",
    "knowledge.documents",
    "knowledge.passages",
    "notify.outbox",
    "answers.feedback",
    "answers.traces",
    "answers.samples",
    "models.results",
    "review.items",
    "review.feedback",
}
PLACES = ("before knowledge.queue", *(f"after {step}" for step in STEPS), "before certificate")


def build_app(folder, rate=1.0, log_queries="false"):
    flags = {
        "service.data_dir": str(folder),
        "service.rate_limit_per_minute": "0",
        "knowledge.log_queries": log_queries,
    }
    return build(load(flags=flags, environment={}), SystemClock(rate))


def plant(app):
    """Leave something of the person, and something of somebody else, in every domain."""
    app.knowledge.start()
    client = TestClient(app.http_apps.control, base_url="http://localhost")
    _serve_texts(app)
    for user, word in ((PERSON, SECRET), (OTHER, "harmless")):
        headers = {"X-User-Id": user}
        text = f"# Note of {user}\n\nThe {word} number of this house is 4711."
        body = {"project": PROJECT, "name": f"{word}.md", "text": text}
        assert client.post("/api/v1/ingest", json=body, headers=headers).is_success
        for _ in range(2):
            asked = {"project": PROJECT, "query": f"What is the {word} number of this house?"}
            given = client.post("/api/v1/query", json=asked, headers=headers).json()
            assert given["found"], given
        rows = [{"text": f"Revenue of {word} rose 5%."}]
        path = "/v1/models/earnings-analyzer/predict"
        assert client.post(path, json={"rows": rows}, headers=headers).is_success
        said = {"helpful": False, "comment": f"{word} is wrong"}
        path = f"/v1/traces/{given['trace_id']}/feedback"
        assert client.post(path, json=said, headers=headers).status_code == 201
        message = Message("#incidents", Kind.NOTE, f"{user} asked for help.", f"note-{user}")
        app.outbox.add(message, app.clock.now())
        _queue(app, user, word)
    app.knowledge.caches.flush()
    app.knowledge.indexes.save()
    app.evaluation.monitor.run_once()
    app.reviews.collect()


def _serve_texts(app):
    """Let a model serve whose stored inputs are texts."""
    shipped = shipped_folder("earnings-analyzer")
    manifest = read_manifest(shipped)
    with TemporaryDirectory() as folder:
        for name in manifest.files:
            shutil.copy(shipped / name, folder)
        app.models.registry.register(Path(folder), manifest, "anna")
    app.models.registry.promote("earnings-analyzer", 1, "anna", "first")


def _queue(app, user, word):
    """Take a document in while the model is away."""
    encoder, whole = app.knowledge.encoder, type(app.knowledge.encoder).vectors

    def away(*_):
        raise EmbedderUnavailable("The model is away.")

    type(encoder).vectors = away
    try:
        text = f"The {word} of {user} waits."
        app.knowledge.ingest_text(PROJECT, f"late-{word}.txt", text, owner=user)
    finally:
        type(encoder).vectors = whole


def remains(folder, *words):
    """Return the files of the data directory in which one of the words stands, in any case."""
    wanted = [word.lower().encode() for word in words]
    files = [file for file in Path(folder).rglob("*") if file.is_file() and not file.is_socket()]
    return sorted(
        str(file.relative_to(folder))
        for file in files
        if any(word in file.read_bytes().lower() for word in wanted)
    )


def erase_and_die(folder, die_at):
    """Erase the person; kill this process before or after that step, or when the erasure is certified."""
    app, (when, _, name) = build_app(folder), die_at.partition(" ")

    def die():
        os.kill(os.getpid(), 9)

    steps = app.erasures._steps
    if name == "certificate":
        app.erasures._store.__class__.certify = lambda *_: die()
    else:
        steps[name] = _Deadly(steps[name], when, die)
    app.jobs.launch()
    app.erasures.wait(app.erasures.request(PERSON, actor="admin").id)


def killed_and_finished(folder, die_at):
    """Kill an erasure at that place, start again on the same folder; return what is wrong afterwards."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.app.personal", str(folder), die_at]
    try:
        killed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    except subprocess.TimeoutExpired:
        return ["was not killed within four minutes"]
    if killed.returncode != -9:
        return [f"was not killed: {killed.stderr[-500:]}"]
    app = build_app(folder)
    try:
        (erasure_id,) = app.erasures.in_state(ErasureState.RUNNING)
        app.jobs.launch()
        app.erasures.resume()
        erasure = app.erasures.wait(erasure_id)
        events = [event.action for event in app.audit.recent(1000)]
        problems = list(app.audit.verify().problems)
    finally:
        app.close()
    missed = FOUND_BY - {step.name for step in erasure.steps if step.found}
    wrong = {
        "state": erasure.state if erasure.state is not ErasureState.DONE else "",
        "found nothing": missed,
        "left in": remains(folder, PERSON, SECRET),
        "audited": events.count("answers.user_erased") - 1,
        "chain": problems,
    }
    return [f"{name}: {what}" for name, what in wrong.items() if what]


class _Deadly:
    def __init__(self, step, when, die):
        self.name, self.count, self._step, self._when, self._die = (
            step.name,
            step.count,
            step,
            when,
            die,
        )

    def erase(self, user_id):
        if self._when == "before":
            self._die()
        self._step.erase(user_id)
        self._die()


if __name__ == "__main__":
    erase_and_die(Path(sys.argv[1]), sys.argv[2])
