"""Many clients at once for minutes against a service in a process of its own: no error, no leak."""

import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import psutil

from tests.answers.torture.growth import Rests
from tests.answers.torture.result import Result
from tests.processes import start, with_models
from trimtab.knowledge.model_store import MiniLmStore

LEAST_MB, SHARE = 24.0, 0.05
"""How much resident memory may grow over the second half: the larger of both."""
HANDLES, THREADS = 15, 12
SETTINGS = (
    "service.rate_limit_per_minute=0",
    "api.key_limit_per_minute=0",
)
DOCUMENTS = 40
ASKED_ABOUT = 2
"""Of the documents: so few different questions (180, and 720 searches) that every cache has seen them all after the
first half, whatever its bound; the operator raises the bounds during the soak, because the caches are missed often."""
LEGS = 8
"""Between two legs nobody asks for a moment, and what is in use then is taken down."""
ROOT = Path(__file__).parents[3]
WORDS = ("rudder", "mast", "anchor", "keel", "sail", "winch", "helm", "hull", "bow", "stern")


class Sampler:
    """Looks at the process every few seconds."""

    def __init__(self, pid, every):
        self._process, self._every = psutil.Process(pid), every
        self.rows, self._stop = [], threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = time.monotonic()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(self._every):
            with self._process.oneshot():
                mb = self._process.memory_info().rss / 2**20
                row = (mb, self._process.num_fds(), self._process.num_threads())
            self.rows.append((time.monotonic() - self._started, *row))


