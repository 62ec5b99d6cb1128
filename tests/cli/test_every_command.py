"""One table over every command: its help at 40 columns, its JSON, and its exit code."""

import json
import shlex
import subprocess
import sys

import pytest
import typer

from tests.processes import run, start, with_models
from trimtab.cli.main import app, main

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.

TABLE = {
    # command: (arguments, exit code), on a service with the project `ship` of one document.
    "status": ("", 0),
    "console": ("", 0),
    "settings": ("", 0),
    "ingest": ("ship {folder}", 0),
    "search": ("ship rudder", 0),
    "ask": ("ship rudder?", 0),
    "projects list": ("", 0),
    "projects create": ("other", 0),
    "projects delete": ("nowhere --yes", 4),
    "documents list": ("ship --since 7d", 0),
    "documents show": ("ship rudder.txt", 0),
    "documents delete": ("ship nothing.txt --yes", 4),
    "documents label": ("ship rudder.txt", 0),
    "documents review": ("ship rudder.txt", 0),
    "knowledge evaluate": ("--data {folder}", 2),
    "knowledge verify": ("", 0),
    "knowledge backup": ("", 0),
    "knowledge backups": ("", 0),
    "knowledge restore": ("", 0),
    "knowledge recover": ("", 0),
    "knowledge merge": ("--backup x --recovery y --output {folder}/z", 4),
    "knowledge scaffold": ("{folder}/new", 0),
    "knowledge contradictions": ("ship", 0),
    "knowledge disk": ("", 0),
    "knowledge clean-up": ("--dry-run", 0),
    "knowledge move": ("ship --to nowhere", 2),
    "knowledge warm": ("", 0),
    "knowledge cache-trial": ("--entries 10 --entries 20", (0, 4)),
    "knowledge schema": ("", 0),
    "knowledge ingest": ("ship {folder}", 0),
    "knowledge re-embed": ("nowhere --embedder multilingual", 4),
    "llm connect": ("other --model x --api http://127.0.0.1:9/v1", 6),
    "llm status": ("", 0),
    "llm disconnect": ("--yes", 0),
    "models drift": ("m --data {folder}/none.csv --reference {folder}/none.csv", 2),
    "models reference": ("m --data {folder}/none.csv", 2),
    "models observe": ("m {folder}/none.jsonl", 2),
    "models label": ("m {folder}/none.jsonl", 2),
    "models monitoring": ("", 0),
    "models retrain": ("m --data {folder}/none.jsonl", 2),
    "models update": ("--data {folder}/none.jsonl", 2),
    "models retrainings": ("", 0),
    "models decide": ("nothing --approve --yes", 4),
    "models list": ("", 0),
    "models train": ("weather --data {folder}", 4),
    "models evaluate": ("weather --data {folder}", 4),
    "models earnings": ("{folder}/rudder.txt", 0),
    "models versions": ("nothing", 4),
    "models show": ("nothing", 4),
    "models log": ("nothing", 4),
    "models verify": ("nothing", 4),
    "models request": ("nothing", 4),
    "models register": ("churn {folder}", 2),
    "models to-onnx": ("nothing", 4),
    "models export": ("nothing {folder}/new", 4),
    "models alias": ("nothing candidate 1", 4),
    "models promote": ("nothing 1", 4),
    "models rollback": ("nothing --yes", 4),
    "models predict": ("nothing {folder}/rudder.txt", 2),
    "models health": ("nothing", 4),
    "models serve-check": ("", 0),
    "models canary start": ("nothing 1", 4),
    "models canary show": ("nothing", 4),
    "models canary stop": ("nothing", 4),
    "traces list": ("", 0),
    "traces show": ("nothing", 4),
    "answers eval": ("--golden {folder}/no.jsonl --traces-dir {folder}", 2),
    "answers load-test": ("--project ship --target http://127.0.0.1:9 --queries 1", 1),
    "answers traces": ("--output-dir {folder}/traces", 0),
    "answers evaluate": ("--data {folder}/none", 2),
    "answers tasks": ("daily", 0),
    "answers erase": ("nobody --yes", 0),
    "answers replay": ("--set top_k=3", 0),
    "answers shadow": ("", 2),
    "answers canary": ("", 2),
    "answers reviews": ("", 0),
    "answers golden stats": ("--data {folder}/none", 2),
    "answers golden coverage": ("--data {folder}/none --traces-dir {folder}", 2),
    "review export": ("--output-dir {folder}/golden_dataset", 0),
    "answers flywheel": ("--week 2026-W01 --output-dir {folder}/reports", 0),
    "notifications test": ("", 1),
    "notifications list": ("", 0),
    "notifications replay": ("", 0),
    "kubernetes status": ("", 0),
    "kubernetes forecast": ("", 0),
    "kubernetes rbac": ("", 0),
    "kubernetes manifests": ("", 0),
    "maintenance on": ("--scope nothing", 2),
    "maintenance off": ("", 0),
    "maintenance status": ("", 0),
    "runbooks revisions": ("", (0, 1)),
    "profile memory": ("--seconds 1", 0),
    "queries": ("", 0),
    "fleet": ("", 0),
    "restart": ("", 3),
    "move-to": ("sqlite:", 3),
    "rollback": ("configuration", 3),
    "watchdog": ("--once", 6),
    "calendar list": ("", 0),
    "calendar show": ("nothing", 4),
    "calendar add": ("Look --owner sam --due 2130-01-01", 0),
    "calendar done": ("nothing", 4),
    "calendar drop": ("nothing --note none", 4),
    "calendar move": ("nothing --owner sam", 4),
    "review guard-rules": ("", 0),
    "review next": ("", 0),
    "review show": ("nothing", 4),
    "review submit": ("nothing --verdict good", 4),
    "review skip": ("nothing", 4),
    "review return": ("nothing", 4),
    "review queues": ("", 0),
    "review list": ("", 0),
    "review clear": ("review_queue:low_priority --yes", 0),
    "review archives": ("", 0),
    "review restore": ("nothing", 4),
    "review candidates": ("", 0),
    "review decide": ("nothing", 4),
    "guardrails evaluate": ("--data {folder}/none", 2),
    "guardrails load-test": ("--checks 10 --concurrency 1", 0),
    "guardrails train": ("--data {folder}/none", 2),
    "incidents list": ("", 0),
    "incidents show": ("INC-1", 4),
    "incidents watch": ("INC-1", 4),
    "incidents approve": ("INC-1 --yes", 4),
    "incidents reject": ("INC-1", 4),
    "incidents close": ("INC-1", 4),
    "incidents postmortem": ("INC-1", 4),
    "incidents report": ("", 0),
    "incidents declare": ("Rudder --severity P3", 0),
    "incidents acknowledge": ("INC-1", 4),
    "incidents assign": ("INC-1 me", 4),
    "incidents note": ("INC-1 seen", 4),
    "incidents severity": ("INC-1 P2", 4),
    "incidents take-over": ("INC-1", 4),
    "incidents hand-back": ("INC-1", 4),
    "incidents resolve": ("INC-1 --cause x --resolution y", 4),
    "incidents follow-up": ("INC-1 test", 4),
    "incidents similar": ("rudder", 0),
    "incidents replay": ("INC-1", 4),
    "incidents dependencies": ("", 0),
    "incidents propose": ("INC-1 --cause x --act 'notify.send text=x'", 4),
    "mcp": ("--role nobody", 2),
    "incidents evaluate": ("--rca {folder}", 2),
    "incidents alerts": ("", 0),
    "incidents send": ("alertname=Rudder --resolved", 0),
    "incidents silences list": ("", 0),
    "incidents silences add": ("alertname=Rudder --comment work", 0),
    "incidents silences end": ("nothing", 4),
    "oncall show": ("", 0),
    "oncall policies": ("", 0),
    "oncall override": ("nobody me --start 2026-01-01 --end 2026-01-02", 4),
    "oncall end-override": ("nothing", 4),
    "runbooks list": ("", 0),
    "runbooks show": ("knowledge-cache-miss", 0),
    "runbooks lint": ("", 0),
    "drills list": ("", 0),
    "drills run": ("no/such --dry-run", 2),
    "drills export": ("{folder}/proofs.json", 4),
    "alerts": ("", 0),
    "logs": ("", 0),
    "read": ("knowledge.documents.queued", 0),
    "check": ("'no_such_metric > 0'", 3),
    "act": ("no.such", 4),
    "fault": ("no.such", 4),
    "keys create": ("ci", 0),
    "keys list": ("", 0),
    "keys revoke": ("nobody --yes", 4),
    "keys rotate": ("nobody --yes", 4),
    "keys review": ("", 0),
    "audit verify": ("", 0),
    "audit list": ("", 0),
    "completion": ("bash", 0),
    "gates run": ("{folder}/no.json", 2),
    "gates repository": ("--project {folder} --only schema", 0),
    "gates import": ("{folder}/no.json --from lm-eval -o {folder}/x.json", 2),
    "gates prove": ("{folder}/no.json -- true", 2),
    "gates selftest": ("--gate schema", 0),
    "gates fields": ("{folder}/no.json", 2),
    "gates schemas": ("--project {folder}", 0),
    "gates show": ("{folder}/no.json", 2),
    "gates migrate": ("{folder}/no.json -o {folder}/x.json", 2),
    "gates triage": ("", 0),
    "gates matrix": ("", 0),
    "gates windows": ("mmlu", 0),
    "gates datasets": ("--project {folder}", 1),
    "gates permissions": ("--project {folder}", 3),
    "gates approve": ("baseline {folder}/no.json --by me --reason why", 2),
    "gates drift": ("--project {folder}", 2),
    "gates sbom": ("--project {folder} --dry-run", 0),
    "gates sign": ("{folder}/no.json --project {folder}", 2),
    "gates verify": ("--project {folder}", 1),
    "gates audit": ("--project {folder}", 3),
    "gates pip-check": ("--project {folder}", 0),
    "gates licences": ("--project {folder}", 0),
    "gates sweep": ("--project {folder}", 1),
    "gates reset": ("--project {folder}", 1),
    "gates profile": ("{folder}/no.py", 2),
    "gates resources": ("", 0),
    "gates environment": ("", 1),
    "gates scaffold": ("{folder}/gates", 0),
    "gates manifest create": ("--project {folder}", 3),
    "gates manifest list": ("--project {folder}", 0),
    "gates manifest show": ("none --project {folder}", 1),
    "gates baseline show": ("--project {folder}", 2),
    "gates baseline list": ("--project {folder}", 2),
    "gates baseline promote": ("-r {folder}/no.json --project {folder}", 2),
    "gates keys new": ("--name me --project {folder}", 0),
    "gates keys trust": ("{folder}/no.pub --name me --project {folder}", 1),
    "gates keys list": ("--project {folder}", 1),
    "gates keys rotate": ("--name me --yes --project {folder}", 0),
    "gates keys revoke": ("nobody --yes --project {folder}", 2),
    "gates advisories show": ("--project {folder}", (0, 3)),
    "gates advisories refresh": ("{folder}/no.zip --project {folder}", 2),
    "gates logs errors": ("--project {folder}", 0),
    "gates logs schema": ("--project {folder}", 0),
    "gates logs performance": ("--project {folder}", 0),
    "gates logs structured": ("--project {folder}", 0),
}
OF_ITS_OWN = {"serve", "demo", "drills outage"}
"""Start services: tests/cli/test_service.py, test_demo.py, test_bad_input.py and drills/test_outage.py."""


