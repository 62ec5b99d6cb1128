"""A newcomer on a clean machine: follows the README word by word, then uploads a PDF in the console and asks about it.

Environment, home and temporary folder are empty; only the packages' caches and the installers' configuration are the
machine's own, so that nothing is downloaded again.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests.console.browser import PATIENCE_MS, choose_files, chromium, follow, page, press  # noqa: F401 - fixtures.
from tests.knowledge.documents import pdf

ROOT = Path(__file__).parent.parent
BLOCKS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_CLONED = shutil.ignore_patterns(
    ".git", ".venv", "data", "site", "build", "dist", "*_cache", "__pycache__", ".hypothesis"
)
SENTENCE = "The harbour pilot boards ships at the outer buoy before sunrise."
pytestmark = pytest.mark.timeout(2400)  # A hundred packages are installed, maybe on a busy machine.


def commands():
    """Return the README's commands: what starts the service, and what is typed in another terminal."""
    start, test, *others = BLOCKS.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert (start, test) == ("make run\n", "make test\n")
    return start, "".join(others)


def installers():
    """Return the caches and the configuration of pip and uv on this machine."""
    given, home = os.environ, Path.home()  # noqa: TID251 - of the machine, not of trimtab.
    cache = Path(given.get("XDG_CACHE_HOME") or home / ".cache")
    config = Path(given.get("XDG_CONFIG_HOME") or home / ".config")
    if not config.joinpath("pip").exists():  # The tests' own folder; see tests/conftest.py.
        config = home / ".config"
    files = {
        "PIP_CONFIG_FILE": config / "pip" / "pip.conf",
        "UV_CONFIG_FILE": config / "uv" / "uv.toml",
    }
    found = {"UV_CACHE_DIR": str(cache / "uv"), "PIP_CACHE_DIR": str(cache / "pip")}
    found |= {name: str(file) for name, file in files.items() if file.exists()}
    # How this machine reaches an index: certificates and proxies.
    network = ("UV_", "PIP_", "SSL_CERT_", "REQUESTS_CA_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return found | {name: given[name] for name in given if name.upper().startswith(network)}


class Machine:
    """A fresh clone with an environment of its own."""

    def __init__(self, folder):
        self.clone, self.home, self.temporary = folder / "trimtab", folder / "home", folder / "tmp"
        shutil.copytree(ROOT, self.clone, ignore=NOT_CLONED)
        self.home.mkdir(mode=0o700)
        self.temporary.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.environment = {
            **installers(),
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            # The one thing that differs from the README: another test run may be using port 8000.
            "TRIMTAB_SERVICE_PORT": str(port),
            "PYTHON": os.path.realpath(sys.executable),
        }

    def processes(self):
        """Return the processes that live in the home."""
        found = {}
        for process in psutil.process_iter():
            try:
                if process.environ().get("HOME") == str(self.home):
                    found[process.pid] = " ".join(process.cmdline())
            except psutil.Error:
                continue
        return found

    def type(self, lines):
        """Type the lines into a new shell; return what it printed."""
        script = self.clone.parent / "typed.sh"
        script.write_text(f"set -e\n{lines}", encoding="utf-8")
        done = subprocess.run(
            ["bash", "--norc", script],
            capture_output=True, text=True, cwd=self.clone, env=self.environment, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Terminal:
    """A shell at a terminal of its own, so that what it starts talks as to a person."""

    def __init__(self, machine, lines):
        leader, follower = os.openpty()
        self._leader = leader
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", "bash", "--norc", "-c", lines],
            stdin=follower, stdout=follower, stderr=follower, cwd=machine.clone, env=machine.environment,
        )  # fmt: skip
        os.close(follower)
        self.said = ""
        self._changed = threading.Condition()
        self._ended = False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self):
        while True:
            try:
                text = os.read(self._leader, 4096).decode(errors="replace")
            except OSError:  # The terminal has no other end any more.
                text = ""
            with self._changed:
                self.said += text
                self._ended = not text
                self._changed.notify_all()
                if self._ended:
                    return

    def wait_for(self, text):
        with self._changed:
            self._changed.wait_for(lambda: text in self.said or self._ended)
        assert text in self.said, self.said

    def press_ctrl_c(self):
        os.write(self._leader, b"\x03")

    def close(self):
        try:
            return self.process.wait(120)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self._listener.join(10)
            os.close(self._leader)


def upload_and_ask(page, link, file):  # noqa: F811
    page.goto(link)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    follow(page, page.get_by_role("link", name="Documents", exact=True).first)
    page.get_by_label("New project").fill("harbour")
    page.get_by_role("button", name="Create").click()
    choose_files(page, page.get_by_text("Choose files").click, file)
    expect(page.locator("#uploads li .chip")).to_have_text("added", timeout=PATIENCE_MS)
    follow(page, page.get_by_role("link", name="Ask this project"))
    page.get_by_label("Question").fill("Where does the harbour pilot board ships?")
    press(page, "Enter")
    expect(page.locator(".answer-text")).to_contain_text("outer buoy")
    expect(page.locator(".citation")).to_contain_text("pilot.pdf")
    assert page.trouble == []


def interrupt_the_installation(machine, start):
    """Press Ctrl-C while packages are installed; the next `make run` has to go on from there."""
    terminal = Terminal(machine, start)
    terminal.wait_for("2 of 3")
    terminal.press_ctrl_c()
    assert terminal.close() != 0
    assert "Traceback" not in terminal.said
    assert machine.processes() == {}


def ask_the_first_question(machine, lines):
    said = machine.type(lines)
    first, _, _ = said.partition("mydocs")
    assert re.search(r"(queries|searches) continue", first, re.IGNORECASE), first
    assert re.search(r"\.md", first)


def see_the_demo(machine, lines):
    before = machine.processes()
    said = machine.type(lines)
    assert "is resolved" in said
    assert "Next, on a service of your own:" in said
    after = machine.processes()
    assert {pid: line for pid, line in after.items() if pid not in before} == {}
    assert list(machine.temporary.iterdir()) == []


def test_the_readme_leads_a_newcomer_to_answers_on_a_clean_machine(page, tmp_path):  # noqa: F811
    machine = Machine(tmp_path)
    start, others = commands()
    activate = others.splitlines(keepends=True)[0]
    assert activate.startswith("source ")
    questions, demo, rest = others.partition("trimtab demo")
    interrupt_the_installation(machine, start)
    terminal = Terminal(machine, start)
    try:
        terminal.wait_for("handbook ready")
        (link,) = re.findall(r"http://localhost:\d+/console/login#token=\S+", terminal.said)
        ask_the_first_question(machine, questions)
        (tmp_path / "pilot.pdf").write_bytes(pdf(SENTENCE))
        upload_and_ask(page, link, tmp_path / "pilot.pdf")
        see_the_demo(machine, activate + demo + rest)
        terminal.press_ctrl_c()
    finally:
        code = terminal.close()
    assert code in (0, 130, -signal.SIGINT), terminal.said
    assert "Traceback" not in terminal.said
    assert machine.processes() == {}
    assert list(machine.temporary.iterdir()) == []
    # `ingest` remembers which documents came from a folder, for --prune; nothing else is in the home.
    kept = {file.parent for file in machine.home.rglob("*") if file.is_file()}
    assert kept == {machine.home / ".config" / "trimtab" / "watched"}
