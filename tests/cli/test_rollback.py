"""`rollback` of a database, a model and a settings file, on a running service."""

import subprocess

import pytest

from tests.cli.stock import Stock

pytestmark = pytest.mark.timeout(600)  # Starting a service takes a while on a busy machine.
QUERY = "How much oil does the pump need?"


def documents(command, project):
    return [
        each["name"] for each in command("documents", "list", project, "--json").json["documents"]
    ]


def test_a_database_goes_back_to_the_backup_from_before_wrong_documents(serve, command, tmp_path):
    serve()
    right, wrong = tmp_path / "right.txt", tmp_path / "wrong.txt"
    right.write_text("The pump needs 3 litres of oil.")
    wrong.write_text("The pump needs 300 litres of oil.")
    assert command("ingest", "manual", str(right)).code == 0
    backup = command("act", "knowledge.backup.take", "--json").json["facts"]["backup"]
    assert command("ingest", "manual", str(wrong)).code == 0
    planned = command("rollback", "database", "--dry-run", "--json").json["dry_run"]
    assert (planned["source"], planned["restored"], planned["lost"]) == (backup, False, 1)
    assert command("rollback", "database").code == 3
    assert documents(command, "manual") == ["right.txt", "wrong.txt"]
    done = command("rollback", "database", backup, "--yes", "--json")
    assert (done.code, done.json["verified"]) == (0, True)
    assert documents(command, "manual") == ["right.txt"]
    assert "300 litres" not in command("search", "manual", QUERY, "--json").out
    assert "3 litres" in command("search", "manual", QUERY, "--json").out


@pytest.mark.feature("F485")
def test_documents_are_deleted_and_their_folder_is_ingested_again(serve, command, tmp_path):
    serve()
    folder, wrong = tmp_path / "sample_corpus", tmp_path / "wrong.txt"
    folder.mkdir()
    (folder / "right.txt").write_text("The pump needs 3 litres of oil.")
    (folder / "changed.txt").write_text("The seal is changed every year.")
    wrong.write_text("The pump needs 300 litres of oil.")
    assert command("ingest", "manual", str(folder), str(wrong)).code == 0
    (folder / "changed.txt").write_text("The seal is changed every month.")
    words = ("rollback", "database", "manual", "--ingest", str(folder), "--user-id", "system")
    planned = command(*words, "--dry-run")
    expected = "All 3 documents of manual would be deleted for good, then 2 files ingested."
    assert (planned.code, " ".join(planned.out.split())) == (0, expected)
    assert command(*words).code == 3
    assert documents(command, "manual") == ["changed.txt", "right.txt", "wrong.txt"]
    done = command(*words, "--yes", "--json")
    assert (done.code, done.json["verified"]) == (0, True), done.out + done.err
    assert documents(command, "manual") == ["changed.txt", "right.txt"]
    assert "300 litres" not in command("search", "manual", QUERY, "--json").out
    assert "3 litres" in command("search", "manual", QUERY, "--json").out
    assert "every month" in command("search", "manual", "When is the seal changed?", "--json").out
    # The documents are those of the user now: an erasure takes them.
    command("answers", "erase", "system", "--yes")
    left = documents(command, "manual")
    while left:
        left = documents(command, "manual")


def test_nothing_is_deleted_when_there_is_nothing_to_ingest(serve, command, tmp_path):
    serve()
    (tmp_path / "empty").mkdir()
    right = tmp_path / "right.txt"
    right.write_text("The pump needs 3 litres of oil.")
    assert command("ingest", "manual", str(right)).code == 0
    for folder, words in (("empty", "nothing to ingest"), ("none", "no folder")):
        given = ("--ingest", str(tmp_path / folder), "--yes")
        refused = command("rollback", "database", "manual", *given)
        assert refused.code == 2
        assert words in refused.err
    assert command("rollback", "model", "manual", *given).code == 2
    assert documents(command, "manual") == ["right.txt"]


def test_a_refused_file_is_no_verified_rollback(serve, command, tmp_path):
    serve()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "right.txt").write_text("The pump needs 3 litres of oil.")
    assert command("ingest", "manual", str(folder)).code == 0
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 and no more")
    done = command("rollback", "database", "manual", "--ingest", str(folder), "--yes", "--json")
    assert (done.code, done.json["verified"]) == (1, False), done.out + done.err
    assert "1 files were refused" in done.json["detail"]
    assert documents(command, "manual") == ["right.txt"]


def test_a_model_goes_back_to_the_version_before(serve, command, tmp_path):
    serve()
    name = Stock(command, tmp_path)["twice"]
    assert command("rollback", "model", name, "--dry-run").out.startswith(f"{name}@1 would serve")
    assert command("rollback", "model", name).code == 3
    done = command("rollback", "model", name, "--yes", "--json")
    assert (done.code, done.json["verified"]) == (0, True)
    assert done.json["detail"] == f"{name} answers"
    assert command("models", "show", name, "--json").json["version"] == 1


def git(folder, *words):
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """Return a settings file whose first commit is good and whose second one is not."""
    file = tmp_path / "trimtab.toml"
    git(tmp_path, "init", "-q")
    for entries in (200, 300):
        file.write_text(f"[knowledge]\nquery_cache_entries = {entries}\n")
        git(tmp_path, "add", file.name)
        git(tmp_path, "commit", "-qm", f"Keep {entries}")
    return file


@pytest.mark.feature("F483", "F484")
def test_a_settings_file_goes_back_to_a_commit_and_the_service_reads_it(serve, command, repository):
    service = serve()
    dry = command("rollback", "configuration", "--commit", "HEAD~1", "--dry-run")
    assert (dry.code, "knowledge.query_cache_entries" in dry.out) == (0, True)
    assert command("rollback", "configuration", "--commit", "HEAD~1").code == 3
    assert "300" in repository.read_text()
    done = command("rollback", "configuration", "--commit", "HEAD~1", "--yes", "--json")
    assert (done.code, done.json["verified"]) == (0, True)
    assert "200" in repository.read_text()
    assert "300" in repository.with_name("trimtab.toml.before-rollback").read_text()
    assert service.process.poll() is None
    events = command("audit", "list", "--json").json["events"]
    assert [each["subject"] for each in events if each["action"] == "service.settings_changed"] == [
        "knowledge.query_cache_entries"
    ]


@pytest.mark.parametrize("commit", ["no-such-commit", "--output=x"])
def test_a_commit_that_does_not_exist_changes_nothing(command, repository, commit):
    done = command("rollback", "configuration", f"--commit={commit}", "--yes")
    assert done.code == 2
    assert "cannot be read from the commit" in done.err
    assert "300" in repository.read_text()
    assert not (repository.parent / "x").exists()


def test_settings_that_cannot_be_loaded_are_not_brought_back(command, repository):
    repository.write_text("[knowledge]\nno_such = 1\n")
    git(repository.parent, "commit", "-qam", "Break it")
    repository.write_text("[knowledge]\nquery_cache_entries = 300\n")
    done = command("rollback", "configuration", "--commit", "HEAD", "--yes")
    assert "no setting" in done.err
    assert "300" in repository.read_text()
