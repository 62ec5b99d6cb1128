import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trimtab.cli import main

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


@pytest.fixture
def trimtab(tmp_path, monkeypatch, capsys):
    """Run the command line in this process, on a data directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["trimtab", "--data-dir", str(tmp_path / "data"), *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Outcome(ended.value.code or 0, out, err)

    return run


@pytest.fixture
def command(tmp_path):
    """Run the installed command in a process of its own."""

    def run(*words, **environment):
        done = subprocess.run(
            [COMMAND, "--data-dir", tmp_path / "data", *words],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=clean_environment(**environment),
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


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


@pytest.fixture
def serve(tmp_path):
    """Start the service on a free port; it is stopped at the end of the test."""
    started = []

    def start(*words):
        process = subprocess.Popen(
            [COMMAND, "--data-dir", tmp_path / "data", "--set", "service.port=0", *words, "serve"],
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
