"""A project follows a folder."""

import json
import signal
import subprocess

import pytest

from tests.processes import COMMAND, clean_environment
from trimtab.cli.knowledge.folder_sync import Memory, Mirror
from trimtab.cli.runtime.errors import Refused


class Service:
    """What a service would have been told; refuses what the test says."""

    def __init__(self):
        self.documents = {}
        self.refusal = None

    def take(self, name, file):
        if self.refusal is not None:
            raise self.refusal
        self.documents[name] = file.read_text()
        return {"status": "ingested"}

    def drop(self, name):
        if self.documents.pop(name, None) is None:
            raise Refused({"message": "It is not there.", "kind": "not_found"})


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("one")
    return folder


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def mirror_of(folder, service, tmp_path):
    return lambda: Mirror(
        folder,
        frozenset({".md"}),
        service.take,
        service.drop,
        Memory(tmp_path / "memory.json"),
    )


@pytest.fixture
def mirror(mirror_of):
    return mirror_of()


def statuses(done):
    return [(entry["name"], entry["status"]) for entry in done]


def test_what_is_there_is_taken_in_once(mirror, service):
    assert statuses(mirror.look()) == [("a.md", "ingested")]
    assert mirror.look() == []
    assert service.documents == {"a.md": "one"}


def test_a_changed_and_a_new_file_are_taken_in(mirror, folder, service):
    mirror.look()
    (folder / "a.md").write_text("two, longer")
    (folder / "sub").mkdir()
    (folder / "sub" / "b.md").write_text("three")
    mirror.look()
    assert service.documents == {"a.md": "two, longer", "sub/b.md": "three"}


def test_a_file_that_stays_away_is_deleted_at_the_second_look(mirror, folder, service):
    mirror.look()
    (folder / "a.md").unlink()
    assert mirror.look() == []
    assert mirror.waiting
    assert statuses(mirror.look()) == [("a.md", "deleted")]
    assert not service.documents
    assert not mirror.waiting


def test_a_file_that_an_editor_replaces_is_not_deleted(mirror, folder, service):
    mirror.look()
    (folder / "a.md").unlink()
    mirror.look()
    (folder / "a.md").write_text("saved by replacing")
    assert statuses(mirror.look()) == [("a.md", "ingested")]
    assert not mirror.waiting


def test_a_renamed_folder_renames_its_documents(mirror, folder, service):
    (folder / "old").mkdir()
    (folder / "old" / "b.md").write_text("three")
    mirror.look()
    (folder / "old").rename(folder / "new")
    mirror.look()
    mirror.look()
    assert set(service.documents) == {"a.md", "new/b.md"}


@pytest.mark.parametrize(
    "name", [".a.md.swp", "a.md~", "#a.md#", ".#a.md", "~$a.md", "4913", "b.md.tmp", "c.xyz"]
)
def test_editors_temporary_files_are_left_alone(mirror, folder, name):
    mirror.look()
    (folder / name).write_text("not yet")
    assert mirror.look() == []


def test_what_was_deleted_while_nobody_watched_is_deleted_at_the_next_start(
    mirror_of, folder, service
):
    mirror_of().look()
    (folder / "a.md").unlink()
    again = mirror_of()
    again.look()
    assert statuses(again.look()) == [("a.md", "deleted")]


def test_documents_that_came_from_elsewhere_are_left_alone(mirror, service):
    service.documents["other.md"] = "not from the folder"
    mirror.look()
    mirror.look()
    assert "other.md" in service.documents


def test_a_refused_file_is_tried_again_when_it_changes(mirror, folder, service):
    service.refusal = Refused({"message": "It is damaged.", "kind": "invalid"})
    assert statuses(mirror.look()) == [("a.md", "refused")]
    assert mirror.look() == []
    service.refusal = None
    (folder / "a.md").write_text("mended now")
    assert statuses(mirror.look()) == [("a.md", "ingested")]


def test_a_file_is_tried_again_when_the_service_is_back(mirror, service):
    service.refusal = Refused({"message": "Not now.", "kind": "unavailable"})
    mirror.look()
    service.refusal = None
    assert statuses(mirror.look()) == [("a.md", "ingested")]


@pytest.mark.timeout(240)
def test_ctrl_c_ends_it_cleanly_and_what_was_said_is_stored(folder, tmp_path):
    words = ["--data-dir", str(tmp_path / "data"), "knowledge", "ingest", "sea", str(folder)]
    environment = clean_environment(XDG_CONFIG_HOME=str(tmp_path / "home"))
    watching = subprocess.Popen(
        [COMMAND, *words, "--watch", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    try:
        assert json.loads(watching.stdout.readline())["name"] == "a.md"
        (folder / "b.md").write_text("A second paper.")
        assert json.loads(watching.stdout.readline())["name"] == "b.md"
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=120)
    finally:
        watching.kill()
        watching.communicate()
    assert (watching.returncode, err) == (0, "")
    listed = subprocess.run(
        [COMMAND, "--data-dir", str(tmp_path / "data"), "documents", "list", "sea", "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    assert [d["name"] for d in json.loads(listed.stdout)["documents"]] == ["a.md", "b.md"]


def test_what_a_link_leads_to_is_not_followed(folder, service, mirror, tmp_path):
    (tmp_path / "secret.md").write_text("secret")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "deep").symlink_to(tmp_path)
    mirror.look()
    assert set(service.documents) == {"a.md"}
    assert "link.md (a link" in mirror.left_out()
