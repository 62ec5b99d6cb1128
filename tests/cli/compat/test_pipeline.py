"""The scripts of the pipeline's operations runbook, as it types them, in a scaffolded folder."""

import json
from functools import partial

import pytest

from tests.cli.compat.test_knowledge_base import run_in
from tests.processes import start, with_models
from trimtab.cli.compat.knowledge_base import write_files
from trimtab.cli.compat.pipeline import translate
from trimtab.kernel.clock import SystemClock

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.
WEEK = SystemClock().now().strftime("%G-W%V")


@pytest.fixture(scope="module")
def run(tmp_path_factory, models):
    """Run a command line in a scaffolded folder, on a service with one document."""
    folder = tmp_path_factory.mktemp("pipeline")
    write_files(folder / "app")
    corpus = folder / "app" / "docs" / "sample_corpus"
    corpus.mkdir(parents=True)
    (corpus / "pump.md").write_text("The pump needs 3 litres of oil.", encoding="utf-8")
    service = start(with_models(folder / "data", models))
    yield partial(run_in, folder / "app", service.data_dir)
    service.stop()


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
            ["ingest", "acme.corpus", "docs/", "--user-id", "system"],
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
def test_the_documents_options_become_ours(script, words, becomes):
    assert translate(script, words) == becomes
