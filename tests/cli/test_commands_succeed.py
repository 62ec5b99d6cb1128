"""A second table over the commands: each does its work on a service that has something to work on.

The first one, in test_every_command.py, has the command that fails where the thing is missing.
"""

import io
import re
import shlex
import sys

import pytest

from tests.answers.openai_server import openai_server
from tests.cli.stock import Stock
from tests.cli.test_every_command import OF_ITS_OWN, TABLE, parsed
from tests.processes import start, with_models

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.

SUCCEED = {
    "projects delete": "{project} --yes",
    "documents delete": "{project} rudder.txt --yes",
    "llm connect": "other --model tiny --api {language_model} --dry-run",
    "models drift": "m --data {transactions} --reference {transactions}",
    "models reference": "m --data {transactions}",
    "models observe": "{monitored} {observations}",
    "models label": "{observed} {labels}",
    "models versions": "{model}",
    "models show": "{model}",
    "models log": "{model}",
    "models verify": "{model}",
    "models request": "{predicted}",
    "models register": "new {artifact} --sample {table} --label churned",
    "models export": "{model} {folder}/exported",
    "models alias": "{model} candidate 1",
    "models promote": "{twice} 1",
    "models rollback": "{twice} --yes",
    "models predict": "{model} {table} --label churned",
    "models health": "{model}",
    "models canary start": "{twice} 1",
    "models canary show": "{canaried}",
    "models canary stop": "{canaried}",
    "traces show": "{trace}",
    "maintenance on": "--scope writes --message soon",
    "review show": "{item}",
    "review submit": "{taken} --verdict good",
    "review skip": "{taken}",
    "review return": "{taken}",
    "review restore": "{archive}",
    "review decide": "{candidate}",
    "incidents show": "{incident}",
    "incidents watch": "{resolved}",
    "incidents postmortem": "{resolved}",
    "incidents acknowledge": "{incident}",
    "incidents assign": "{incident} me",
    "incidents note": "{incident} seen",
    "incidents severity": "{incident} P2",
    "incidents take-over": "{incident}",
    "incidents hand-back": "{taken_over}",
    "incidents resolve": "{incident} --cause seal --resolution 'a new one'",
    "incidents follow-up": "{incident} 'Order a seal.'",
    "incidents silences end": "{silence}",
    "drills run": "knowledge-cache-miss --dry-run",
    "drills export": "{folder}/proofs.json",
    "act": "review.collect",
    "fault": "",
    "keys revoke": "{key} --yes",
    "keys rotate": "{key} --yes",
}
NOT_HERE = {
    # Need a dataset, another server, a long training or a release; each has tests of its own.
    *("knowledge evaluate", "knowledge merge", "knowledge move", "knowledge cache-trial"),
    *("knowledge re-embed", "models train", "models evaluate", "models retrain", "models decide"),
    *("answers eval", "answers load-test", "answers evaluate", "answers shadow", "answers canary"),
    *("answers golden stats", "answers golden coverage", "notifications test"),
    *("guardrails evaluate", "guardrails train", "incidents evaluate", "check"),
    # Run until they are stopped, or need releases, a calendar or earlier incidents; each has tests of its own.
    *("mcp", "watchdog", "restart", "rollback", "runbooks revisions", "models to-onnx"),
    "move-to",
    *("models update", "incidents propose", "incidents replay"),
    *("calendar show", "calendar move", "calendar done", "calendar drop"),
    # Need a plan that waits, or a schedule in the settings.
    *("incidents approve", "incidents reject", "incidents close"),
    *("oncall override", "oncall end-override"),
}
READ = (
    *("status", "fleet", "settings", "projects list", "documents list {project}", "traces list"),
    *("traces show {trace}", "models list", "models versions {twice}", "models show {model}"),
    *("models log {twice}", "models predict {model} {table} --label churned"),
    *("models canary show {canaried}", "models monitoring", "models monitoring {observed}"),
    *("incidents list", "incidents alerts", "incidents silences list", "incidents report"),
    *("incidents show {incident}", "incidents postmortem {resolved}", "oncall show"),
    *("oncall policies", "runbooks list", "runbooks show knowledge-cache-miss", "drills list"),
    *("alerts", "read", "act --list", "fault", "keys list", "keys review", "audit list"),
    *("notifications list", "review queues", "review list", "review show {item}"),
    *("review candidates", "review archives", "knowledge disk", "knowledge backups"),
    *("search {project} rudder", "ask {project} rudder?", "answers reviews", "gates matrix"),
    *("gates triage", "gates windows mmlu", "gates resources", "llm status", "maintenance status"),
)
"""Commands that print tables or several lines."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CROWDED = re.compile(r"(?:^\W*\w{1,2}\W*\n){4}", re.MULTILINE)
"""Four lines with hardly a character: a column too narrow to read."""


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture(scope="module")
def service(tmp_path_factory, models):
    data_dir = with_models(tmp_path_factory.mktemp("succeed") / "data", models)
    running = start(data_dir, "--set", "service.drills=true")
    yield running
    running.stop()


@pytest.fixture
def run(service, trimtab):
    return lambda *words: trimtab("--data-dir", str(service.data_dir), *words)


@pytest.fixture
def stock(run, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    stock = Stock(run, folder)
    with openai_server() as server:
        stock.constants["language_model"] = server.url
        yield stock


def test_every_command_succeeds_in_one_of_the_tables():
    by_itself = {name for name, (_, code) in TABLE.items() if code == 0}
    gates = {name for name in TABLE if name.startswith("gates ")}  # tests/gates
    assert {*SUCCEED, *NOT_HERE, *by_itself, *gates, *OF_ITS_OWN} == {*TABLE, *OF_ITS_OWN}
    assert set(SUCCEED) & (NOT_HERE | by_itself | gates) == set()


@pytest.mark.parametrize("name", sorted(SUCCEED))
def test_a_command_does_its_work_and_prints_json(run, stock, name):
    arguments = shlex.split(SUCCEED[name].format_map(stock))
    try:
        done = run(*name.split(), *arguments, "--json")
    finally:
        if name == "maintenance on":
            run("maintenance", "off")
    assert (done.code, done.err) == (0, ""), done.out
    assert parsed(done.out)


@pytest.mark.parametrize("text", READ)
def test_what_a_command_prints_is_readable_at_40_columns(run, stock, text, monkeypatch):
    words = shlex.split(text.format_map(stock))
    terminal = Terminal()
    with monkeypatch.context() as patched:
        patched.setenv("COLUMNS", "40")
        patched.setattr(sys, "stdout", terminal)
        done = run(*words)
    printed = COLOUR.sub("", terminal.getvalue())
    assert (done.code, done.err) == (0, "")
    assert not CROWDED.search(printed), printed
