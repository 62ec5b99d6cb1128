"""The commands of the KnowledgeBeast runbook, as it types them, in a scaffolded folder."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.processes import clean_environment, start, with_models
from tests.processes import run as command_on
from trimtab.cli.compat.knowledge_base import write_files

SIZES = """
from knowledgebeast.core import KnowledgeBase
kb = KnowledgeBase()
for project in kb.list_projects():
    size = kb.get_collection_size(project)
    print(f'{project}: {size} vectors')
"""


pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.


@pytest.fixture
def folder(tmp_path):
    write_files(tmp_path / "app")
    return tmp_path / "app"


def run_in(folder, data_dir, *words):
    """Run a command line in a folder, on a data directory."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    environment = clean_environment(TRIMTAB_SERVICE_DATA_DIR=str(data_dir), PATH=path)
    return subprocess.run(
        words, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory, models):
    """Start one service with one document for all tests."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "whales.md").write_text("Whales sing at night.", encoding="utf-8")
    data_dir = with_models(folder / "data", models)
    running = start(data_dir)
    assert command_on(data_dir, "ingest", "sea", str(folder / "whales.md")).code == 0
    yield running
    running.stop()


@pytest.fixture
def run(folder, service):
    """Run a command line in the scaffolded folder, on the shared service."""
    return partial(run_in, folder, service.data_dir)


@pytest.mark.feature("F523")
def test_the_snippet_prints_the_size_of_each_collection(run):
    done = run("python", "-c", SIZES)
    assert "sea: 1 vectors\n" in done.stdout, done.stderr


@pytest.mark.feature("F519")
def test_the_cache_is_warmed_for_all_projects(run):
    done = run("python", "scripts/warm_cache.py", "--project", "all", "--top-queries", "1000")
    assert done.returncode == 0, done.stderr
    assert "queries into the cache" in done.stdout


def test_the_cache_is_warmed_from_a_file(run, folder):
    (folder / "top_queries.txt").write_text("do whales sing\n", encoding="utf-8")
    done = run("python", "scripts/warm_cache.py", "--queries-file", "top_queries.txt", "--project", "all")  # fmt: skip
    assert done.stdout.endswith("queries into the cache, skipped 0.\n"), done.stderr


def test_the_heap_dump_lists_the_most_frequent_types(run):
    done = run("python", "scripts/dump_heap.py")
    assert len(json.loads(done.stdout)["facts"]["objects"]) == 20, done.stderr


def test_the_disk_is_cleaned_up_and_reported(run):
    done = run("scripts/cleanup_disk.sh")
    assert done.returncode == 0, done.stderr
    assert "Disk cleanup complete at " in done.stdout
    assert "Freed" in done.stdout


def test_a_test_of_a_channel_that_is_not_configured_says_how_to_configure_it(run):
    for name, channel in (("slack", "slack"), ("email", "email")):
        code = f"from notifications import send_test_{name}; send_test_{name}()"
        done = run("python", "-c", code)
        assert done.returncode != 0
        assert f"No channel '{channel}' is configured" in done.stderr


@pytest.fixture(scope="module")
def databases(tmp_path_factory, models):
    """A backup with one document, and a recovered database with a second one."""
    folder = tmp_path_factory.mktemp("databases")
    data_dir = with_models(folder / "data", models)
    copies = []
    for name, text in (("whales.md", "Whales sing."), ("eels.md", "Eels do not sing.")):
        (folder / name).write_text(text, encoding="utf-8")
        assert command_on(data_dir, "ingest", "sea", str(folder / name)).code == 0
        copies.append(folder / f"{name}.db")
        live, copy = sqlite3.connect(data_dir / "knowledge.db"), sqlite3.connect(copies[-1])
        with closing(live), closing(copy):
            live.backup(copy)
    return copies


def merge(folder, databases, output):
    backup, recovered = map(str, databases)
    words = ("--backup", backup, "--recovery", recovered, "--output", str(output))
    return run_in(folder, output.parent, "python", "scripts/merge_databases.py", *words)


def documents_in(file):
    with closing(sqlite3.connect(file)) as database:
        return {name for (name,) in database.execute("SELECT name FROM documents")}


def test_a_backup_and_a_recovered_database_are_merged(folder, databases, tmp_path):
    output = tmp_path / "merged" / "knowledge.db"
    output.parent.mkdir()
    done = merge(folder, databases, output)
    assert done.returncode == 0, done.stderr
    assert documents_in(output) == {"whales.md", "eels.md"}


def test_a_merge_into_the_database_of_a_running_service_is_refused(folder, databases, service):
    done = merge(folder, databases, service.data_dir / "knowledge.db")
    assert (done.returncode, "A service uses the data directory" in done.stderr) == (3, True)


@pytest.mark.feature("F754")
def test_the_routes_are_a_file_that_can_be_changed_and_committed(run, folder):
    assert run("git", "init", "-q").returncode == 0
    assert run("git", "add", "knowledgebeast/api/routes.py").returncode == 0
    code = "from knowledgebeast.api.routes import QueryRequest, router; print(sorted({r.path for r in router.routes if r.body_field})[0], *QueryRequest.model_fields)"
    done = run("python", "-c", code)
    assert done.stdout == "/api/v1/query query project top_k user_id\n", done.stderr


def test_a_scaffold_replaces_nothing(tmp_path):
    assert all(is_new for _, is_new in write_files(tmp_path))
    (tmp_path / "knowledgebeast" / "core.py").write_text("# mine", encoding="utf-8")
    assert not any(is_new for _, is_new in write_files(tmp_path))
    assert (tmp_path / "knowledgebeast" / "core.py").read_text(encoding="utf-8") == "# mine"


@pytest.fixture
def recover(folder, tmp_path):
    """Run the recovery script with programs that record their words and fail as told."""
    programs, calls = tmp_path / "bin", tmp_path / "calls"
    programs.mkdir()
    for name in ("trimtab", "curl"):
        script = f"""#!/bin/sh