class Crowd:
    """The clients: each asks, streams, searches, gives feedback, and sometimes hangs up half-way."""

    def __init__(self, url):
        self.url, self.until = url, 0.0
        self._legs = 0
        self.done, self.errors, self.waits = Counter(), Counter(), []
        self._lock = threading.Lock()

    def run(self, clients, seconds):
        """Let so many clients work for so long."""
        self.until = time.monotonic() + seconds
        self._legs += 1
        threads = [threading.Thread(target=self._client, args=(n,)) for n in range(clients)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            self.until = 0.0  # Whoever interrupts does not wait for the clients.

    def _client(self, number):
        chance = random.Random(number + 1000 * self._legs)
        with httpx.Client(base_url=self.url, timeout=120) as http:
            while time.monotonic() < self.until:
                kinds = (self._ask, self._ask, self._stream, self._hang_up, self._search)
                kind, started = chance.choice(kinds), time.monotonic()
                try:
                    problem = kind(http, chance)
                except httpx.HTTPError as error:
                    problem = type(error).__name__
                with self._lock:
                    self.done[kind.__name__.strip("_")] += 1
                    self.waits.append(time.monotonic() - started)
                    if problem:
                        self.errors[f"{kind.__name__.strip('_')}: {problem}"] += 1

    @staticmethod
    def _body(chance):
        words = chance.sample(WORDS, 2)
        question = f"What does the {words[0]} of ship {chance.randrange(ASKED_ABOUT)} do to the {words[1]}?"
        return {"project": "ships", "question": question, "user_id": f"user-{chance.randrange(50)}"}

    def _ask(self, http, chance):
        answer = http.post("/v1/answers", json=self._body(chance))
        if answer.status_code != 200:
            return f"{answer.status_code} {answer.text[:200]}"
        if chance.random() < 0.2:
            path = f"/v1/traces/{answer.json()['trace_id']}/feedback"
            said = http.post(path, json={"helpful": True})
            return "" if said.status_code == 201 else str(said.status_code)
        return ""

    def _stream(self, http, chance):
        answer = http.post("/v1/answers/stream", json=self._body(chance))
        return "" if "event: answer" in answer.text else f"{answer.status_code} without answer"

    def _hang_up(self, http, chance):
        body = self._body(chance)
        with http.stream("POST", "/v1/answers/stream", json=body) as answer:
            next(answer.iter_raw(), b"")
            return (
                "" if answer.status_code == 200 else f"{answer.status_code} {answer.read()[:200]}"
            )

    @staticmethod
    def _search(http, chance):
        found = http.get("/api/v1/search/ships", params={"q": " ".join(chance.sample(WORDS, 3))})
        return "" if found.status_code == 200 else str(found.status_code)


def campaign(folder, minutes, clients=50, models=None):
    """Let so many clients work for so long; return errors, and what grows.

    Args:
        folder: An empty one.
        minutes: How long they work.
        clients: How many.
        models: The folder of the embedding model; without it, the model is made here.
    """
    result = Result("soak")
    service, told = _service(folder, models)
    try:
        key = (service.data_dir / "admin.key").read_text(encoding="utf-8").strip()
        _stock(service.url, key)
        seconds = minutes * 60
        legs = LEGS if minutes >= 1 else 2  # So short a run cannot tell anyhow.
        pause = min(4.0, seconds / legs / 8)
        crowd, rests = Crowd(service.url), Rests(service.process, told, pause)
        with Sampler(service.process.pid, max(0.5, seconds / 120)) as sampler:
            rests.look(0)
            for _ in range(legs):
                crowd.run(clients, seconds / legs)
                rests.look(sum(crowd.done.values()))
        cpu = sum(psutil.Process(service.process.pid).cpu_times()[:2])
        alive = httpx.get(f"{service.url}/health", timeout=60).status_code
    finally:
        code = service.stop()
    result.tried = sum(crowd.done.values())
    result.wrong = [f"{what}: {count}" for what, count in crowd.errors.items()]
    result.expect(alive == 200, f"health says {alive} afterwards")
    result.expect(code == 0, f"the service ended with {code}")
    waits = np.quantile(crowd.waits, (0.5, 0.95)) if crowd.waits else (0, 0)
    result.figures = {
        "clients": clients,
        "minutes": minutes,
        "requests": dict(crowd.done),
        "p50 and p95 wait, s": [round(float(wait), 3) for wait in waits],
        "CPU ms a request": round(1000 * cpu / max(1, result.tried), 1),
    }
    _grown(result, sampler.rows)
    rests.judge(result)
    return result


def _service(folder, models):
    """Return a service that tells what it holds, and the file that it tells it in."""
    if models is None:
        models = folder / "models"
        MiniLmStore(models / "minilm", 1).install()
    data = with_models(folder / "data", models)
    words = [word for one in SETTINGS for word in ("--set", one)]
    told = folder / "told.jsonl"
    command = (sys.executable, "-m", "tests.answers.torture.watched", told)
    return start(Path(data), *words, command=command, PYTHONPATH=str(ROOT)), told


def _stock(url, key):
    with httpx.Client(base_url=url, timeout=120, headers={"X-API-Key": key}) as http:
        for number in range(DOCUMENTS):
            lines = [
                f"The {word} of ship {number} moves the {WORDS[(i + number) % len(WORDS)]} by {i + 1} degrees."
                for i, word in enumerate(WORDS)
            ]
            body = {"project": "ships", "name": f"ship-{number}.md", "text": "\n\n".join(lines)}
            http.post("/api/v1/ingest", json=body).raise_for_status()


def _grown(result, rows):
    """Compare the third quarter with the last one: the first half warms caches."""
    table = np.asarray(rows)
    if len(table) < 8:
        result.wrong.append("too few samples")
        return
    half, quarter = len(table) // 2, len(table) * 3 // 4
    before, after = np.median(table[half:quarter], axis=0), np.median(table[quarter:], axis=0)
    slope = np.polyfit(table[half:, 0] / 60, table[half:, 1], 1)[0]
    grown = after - before
    result.expect(grown[1] < max(LEAST_MB, SHARE * before[1]), f"memory grew by {grown[1]:.1f} MB")
    result.expect(grown[2] <= HANDLES, f"file descriptors grew by {grown[2]:.0f}")
    result.expect(grown[3] <= THREADS, f"threads grew by {grown[3]:.0f}")
    result.figures |= {
        "resident memory, MB": [round(float(x), 1) for x in (before[1], after[1])],
        "its slope in the second half, MB a minute": round(float(slope), 2),
        "file descriptors": [int(before[2]), int(after[2])],
        "threads": [int(before[3]), int(after[3])],
    }
