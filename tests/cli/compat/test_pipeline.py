"""The scripts of the pipeline's operations runbook, as it types them, in a scaffolded folder."""

import json
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.cli.compat.test_knowledge_base import run_in
from tests.processes import start, with_models
from trimtab.cli.compat.knowledge_base import link_audit_log, write_files
from trimtab.cli.compat.pipeline import missing_traces, translate
from trimtab.gates.pip_launcher import LAUNCHER
from trimtab.kernel.clock import SystemClock

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.
WEEK = SystemClock().now().strftime("%G-W%V")


DOCKER = """#!/bin/sh
# No engine runs here: what Compose prints is what the service has written, each line behind the container's name.
test "$*" = "compose logs pipeline --since 24h" && sed 's/^/pipeline-1  | /' service.log
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a scaffolded folder with one document, and with the programs that the runbook expects."""
    app = tmp_path_factory.mktemp("pipeline") / "app"
    write_files(app)
    link_audit_log(app, app.parent / "data")
    corpus = app / "docs" / "sample_corpus"
    corpus.mkdir(parents=True)
    (corpus / "pump.md").write_text("The pump needs 3 litres of oil.", encoding="utf-8")
    launcher = LAUNCHER.replace("/usr/bin/env python3", sys.executable)
    for name, text in {"docker": DOCKER, "pip": launcher}.items():
        program = app / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
    return app


@pytest.fixture(scope="module")
def service(folder, models):
    """Start a service with the log profile of the Compose file; the load test gets by in one minute."""
    given = {
        "service.log_profile": "lower",
        "service.rate_limit_per_minute": "500",
        "guardrails.rules_file": str(folder / "guard-rules.yaml"),
    }
    words = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
    started = start(with_models(folder.parent / "data", models), *words)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def run(folder, service):
    """Run a command line in the scaffolded folder, on the service."""
    return partial(run_in, folder, service.data_dir)


@pytest.fixture(scope="module")
def typed(run, service):
    """Type a command of the runbook; only the port is another one, which is free on any machine."""

    def in_a_shell(command, **variables):
        here = command.replace("http://localhost:8000", service.url)
        exported = "".join(f"export {name}={value}; " for name, value in variables.items())
        return run("bash", "-c", f"export PATH=$PWD/bin:$PATH; {exported}{here}")

    return in_a_shell


@pytest.fixture(scope="module")
def cycle(run, tmp_path_factory):
    """Run the week's commands in the runbook's order; return what each printed."""
    said = {}

    def step(name, *words):
        said[name] = run("python", *words)
        assert said[name].returncode == 0, (name, said[name].stdout, said[name].stderr)

    identity = ("--user-id", "system", "--tenant-id", "default")
    step("ingest", "scripts/ingest_documents.py", "--input-dir", "docs/sample_corpus/", *identity)
    asked = run("trimtab", "ask", "corpus", "Which seal has the impeller shaft?")
    assert asked.returncode in (0, 1), asked.stderr
    step("phase 1", "scripts/run_weekly_flywheel.py", "--week", WEEK)
    said["pending"] = run("ls", "annotations/pending/")
    step("next", "scripts/annotate.py", "next")
    trace = said["next"].stdout.split()[0]
    given = ("--verdict", "good")
    step("submit", "scripts/annotate.py", "submit", trace, *given)
    step("phase 2", "scripts/run_weekly_flywheel.py", "--week", WEEK, "--continue")
    step("export", "scripts/annotate.py", "export", "--output-dir", "golden_dataset/")
    step("stats", "scripts/expand_golden_dataset.py", "stats")
    said["left"] = run("ls", "annotations/pending/")
    said["golden"] = run("cat", "golden_dataset/golden.jsonl")
    said["reports"] = run("ls", "reports")
    return said


@pytest.mark.feature("F420")
def test_the_human_step_reads_files_of_open_tasks_that_go_when_they_are_done(cycle):
    assert len(cycle["pending"].stdout.split()) == 1
    assert cycle["left"].stdout.split() == []


@pytest.mark.feature("F424")
def test_next_shows_the_question_and_the_trace(cycle):
    assert "Which seal has the impeller shaft?" in cycle["next"].stdout


@pytest.mark.feature("F425")
def test_submit_takes_the_trace_and_says_what_became_of_it(cycle):
    assert "Stored the judgement" in cycle["submit"].stdout