echo {name} "$@" >> {calls}
case "$1" in act) touch {tmp_path}/mended; exit 0;; esac
[ -e {tmp_path}/mended ] && [ -z "${{STAYS_BROKEN:-}}" ] || [ -n "${{IS_WELL:-}}" ]
"""
        (programs / name).write_text(script, encoding="utf-8")
        (programs / name).chmod(0o755)

    def run(**given):
        path = f"{programs}{os.pathsep}{os.defpath}"
        done = subprocess.run(
            ["scripts/recover_model.sh"], check=False, cwd=folder, env={"PATH": path, **given},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.returncode, calls.read_text().splitlines() if calls.exists() else []

    return run


MODEL = "earnings-analyzer"
HEALTH = f"trimtab models health {MODEL}"
RELOAD = f"trimtab act models.reload name={MODEL}"


@pytest.mark.feature("F210")
def test_the_recovery_script_reloads_a_model_whose_health_fails(recover):
    assert recover(MODEL_NAME=MODEL) == (0, [HEALTH, RELOAD, HEALTH])


@pytest.mark.feature("F210")
def test_the_recovery_script_asks_the_address_of_the_procedures(recover):
    url = "http://model-service:8080/health"
    code, calls = recover(MODEL_NAME=MODEL, MODEL_HEALTH_URL=url)
    assert code == 0
    assert calls == [f"curl -fsS -o /dev/null {url}", RELOAD, f"curl -fsS -o /dev/null {url}"]


@pytest.mark.feature("F210")
def test_the_recovery_script_leaves_a_healthy_model_alone(recover):
    assert recover(MODEL_NAME=MODEL, IS_WELL="1") == (0, [HEALTH])


def test_the_recovery_script_fails_when_the_model_stays_broken_or_is_not_named(recover):
    assert recover(MODEL_NAME=MODEL, STAYS_BROKEN="1")[0] == 1
    assert recover()[0] != 0
