"""Several `trimtab serve` on one PostgreSQL: started, killed, stopped and started again by their process id."""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx

from tests.processes import start

KEY = "torture-admin-key-0123456789abcdef"
HEADERS = {"authorization": f"Bearer {KEY}"}


class Fleet:
    """The processes, by number; each has a port of its own."""

    def __init__(self, folder: Path, url: str, count: int, pages: str, seed: int):
        self._folder = folder
        self._url = url
        self._pages = pages
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.services = {}
        for number in range(count):
            self.services[number] = self._start()

    def _start(self):
        settings = {
            "service.database_url": self._url,
            "service.allow_unsafe_database": "true",
            "service.rate_limit_per_minute": "0",
            "api.key_limit_per_minute": "0",
            "incidents.storm_incidents": "100000",
            "notify.webhook_url": self._pages,
            "trust.api_key_roles": f"{KEY}:admin",
        }
        words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        return start(self._folder, *words)

    def somewhere(self) -> str:
        """Return the address of a process that should be running."""
        with self._lock:
            return self._chance.choice([each.url for each in self.services.values() if each])

    def pids(self):
        return {number: each.process.pid for number, each in self.services.items() if each}

    def look(self):
        """Return the processes as one of them tells them, or None when no one answers."""
        for service in [each for each in self.services.values() if each]:
            with suppress(httpx.HTTPError, ValueError):
                answer = httpx.get(f"{service.url}/api/v1/fleet", headers=HEADERS, timeout=3)
                if answer.status_code == 200:
                    return answer.json()["processes"]
        return None

    def leader(self):
        """Return the number of the process that leads, or None while nobody does."""
        return self._ids().get(self.leader_id())

    def leader_id(self):
        """Return the id of the process that leads, or None while nobody does."""
        return next((each["id"] for each in self.look() or () if each["leader"]), None)

    def _ids(self):
        found = {}
        for number, service in self.services.items():
            if service:
                with suppress(httpx.HTTPError, ValueError, KeyError):
                    answer = httpx.get(f"{service.url}/api/v1/fleet", headers=HEADERS, timeout=3)
                    found[answer.json()["process_id"]] = number
        return found

    def wait_for_leader(self, other_than=None, seconds=60.0):
        """Return the seconds until a process with another id led, or None when none did in time."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            found = self.leader_id()
            if found is not None and found != other_than:
                return time.monotonic() - began
            time.sleep(0.5)
        return None

    def kill(self, number):
        """End a process with SIGKILL, and start another in its place."""
        with self._lock:
            service, self.services[number] = self.services[number], None
        service.process.send_signal(signal.SIGKILL)
        service.stop()
        fresh = self._start()
        with self._lock:
            self.services[number] = fresh

    def pause(self, number, go_on=False):
        os.kill(self.services[number].process.pid, signal.SIGCONT if go_on else signal.SIGSTOP)

    def close(self):
        for service in self.services.values():
            if service and service.process.poll() is None:
                service.process.send_signal(signal.SIGCONT)
                service.stop(signal.SIGTERM)