def leaves(command, words=()):
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        yield " ".join(words), command
        return
    for name in list(subcommands):
        yield from leaves(subcommands[name], (*words, name))


LEAVES = dict(leaves(typer.main.get_command(app)))


@pytest.fixture(scope="module")
def service(tmp_path_factory, models):
    """Start a service with the project `ship` of one document."""
    running = start(with_models(tmp_path_factory.mktemp("every") / "data", models))
    document = write_document(tmp_path_factory.mktemp("ship"))
    assert run(running.data_dir, "ingest", "ship", str(document)).code == 0
    yield running
    running.stop()


def write_document(folder):
    file = folder / "rudder.txt"
    file.write_text("The trimtab turns the rudder with little force.\n")
    return file


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "project"
    made.mkdir()
    write_document(made)
    return made


@pytest.fixture
def here(service, trimtab):
    """Run a command on the shared service."""
    return lambda *words: trimtab("--data-dir", str(service.data_dir), *words)


def words_of(text, folder):
    return [word.replace("{folder}", str(folder)) for word in shlex.split(text)]


def help_of(words, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "argv", ["trimtab", *words, "--help"])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return capsys.readouterr().out


def test_every_command_is_in_the_table():
    assert set(TABLE) | OF_ITS_OWN == set(LEAVES)


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_takes_json_and_says_what_it_does(name):
    options = [option for param in LEAVES[name].params for option in param.opts]
    assert "--json" in options
    assert (LEAVES[name].help or "").split(".")[0].strip()


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_help_is_readable_at_40_columns(name, monkeypatch, capsys):
    text = help_of(name.split(), 40, monkeypatch, capsys)
    assert [line for line in text.splitlines() if len(line.rstrip()) > 40] == []
    assert "…" not in text
    squeezed = "".join(text.split())
    options = [max(p.opts, key=len) for p in LEAVES[name].params if p.opts[0].startswith("-")]
    assert [option for option in options if option not in squeezed] == []


