"""The commands of the KnowledgeBeast runbook, as it types them, in a scaffolded folder."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import clean_environment
from trimtab.cli.compat.knowledge_base import write_files

SIZES = """
from knowledgebeast.core import KnowledgeBase
kb = KnowledgeBase()
for project in kb.list_projects():
    size = kb.get_collection_size(project)
    print(f'{project}: {size} vectors')
"""


@pytest.fixture
def folder(tmp_path):
    write_files(tmp_path / "app")
    return tmp_path / "app"


@pytest.fixture
def run(folder, data_dir):
    """Run a command line in the folder, on the data directory."""

    def run(*words):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
        environment = clean_environment(TRIMTAB_SERVICE_DATA_DIR=str(data_dir), PATH=path)
        return subprocess.run(
            words,
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture
def service(serve, command, tmp_path):
    (tmp_path / "whales.md").write_text("Whales sing at night.", encoding="utf-8")
    running = serve()
    assert command("ingest", "sea", str(tmp_path / "whales.md")).code == 0
    return running


@pytest.mark.feature("F523")
def test_the_snippet_prints_the_size_of_each_collection(service, run):
    done = run("python", "-c", SIZES)
    assert (done.stdout, done.returncode) == ("sea: 1 vectors\n", 0), done.stderr


@pytest.mark.feature("F519")
def test_the_cache_is_warmed_for_all_projects(service, run):
    done = run("python", "scripts/warm_cache.py", "--project", "all", "--top-queries", "1000")
    assert done.returncode == 0, done.stderr
    assert "queries into the cache" in done.stdout


def test_the_cache_is_warmed_from_a_file(service, run, folder):
    (folder / "top_queries.txt").write_text("do whales sing\n", encoding="utf-8")
    done = run("python", "scripts/warm_cache.py", "--queries-file", "top_queries.txt", "--project", "all")  # fmt: skip
    assert done.stdout.startswith("Answered 1 queries"), done.stderr


def test_the_heap_dump_lists_the_most_frequent_types(service, run):
    done = run("python", "scripts/dump_heap.py")
    assert len(json.loads(done.stdout)["facts"]["objects"]) == 20, done.stderr


def test_the_disk_is_cleaned_up_and_reported(service, run):
    done = run("scripts/cleanup_disk.sh")
    assert done.returncode == 0, done.stderr
    assert "Disk cleanup complete at " in done.stdout
    assert "Freed" in done.stdout


def test_a_test_message_is_queued(service, run):
    slack = run("python", "-c", "from notifications import send_test_slack; send_test_slack()")
    mail = run("python", "-c", "from notifications import send_test_email; send_test_email()")
    assert (slack.stdout, mail.stdout) == ("Wrote to #incidents.\n", "Wrote to email.\n")


@pytest.fixture
def databases(command, data_dir, tmp_path):
    """A backup without the second document, and a recovered database with both."""
    for name, text in (("whales.md", "Whales sing."), ("eels.md", "Eels do not sing.")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert command("ingest", "sea", str(tmp_path / name)).code == 0
        if name == "whales.md":
            assert command("knowledge", "backup").code == 0
    (backup,) = (data_dir / "backups").glob("knowledge.db.*_*[0-9]")
    with closing(sqlite3.connect(data_dir / "knowledge.db")) as live:
        live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(data_dir / "knowledge.db", tmp_path / "recovered.db")
    return backup, tmp_path / "recovered.db"


def documents_in(file):
    with closing(sqlite3.connect(file)) as database:
        return {name for (name,) in database.execute("SELECT name FROM documents")}


def test_a_backup_and_a_recovered_database_are_merged(run, databases, tmp_path):
    backup, recovered = databases
    output = tmp_path / "merged" / "knowledge.db"
    output.parent.mkdir()
    done = run("python", "scripts/merge_databases.py", "--backup", str(backup), "--recovery", str(recovered), "--output", str(output))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert documents_in(backup) == {"whales.md"}
    assert documents_in(output) == {"whales.md", "eels.md"}


def test_a_merge_into_the_database_of_a_running_service_is_refused(run, databases, serve, data_dir):
    backup, recovered = databases
    serve()
    output = data_dir / "knowledge.db"
    done = run("python", "scripts/merge_databases.py", "--backup", str(backup), "--recovery", str(recovered), "--output", str(output))  # fmt: skip
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
