"""The ten-minute start and the how-to guides are run as they stand, against a real service."""

import re
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests.answers.openai_server import openai_server
from tests.infra.test_notification_channels import Receiver
from tests.knowledge.documents import pdf
from tests.processes import (  # noqa: F401 - fixtures.
    COMMAND,
    clean_environment,
    models,
    start,
    with_models,
)

DOCS = Path(__file__).parent.parent.parent / "docs"
GUIDES = (
    "start.md",
    "how-to/ingest-a-folder-of-pdfs.md",
    "how-to/ask-from-python-and-curl.md",
    "how-to/annotate-ten-answers.md",
    "how-to/announce-maintenance.md",
    "how-to/run-several-processes.md",
    "how-to/set-up-slack.md",
    "how-to/watch-from-outside.md",
    "how-to/serve-a-scikit-learn-model.md",
    "how-to/alertmanager.md",
    "how-to/connect-a-model.md",
)
IN_A_BROWSER = {"how-to/upload-documents-in-the-console.md"}
"""Followed in tests/console/test_browser_documents.py and tests/test_clean_machine.py."""
ELSEWHERE = {
    "how-to/run-on-postgresql.md",
    "how-to/move-to-postgresql.md",
    "how-to/deploy-on-kubernetes.md",
    "how-to/run-the-image.md",
}
"""Followed in tests/infra/postgresql/test_guide.py, tests/app/move/test_guide.py, tests/kubernetes/live/test_guide.py and tests/image/test_image.py, which need a cluster and an image."""
BLOCK = re.compile(r"^( *)```(sh|python)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, models):  # noqa: F811 - a fixture.
    """Return a folder as after a clone, with a running service on its data directory."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(DOCS / "sample_corpus", folder / "docs" / "sample_corpus")
    (folder / "pdfs").mkdir()
    (folder / "pdfs" / "manual.pdf").write_bytes(pdf("The pump needs 3 litres of oil."))
    (folder / "key.txt").write_text("sk-key\n")
    slack = Receiver()
    with slack.serve() as hook:
        words = ("--set", f"notify.slack_webhook_url={hook}")
        service = start(with_models(folder / "data", models), *words)
        yield folder, service.url
        service.stop()
    assert any(b"Test message" in body for _, _, body in slack.got)


def blocks(guide):
    """Return the language and the code of each block that is run, also of those in lists."""
    found = BLOCK.findall((DOCS / guide).read_text(encoding="utf-8"))
    return [(language, dedent(text)) for _, language, text in found]


@pytest.fixture(scope="module")
def language_model():
    """Run a server that takes the place of Ollama and of OpenAI."""
    names = ("llama3.1:8b", "gpt-4o-mini")
    with openai_server(models=names, replies=["It has seven doors [1]."]) as server:
        yield server


@pytest.fixture(scope="module")
def said(folder, language_model):
    """Return what each guide printed; they are run in order, as a reader does."""
    where, url = folder
    elsewhere = {
        "http://localhost:8000": url,
        "llm connect ollama": f"llm connect ollama --api {language_model.url}",
        "llm connect openai": f"llm connect openai --api {language_model.url}",
    }
    printed = {}
    for guide in GUIDES:
        script = ["set -euo pipefail", f'trimtab() {{ "{COMMAND}" "$@"; }}']
        for number, (language, text) in enumerate(blocks(guide)):
            code = text
            for shown, here in elsewhere.items():
                code = code.replace(shown, here)
            if language == "python":
                file = where / f"{number}.py"
                file.write_text(code, encoding="utf-8")
                script.append(f'"{COMMAND.parent}/python" {file}')
            else:
                script += [line for line in code.splitlines() if not line.startswith("source ")]
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            capture_output=True, text=True, timeout=300, cwd=where, env=clean_environment(), check=False,
        )  # fmt: skip
        assert done.returncode == 0, (guide, done.stdout, done.stderr)
        printed[guide] = done.stdout
    return printed


@pytest.mark.feature("F499")
def test_the_start_answers_from_the_sample_corpus_and_refuses_what_it_does_not_hold(said):
    out = said["start.md"]
    assert "8883" in out
    assert "one year" in out
    assert "do not answer that" in out
    assert out.count("trace trace_") == 3


def test_a_pdf_of_the_folder_comes_in(said):
    assert re.search(r"manual\.pdf\s+ingested", said["how-to/ingest-a-folder-of-pdfs.md"])


def test_a_program_gets_a_cited_answer_over_curl_and_python(said):
    out = said["how-to/ask-from-python-and-curl.md"]
    assert '"found":true' in out
    assert "8883" in out
    assert "warranty.md" in out


def test_ten_answers_are_annotated(said):
    out = said["how-to/annotate-ten-answers.md"]
    assert "Stored the judgement" in out
    assert "review_queue:normal_priority" in out


def test_maintenance_is_announced_and_ended(said):
    out = said["how-to/announce-maintenance.md"]
    assert "Maintenance mode is on for all" in out
    assert '"error":"Back at nine."' in out
    assert out.rstrip().endswith("Maintenance mode is off.")


def test_the_processes_are_listed(said):
    assert re.search(
        r"process_\w+ +leads +all +http://127\.0\.0\.1:\d+", said["how-to/run-several-processes.md"]
    )


def test_slack_is_tested(said):
    assert "slack: delivered" in said["how-to/set-up-slack.md"]


def test_a_scikit_learn_model_is_saved_registered_asked_and_rolled_back(said):
    out = said["how-to/serve-a-scikit-learn-model.md"]
    assert "Registered tumour@1" in out
    assert "'confidence'" in out
    assert "tumour is healthy" in out
    assert "production points to version 1 (before: version 2)." in out


def test_alerts_of_others_arrive(said):
    out = said["how-to/alertmanager.md"]
    assert "DiskFull  severity=warning service=shop" in out
    assert "Checkout is slow" in out


def test_a_language_model_is_connected_shown_and_forgotten(said, language_model):
    out = said["how-to/connect-a-model.md"]
    assert "llama3.1:8b writes the answers" in out
    assert "gpt-4o-mini writes the answers" in out
    assert "Asked in this order: extractive." in out.splitlines()[-1]
    assert {"Bearer sk-key"} <= language_model.keys()


def test_every_guide_is_followed_and_is_in_the_index():
    guides = {f"how-to/{file.name}" for file in (DOCS / "how-to").glob("*.md")} | {"start.md"}
    assert guides == {*GUIDES, *IN_A_BROWSER, *ELSEWHERE}
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert [guide for guide in guides if f"({guide})" not in index] == []