KINDS = {
    # Options that are a switch or may be repeated in one command, and not so in another.
    "--label": "an access label, or the column of a model's data that is predicted",
    "--project": "the projects of a key, or the project that a command is about",
    "--done": "the answer reviews that are done, or that a follow-up is done",
    "--report": "a benchmark report, or the post-mortem in the form of an incident report",
}


def test_a_short_option_has_one_meaning_and_a_long_one_a_kind():
    long_of, kinds = {}, {}
    for command in LEAVES.values():
        for param in (each for each in command.params if each.opts[0].startswith("-")):
            names = [name for name in param.opts if name.startswith("--")]
            for short in set(param.opts) - set(names):
                long_of.setdefault(short, set()).add(names[0])
            for name in names:
                kinds.setdefault(name, set()).add((param.is_flag, param.multiple))
    assert long_of
    assert {short: names for short, names in long_of.items() if len(names) > 1} == {}
    assert {name for name, found in kinds.items() if len(found) > 1} == set(KINDS)


def test_no_command_is_there_twice():
    # `knowledge ingest` is the name of the source documents; lists leave it out.
    texts = [(command.help or "").strip() for command in LEAVES.values() if not command.hidden]
    assert sorted({text for text in texts if texts.count(text) > 1}) == []


def confirms(command):
    return any("--yes" in param.opts for param in command.params)


