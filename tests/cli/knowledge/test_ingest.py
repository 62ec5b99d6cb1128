"""`ingest` sums up, continues after Ctrl-C, prunes on request, and hides nothing that it cannot read."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from tests.faces import app_of, client_of, key_of, settings_of  # noqa: F401 - fixtures.
from trimtab.cli.knowledge import ingest as module
from trimtab.cli.knowledge.ingest_report import IngestReport
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Session
from trimtab.infra.auth import Role
from trimtab.infra.settings import load


class Wire:
    """Calls the app as the command line's client does; may be interrupted at a request."""

    def __init__(self, app):
        self._http = client_of(app, key=key_of(app, Role.ADMIN))
        self.uploads = 0
        self.interrupt_at = None

    def call(self, method, path, *, files=None, params=None, body=None):
        if files:
            if self.uploads == self.interrupt_at:
                raise KeyboardInterrupt
            self.uploads += 1
        answer = self._http.request(method, path, files=files, params=params, json=body)
        if not answer.is_success:
            raise Refused(answer.json()["error"])
        return answer.json() if answer.content else {}


@pytest.fixture
def wire(app_of):  # noqa: F811 - a fixture.
    return Wire(app_of())


@pytest.fixture
def ingest(wire, tmp_path, capsys):
    """Run the command; return its exit code and output."""
    session = Session(None, {}, url="", api_key="", json=False, _client=wire)
    session._settings = load(flags={"service.data_dir": str(tmp_path / "data")}, environment={})
    context = SimpleNamespace(find_root=lambda: SimpleNamespace(obj=session))

    def run(*paths, **options):
        capsys.readouterr()
        try:
            module.ingest(context, "sea", list(paths), **options)
        except typer.Exit as ended:
            return ended.exit_code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "docs"
    made.mkdir()
    for name in ("whales", "crabs", "gulls"):
        (made / f"{name}.txt").write_text(f"About {name}.")
    return made


def names(wire):
    found = wire.call("GET", "/api/v1/projects/sea/documents")["documents"]
    return {document["name"] for document in found}


def test_the_end_names_totals_and_files_that_are_unchanged(ingest, folder):
    code, out = ingest(folder)
    assert (code, out.splitlines()[-1].partition(" in ")[0]) == (0, "3 files")
    assert out.splitlines()[-1].endswith(": 3 queued.")


def test_many_refusals_are_grouped_by_reason(ingest, folder):
    for number in range(25):
        (folder / f"empty{number}.txt").write_text(" ")
    code, out = ingest(folder)
    assert code == 1
    (line,) = [line for line in out.splitlines() if "knowledge.document_empty" in line]
    assert " 25 " in line
    assert "empty0.txt, empty1.txt, empty10.txt and 22 more" in line
    assert "28 files" in out.splitlines()[-1]
    assert "25 not ingested" in out.splitlines()[-1]


def test_after_an_interruption_the_same_command_continues(ingest, folder, wire, monkeypatch):
    monkeypatch.setattr(module, "grouped", lambda files, **_: ([entry] for entry in files))
    wire.interrupt_at = 2
    code, out = ingest(folder)
    assert code == 130
    assert out.splitlines()[-1].startswith("Stopped. 3 files in ")
    assert "1 without a result yet" in out.splitlines()[-1]
    assert names(wire) == {"crabs.txt", "gulls.txt"}
    wire.interrupt_at = None
    assert ingest(folder)[0] == 0
    assert names(wire) == {"crabs.txt", "gulls.txt", "whales.txt"}


def test_pruning_deletes_what_left_the_folder_and_nothing_else(ingest, folder, wire, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("From elsewhere.")
    ingest(other)
    ingest(folder)
    (folder / "crabs.txt").unlink()
    ingest(folder)
    assert "crabs.txt" in names(wire)
    assert "crabs.txt would be deleted." in ingest(folder, prune=True, dry_run=True)[1]
    assert "crabs.txt" in names(wire)
    _, out = ingest(folder, prune=True)
    assert "1 deleted" in out.splitlines()[-1]
    assert names(wire) == {"gulls.txt", "whales.txt", "other.txt"}


def test_an_interrupted_run_prunes_nothing(ingest, folder, wire):
    ingest(folder)
    (folder / "crabs.txt").unlink()
    wire.interrupt_at = wire.uploads
    ingest(folder, prune=True)
    assert "crabs.txt" in names(wire)


@pytest.fixture
def forbidden(monkeypatch):
    """Make a folder unreadable, also for root."""
    real = os.open

    def refuse(name):
        def opened(path, flags, *rest, **options):
            if Path(path).name == name:
                raise PermissionError(13, "Permission denied", path)
            return real(path, flags, *rest, **options)

        monkeypatch.setattr(os, "open", opened)

    return refuse


def test_an_unreadable_folder_is_told_fails_the_run_and_prunes_nothing(
    ingest, folder, wire, forbidden
):
    (folder / "deep").mkdir()
    (folder / "deep" / "eels.txt").write_text("About eels.")
    ingest(folder)
    forbidden("deep")
    code, out = ingest(folder, prune=True)
    assert code == 1
    assert "deep cannot be read: Permission denied." in out
    assert "1 not ingested" in out.splitlines()[-1]
    assert "deep/eels.txt" in names(wire)


def test_an_unreadable_top_folder_does_not_end_the_run(ingest, folder, wire, tmp_path, forbidden):
    other = tmp_path / "locked"
    other.mkdir()
    forbidden("locked")
    code, out = ingest(other, folder)
    assert code == 1
    assert "locked cannot be read: Permission denied." in out
    assert "whales.txt" in names(wire)


def test_a_file_whose_name_is_not_text_is_told_and_the_others_are_taken_in(ingest, folder, wire):
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt"))
    odd.write_text("About coffee.")
    for paths in ((folder,), (odd, folder / "crabs.txt")):
        code, out = ingest(*paths)
        assert code == 1
        assert r"caf\xe9.txt cannot be read: its name is not UTF-8" in out
    assert names(wire) == {"crabs.txt", "gulls.txt", "whales.txt"}


def test_json_holds_totals_and_every_outcome(ingest, folder, monkeypatch):
    printed = []
    monkeypatch.setattr(module, "printed_as_json", lambda _, body: not printed.append(body))
    (folder / "empty.txt").write_text("")
    ingest(folder)
    (body,) = printed
    assert body["totals"] | {"seconds": 0, "passages": 0} == {
        "files": 4,
        "ingested": 0,
        "unchanged": 0,
        "queued": 3,
        "refused": 1,
        "pruned": 0,
        "passages": 0,
        "seconds": 0,
        "interrupted": False,
    }
    assert len(body["documents"]) == 4


def test_warnings_of_many_documents_are_grouped(capsys):
    outcomes = [
        {
            "name": f"{number}.pdf",
            "status": "ingested",
            "chunks": 1,
            "warnings": [f"Page {number + 1} holds no text: probably scanned; its pictures ..."],
        }
        for number in range(30)
    ]
    IngestReport(30, outcomes).print([])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "scanned" in line]
    assert " 30 " in line
