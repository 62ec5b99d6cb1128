"""The installed command in processes of its own: what a user starts."""

import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from trimtab.knowledge.model_store import MiniLmStore

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

    def __init__(self, process, data_dir):
        self.data_dir = data_dir
        self.process = process
        self.said = []
        self._ready = threading.Event()
        self._news = threading.Condition()
        self.url = ""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        assert self._ready.wait(300), "".join(self.said)
        assert self.url, "".join(self.said)

    def _listen(self):
        for line in self.process.stderr:
            self._say(line)
            if "is serving at" in line:
                self.url = line.split()[-1]
            if "Console:" in line:
                self._ready.set()
        self._say("")  # Nothing more will come.
        self._ready.set()

    def _say(self, line):
        with self._news:
            self.said.append(line)
            self._news.notify_all()

    def wait_for(self, text):
        """Wait until the service has printed the text."""
        with self._news:
            self._news.wait_for(lambda: text in "".join(self.said) or self.said[-1:] == [""])
        assert text in "".join(self.said), "".join(self.said)

    @property
    def link(self):
        """Return a link that signs a browser in, as `trimtab console` prints it."""
        return run(self.data_dir, "console").out.strip()

    def stop(self, number=signal.SIGTERM):
        """Return the exit code; a service that has ended already keeps its own."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(120)
        self._listener.join(10)
        self.process.stderr.close()
        return code


def start(data_dir, *words, command=(COMMAND,), **environment):
    """Start the service on the data directory, on a free port."""
    process = subprocess.Popen(
        [*command, "--data-dir", data_dir, "--set", "service.port=0", *words, "serve"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=data_dir.parent,
        env=clean_environment(**environment),
    )
    try:
        return Service(process, data_dir)
    except BaseException:
        process.kill()
        raise


def run(data_dir, *words, **environment):
    """Run the installed command to its end, on a data directory."""
    return run_in(data_dir.parent, "--data-dir", data_dir, *words, **environment)


def run_in(folder, *words, **environment):
    """Run the installed command to its end, in a folder."""
    done = subprocess.run(
        [COMMAND, *words],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env=clean_environment(**environment),
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def with_models(data_dir, models):
    """Return the data directory, made with the embedding model in it."""
    data_dir.mkdir(mode=0o700, parents=True)
    (data_dir / "models").symlink_to(models)
    return data_dir


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Make the embedding model's files once; a fresh data directory would make its own, which takes seconds."""
    folder = tmp_path_factory.mktemp("models")
    MiniLmStore(folder / "minilm", 1).install()
    return folder


@pytest.fixture
def data_dir(tmp_path, models):
    """Return a data directory that has the model already."""
    return with_models(tmp_path / "data", models)


@pytest.fixture
def command(data_dir):
    """Run the installed command in a process of its own."""
    return partial(run, data_dir)


@pytest.fixture
def serve(data_dir):
    """Start services that are stopped at the end of the test."""
    started = []

    def serve_here(*words):
        started.append(start(data_dir, *words))
        return started[-1]

    yield serve_here
    for service in started:
        service.stop()