@pytest.mark.feature("F426")
def test_export_writes_the_golden_dataset(cycle):
    (case,) = map(json.loads, cycle["golden"].stdout.splitlines())
    assert case["question"] == "Which seal has the impeller shaft?"
    assert "1 questions" in cycle["stats"].stdout


def test_each_phase_writes_its_report(cycle):
    names = [f"flywheel-{WEEK}.json", f"flywheel-{WEEK}.md"]
    assert cycle["reports"].stdout.split() == names
    assert "1 golden questions added" in cycle["phase 2"].stdout


@pytest.mark.parametrize(
    ("script", "words", "becomes"),
    [
        (
            "ingest_documents",
            ["--input-dir", "docs/", "--user-id", "system", "--tenant-id", "acme"],
            ["ingest", "acme-corpus", "docs/", "--user-id", "system"],
        ),
        (
            "run_daily_eval",
            ["--traces-dir", "traces/local", "--output-dir", "eval_reports/"],
            ["answers", "eval", "--traces-dir", "traces/local", "--output-dir", "eval_reports/"],
        ),
        (
            "load_test",
            ["--queries", "100", "--concurrency", "5", "--target", "http://localhost:8000"],
            ["answers", "load-test", "--project", "corpus", "--queries", "100",
             "--concurrency", "5", "--target", "http://localhost:8000"],
        ),
        (
            "expand_golden_dataset",
            ["coverage"],
            ["answers", "golden", "coverage", "--data", "golden_dataset",
             "--traces-dir", "traces/local"],
        ),
    ],
)  # fmt: skip
def test_the_documents_options_become_ours(tmp_path, monkeypatch, script, words, becomes):
    monkeypatch.chdir(tmp_path)  # This repository has a baseline of the load test.
    assert translate(script, words) == becomes


def test_the_health_endpoint_is_valid_json_and_all_is_connected(typed):
    """ENT-CMD01."""
    done = typed("curl -s http://localhost:8000/health | python -m json.tool")
    assert done.returncode == 0, done.stderr
    components = json.loads(done.stdout)["components"]
    assert components
    assert {each["connected"] for each in components.values()} == {True}


def test_the_firing_alerts_are_listed_in_the_form_of_prometheus(typed):
    """ENT-CMD02, on this service; on a Prometheus: `test_compose`."""
    done = typed("curl -s http://localhost:8000/api/v1/alerts | python -m json.tool")
    assert json.loads(done.stdout)["status"] == "success"


@pytest.mark.feature("F413")
def test_the_errors_of_the_log_are_found_by_their_exact_text(typed, service, folder):
    """ENT-CMD03."""
    command = """docker compose logs pipeline --since 24h | grep '"level":"error"'"""
    log = folder / "service.log"
    log.write_text("".join(service.said), encoding="utf-8")
    assert '"level":"info"' in log.read_text(encoding="utf-8")
    assert typed(command).returncode == 1
    rules = folder / "guard-rules.yaml"
    rules.write_text("no_such_rule: 1\n", encoding="utf-8")
    service.wait_for("guard_rules_refused")
    log.write_text("".join(service.said), encoding="utf-8")
    done = typed(command)
    assert done.returncode == 0
    assert "guard_rules_refused" in done.stdout
    rules.unlink()


@pytest.fixture(scope="module")
def answered(cycle, run):
    """Ask what the document answers, after the weekly cycle."""
    done = run("trimtab", "ask", "corpus", "How much oil does the pump need?")
    assert done.returncode == 0, done.stderr


def test_the_daily_evaluation_writes_the_traces_and_asks_them_again(answered, typed, folder):
    """ENT-CMD09."""
    done = typed(
        "python scripts/run_daily_eval.py --traces-dir traces/local --output-dir eval_reports/"
    )
    assert "1 cases, mean score 1.000, 0 errors" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout
    assert (folder / "eval_reports" / "latest.json").is_file()
    traces = (folder / "traces" / "local" / "traces.jsonl").read_text(encoding="utf-8")
    assert "How much oil does the pump need?" in traces


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["answers", "golden", "stats"], []),
        (["answers", "eval", "--traces-dir"], []),
        (
            ["answers", "eval", "--traces-dir", "none"],
            ["answers", "traces", "--output-dir", "none"],
        ),
        (["answers", "eval", "--traces-dir", "some"], []),
        (["answers", "eval", "--traces-dir", "some/traces.jsonl"], []),
    ],
)
def test_traces_that_are_there_are_not_written_again(tmp_path, monkeypatch, words, first):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "traces.jsonl").touch()
    assert missing_traces(words) == first