def test_what_deletes_or_revokes_asks_first():
    ending = {"delete", "revoke", "rotate", "erase", "reset", "disconnect"}
    named = [name for name in LEAVES if name.split()[-1] in ending]
    assert named
    assert [name for name in named if not confirms(LEAVES[name])] == []


@pytest.mark.parametrize(
    "text",
    [
        "projects delete ship",
        "documents delete ship rudder.txt",
        "keys revoke admin",
        "keys rotate admin",
        "answers erase somebody",
    ],
)
def test_without_a_person_and_without_yes_nothing_is_deleted(here, text):
    done = here(*text.split(), "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "cli.not_confirmed")
    assert "--yes" in done.json["error"]["hint"]
    assert here("documents", "show", "ship", "rudder.txt").code == 0
    assert next(iter(here("keys", "list", "--json").json["keys"]))["revoked_at"] is None


def parsed(text):
    """Return the values: one document, or one a line."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_command_prints_json_and_ends_with_its_code(here, folder, name, monkeypatch):
    monkeypatch.setenv("TRIMTAB_GATES_KEYS", str(folder.parent / "keys"))
    arguments, code = TABLE[name]
    done = here(*name.split(), "--json", *words_of(arguments, folder))
    assert done.code in (code if isinstance(code, tuple) else (code,)), (done.out, done.err)
    assert "Traceback" not in done.err
    assert parsed(done.out), (done.out, done.err)


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_refuses_an_unknown_option_with_code_2(trimtab, name):
    done = trimtab(*name.split(), "--no-such-option")
    assert done.code == 2
    assert "Traceback" not in done.err


def test_no_command_imports_what_its_help_does_not_need():
    """Each command is loaded here, as for its help; nothing of this may be felt in one."""
    code = """
import sys, typer
from trimtab.cli.main import app
def load(command):
    subcommands = getattr(command, "commands", None) or {}
    for name in list(subcommands):
        load(subcommands[name])
load(typer.main.get_command(app))
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"fastapi", "httpx", "sqlalchemy", "numpy", "ctranslate2", "sklearn", "trimtab.app"}
    heavy |= {
        f"trimtab.gates.{name}"
        for name in ("repository", "sweep", "selftest.run", "evidence", "run")
    }
    heavy |= {"markdown_it"}
    assert heavy & set(done.stdout.split()) == set()


GROUPS = sorted({name.split()[0] for name in LEAVES})


@pytest.mark.parametrize("name", ["", *GROUPS])
def test_no_help_imports_the_service(command, name):
    """Half a second of imports would be felt; this is what keeps a help below 0.4 s."""
    done = command(*name.split(), "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.code == 0, done.err
    imported = {line.rpartition("|")[2].strip() for line in done.err.splitlines()}
    heavy = {"fastapi", "httpx", "sqlalchemy", "numpy", "trimtab.app", "ctranslate2"}
    heavy |= {"rich.markdown", "rich.traceback", "markdown_it", "pygments"}
    assert heavy & imported == set()


def test_what_help_pages_do_without_is_there_for_others():
    code = """
from trimtab.cli.runtime.help_pages import import_help_pages
import_help_pages()
from rich.markdown import Markdown
from rich.traceback import Traceback
print(Markdown("# Title").parsed[0].tag, Traceback.__module__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "h1 rich.traceback\n"
