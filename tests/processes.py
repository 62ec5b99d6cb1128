"""The installed command in processes of its own: what a user starts."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trimtab.knowledge.model_home import MiniLmHome

COMMAND = Path(sys.executable).parent / "trimtab"


class Outcome:
    """How a run of the command ended."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self):
        return json.loads(self.out)


def clean_environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIMTAB_")}  # noqa: TID251
    return {**kept, "COLUMNS": "200", **more}


class Service:
    """A running `trimtab serve`."""

    def __init__(self, process):
        self.process = process
        self.said = []
        self._ready = threading.Event()
        self.url = ""
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._ready.wait(60), "".join(self.said)

    def _listen(self):
        for line in self.process.stderr:
            self.said.append(line)
            if "is serving at" in line:
                self.url = line.split()[-1]
            if "/console/login?token=" in line:
                self._ready.set()

    @property
    def link(self):
        return next(line.split()[-1] for line in self.said if "/console/login" in line)

    def stop(self):
        self.process.terminate()
        return self.process.wait(20)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Make the embedding model's files once; a fresh data directory would make its own, which takes seconds."""
    folder = tmp_path_factory.mktemp("models")
    MiniLmHome(folder / "minilm", 1).install()
    return folder


@pytest.fixture
def data_dir(tmp_path, models):
    """Return a data directory that has the model already."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "models").symlink_to(models)
    return tmp_path / "data"


@pytest.fixture
def command(tmp_path, data_dir):
    """Run the installed command in a process of its own."""

    def run(*words, **environment):
        done = subprocess.run(
            [COMMAND, "--data-dir", data_dir, *words],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=clean_environment(**environment),
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def serve(tmp_path, data_dir):
    """Start the service on a free port; it is stopped at the end of the test."""
    started = []

    def start(*words):
        process = subprocess.Popen(
            [COMMAND, "--data-dir", data_dir, "--set", "service.port=0", *words, "serve"],
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=clean_environment(),
        )
        started.append(process)
        return Service(process)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(20)
        process.stderr.close()