def test_the_load_test_compares_with_the_baseline_of_the_folder(cycle, typed, folder):
    """ENT-CMD10."""
    command = (
        "python scripts/load_test.py --queries 100 --concurrency 5 --target http://localhost:8000"
    )
    alone = typed(command)
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert "queries: 100" in alone.stdout
    assert "baseline_p95_ms: -" in alone.stdout
    baseline = folder / "docs" / "baselines" / "production-baseline.json"
    baseline.parent.mkdir()
    for p95, code in ((1e9, 0), (0.001, 1)):
        load = {"queries": 100, "concurrency": 5, "p95_ms": p95}
        baseline.write_text(json.dumps(load), encoding="utf-8")
        compared = typed(command)
        found = (compared.returncode, f"baseline_p95_ms: {p95}" in compared.stdout)
        assert found == (code, True), compared.stdout + compared.stderr


def test_known_vulnerabilities_are_looked_up(typed):
    """ENT-CMD11."""
    done = typed("pip audit")
    assert "advisories" in done.stdout, done.stderr
    assert done.returncode in (0, 1, 3)  # 3: the advisories are old, which a person has to judge.


class PackageIndex(BaseHTTPRequestHandler):
    """A package index that has a newer release of pip, and nothing else."""

    def do_GET(self):
        page = b'<a href="/pip-9999.0-py3-none-any.whl">pip-9999.0-py3-none-any.whl</a>'
        if self.path != "/simple/pip/":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


@contextmanager
def package_index():
    with ThreadingHTTPServer(("127.0.0.1", 0), PackageIndex) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.feature("F433")
def test_newer_releases_are_listed_by_pip_itself(typed):
    """ENT-CMD12; the launcher that knows `pip audit` passes all else to pip."""
    with package_index() as address:
        done = typed(
            "pip list --outdated",
            PIP_INDEX_URL=address, PIP_CONFIG_FILE="/dev/null", PIP_NO_INDEX="", PIP_EXTRA_INDEX_URL="",
            PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_RETRIES="0", NO_PROXY="127.0.0.1", no_proxy="127.0.0.1",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ["pip", "9999.0"] in [line.split()[::2] for line in done.stdout.splitlines()]


def test_gaps_of_the_golden_questions_are_listed(answered, typed):
    """ENT-CMD14."""
    done = typed("python scripts/expand_golden_dataset.py coverage")
    assert (done.returncode, done.stderr) == (1, "")
    assert "of what is asked" in done.stdout


def test_the_files_of_the_audit_log_are_listed(cycle, typed, service):
    """ENT-CMD15."""
    done = typed("ls -la audit_logs/local/")
    assert done.returncode == 0, done.stderr
    kept = {file.name for file in (service.data_dir / "audit_logs" / "local").iterdir()}
    shown = {line.split()[-1] for line in done.stdout.splitlines() if line.endswith(".json")}
    assert shown
    assert shown <= kept


@pytest.mark.feature("F486")
def test_what_the_script_ingests_for_a_user_goes_with_the_user(run, typed, folder, service):
    """ENT-CMD29, then ENT-CMD23."""
    for name, owner in (("oars.md", "ingrid"), ("sails.md", "system")):
        given = folder / "docs" / owner / name
        given.parent.mkdir()
        given.write_text(f"The {name} of the ship are in the locker.", encoding="utf-8")
        done = typed(
            f"python scripts/ingest_documents.py --input-dir docs/{owner}/ --user-id {owner} --tenant-id acme"
        )
        assert done.returncode == 0, done.stderr

    def names():
        listed = run("trimtab", "--json", "documents", "list", "acme-corpus")
        return sorted(each["name"] for each in json.loads(listed.stdout)["documents"])

    assert names() == ["oars.md", "sails.md"]
    key = (service.data_dir / "admin.key").read_text(encoding="utf-8").strip()
    asked = f'curl -X DELETE http://localhost:8000/api/v1/users/ingrid/data -H "X-API-Key: {key}"'
    erasure = json.loads(typed(asked).stdout)
    state = f'curl -s http://localhost:8000/api/v1/erasures/{erasure["id"]} -H "X-API-Key: {key}"'
    while erasure["state"] == "running":  # It goes on in the background on a busy machine.
        erasure = json.loads(typed(state).stdout)
    assert erasure["state"] == "done"
    assert names() == ["sails.md"]
    found = run("trimtab", "--json", "search", "acme-corpus", "Where are the oars of the ship?")
    assert "oars.md" not in found.stdout
    assert "sails.md" in found.stdout
