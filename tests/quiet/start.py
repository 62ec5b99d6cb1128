"""A fresh service, four hundred files on a busy machine, fifty questions, and then time: nobody may be called.

`make quiet-start` runs it, and exits 1 unless every condition held.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from tests.processes import run, start
from tests.quiet.material import questions, write_files
from trimtab.cli.drills.small_disk import SmallDisk
from trimtab.infra.control_socket import control_path

ROOT = Path(__file__).parents[2]
PROJECT = "work"
LONGEST_MINUTES = 75
"""More than the longest window and `for` of a rule together: half an hour each, after a quarter of an hour of load."""
_BURN = "import time; end = time.monotonic() + {seconds}\nwhile time.monotonic() < end: sum(range(10000))"
_BURN_AT_MOST_SECONDS = 240
_DISK_MB = 4096


@dataclass
class Quiet:
    """What happened."""

    ingested: int = 0
    refused: int = 0
    statuses: dict = field(default_factory=dict)
    incidents: list = field(default_factory=list)
    called: list = field(default_factory=list)
    alerts: list = field(default_factory=list)
    minutes: float = 0.0

    @property
    def firing(self):
        return [alert["name"] for alert in self.alerts if alert["state"] == "firing"]

    @property
    def passed(self):
        calm = not self.incidents and not self.called and not self.firing
        served = bool(self.ingested and self.refused and self.statuses) and max(self.statuses) < 500
        return calm and served and self.minutes >= LONGEST_MINUTES


@contextmanager
def busy(burners):
    """Keep so many processors busy, for at most four minutes."""
    code = _BURN.format(seconds=_BURN_AT_MOST_SECONDS)
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(burners)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


@contextmanager
def fresh_service(folder, speed):
    """Start a service on a new data directory, with the settings that it comes with.

    The directory has a file system of its own where that is permitted: how full the disk of this machine is, is not the
    question here.
    """
    disk = SmallDisk(folder / "home", _DISK_MB)
    service = start(
        folder / "home" / "data",
        command=(sys.executable, "-m", "tests.quiet.service"),
        PYTHONPATH=str(ROOT),
        QUIET_SPEED=str(speed),
    )
    try:
        yield service
    finally:
        service.stop()
        disk.close()


def ask(client, texts):
    """Ask every question, most of them with a key, some without."""
    statuses = {}
    for number, text in enumerate(texts):
        project = PROJECT if number % 10 else "nowhere"
        reply = client.get(f"/api/v1/query/{project}", params={"q": text})
        statuses[reply.status_code] = statuses.get(reply.status_code, 0) + 1
    return statuses


def ingest(data_dir, folder):
    """Take the folder in, as a user does; return how many files were taken and how many refused."""
    done = run(data_dir, "ingest", PROJECT, str(folder), "--json").json["documents"]
    refused = sum("code" in one for one in done)
    return len(done) - refused, refused


def pass_minutes(client, service, minutes, *, hurry=True):
    """Let that many minutes of the service's clock pass, quickly if asked; return how many there were."""
    began = service_time(client)
    if hurry:
        service.process.send_signal(signal.SIGUSR1)
    while True:
        passed = service_time(client) - began
        if passed >= minutes:
            return passed
        time.sleep(0.5)


def service_time(client):
    """Return the service's clock in minutes."""
    said = client.post("/v1/check", json={"expression": "up == 1"}).json()["at"]
    return datetime.fromisoformat(said).timestamp() / 60


def quiet_start(folder, *, files, asked, burners, speed, say=lambda _: None):
    """Run it all and return what happened."""
    found = Quiet()
    write_files(folder / "files", files)
    with ExitStack() as stack:
        burning = stack.enter_context(ExitStack())
        burning.enter_context(busy(burners))
        service = stack.enter_context(fresh_service(folder, speed))
        key = (service.data_dir / "admin.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        web = stack.enter_context(httpx.Client(base_url=service.url, headers=headers, timeout=120))
        socket = httpx.HTTPTransport(uds=str(control_path(service.data_dir)))
        client = stack.enter_context(
            httpx.Client(base_url="http://localhost", transport=socket, timeout=120)
        )
        found.ingested, found.refused = ingest(service.data_dir, folder / "files")
        say(f"{found.ingested} files taken in, {found.refused} refused, on {burners} burners")
        found.statuses = ask(web, questions(asked))
        say(f"{asked} questions asked: {found.statuses}")
        pass_minutes(client, service, 1.5, hurry=False)
        found.alerts = client.get("/v1/alerts").json()["alerts"]
        burning.close()
        found.minutes = pass_minutes(client, service, LONGEST_MINUTES)
        say(f"{found.minutes:.0f} minutes of the service's clock have passed")
        found.alerts += client.get("/v1/alerts").json()["alerts"]
        found.incidents = client.get("/v1/incidents").json()["incidents"]
        found.called = [who for incident in found.incidents for who in incident.get("called", ())]
    return found


def main():
    """Run it from the command line; exit 1 when anybody was called, or anything fired or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--burners", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--speed", type=float, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quiet-start-") as name:
        found = quiet_start(
            Path(name),
            files=given.files,
            asked=given.questions,
            burners=given.burners,
            speed=given.speed,
            say=lambda text: sys.stdout.write(f"{text}\n"),
        )
    sys.stdout.write(json.dumps(vars(found), indent=1, default=str) + "\n")
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
