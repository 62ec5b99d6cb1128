"""Several `trimtab serve` on one PostgreSQL database, each on a data directory of its own."""

import shutil
import signal
import time
from contextlib import suppress

import httpx

from tests.processes import start

KEY = "fleet-admin-key-0123456789abcdef"
HEADERS = {"authorization": f"Bearer {KEY}"}
SECRETS = (
    "signing.key",
    "signing.key.sum",
    "subjects.key",
    "subjects.key.sum",
    "session.secret",
    "session.secret.sum",
)


class Fleet:
    """Running processes by name."""

    def __init__(self, folder, url, models, *words):
        self._folder = folder
        self._models = models
        # Tests ask often, and would be refused after a hundred calls.
        free = ("service.rate_limit_per_minute=0", "api.key_limit_per_minute=0")
        engine = ("service.database_url=" + url, "service.allow_unsafe_database=true")
        self._words = (*engine, *free, *words)
        self.services = {}

    def start(self, name, folder="", **environment):
        """Start a process on a data directory of its own, or on one that it shares with others."""
        data = self._folder / (folder or name)
        data.mkdir(mode=0o700, exist_ok=bool(folder))
        if not (data / "models").exists():
            (data / "models").symlink_to(self._models)
        for other in [] if folder else list(self.services.values())[:1]:
            for secret in SECRETS:
                if (other.data_dir / secret).exists():
                    shutil.copy2(other.data_dir / secret, data / secret)
        settings = (*self._words, f"trust.api_key_roles={KEY}:admin")
        words = [word for setting in settings for word in ("--set", setting)]
        self.services[name] = start(data, *words, **environment)
        return self.services[name]

    def call(self, name, method, path, **options):
        headers = {**HEADERS, **options.pop("headers", {})}
        return httpx.request(
            method, self.services[name].url + path, headers=headers, timeout=60, **options
        )

    def look(self, name):
        return self.call(name, "GET", "/api/v1/fleet").json()

    def id_of(self, name):
        return self.look(name)["process_id"]

    def leader(self, name):
        """Return the id of the process that leads, as another tells it."""
        found = [each["id"] for each in self.look(name)["processes"] if each["leader"]]
        return found[0] if len(found) == 1 else None

    def signal(self, name, number):
        self.services[name].process.send_signal(number)

    def close(self):
        for service in self.services.values():
            with suppress(ProcessLookupError):
                service.process.send_signal(signal.SIGCONT)
            service.stop(signal.SIGKILL)


def wait_until(found, seconds=60.0):
    """Return the seconds until the function returned something true."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        with suppress(httpx.HTTPError, KeyError, ValueError):
            if found():
                return time.monotonic() - began
        time.sleep(0.25)
    raise AssertionError(f"not within {seconds:g} s")
