"""Every format is parsed on a machine whose temporary and home folders are empty, and nothing is loaded from there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.knowledge.documents import pdf
from tests.knowledge.office import one_of_each
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.knowledge.errors import DocumentUnreadable, ParserUnavailable
from trimtab.knowledge.parsing import Parser, installation
from trimtab.knowledge.parsing import parser as parser_module
from trimtab.knowledge.parsing.formats import FORMATS

FILES = one_of_each() | {
    "a.txt": b"Whales sing.",
    "a.md": b"# Whales\n\nThey sing.",
    "a.json": b'{"whales": "sing"}',
    "a.log": b"2026-11-29 12:00:00 INFO They sing.\n",
    "a.csv": b"animal,does\nwhale,sing\n",
    "a.tsv": b"animal\tdoes\nwhale\tsing\n",
}
REPOSITORY = Path(__file__).parents[2]
WORD = {"a.xlsx": "bob"}
CHILD = """
import json, sys
from pathlib import Path
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.knowledge.parsing import Parser
parser = Parser(KnowledgeSettings(), Path(sys.argv[1]))
data = Path(sys.argv[2])
print(json.dumps(parser.parse(data.name, data.read_bytes()).text))
parser.stop_worker()
"""


def alone():
    """Return the command that hides /tmp and /var/tmp, or nothing where this machine does not allow that.

    Nor can it where the package itself lies in /tmp. Without it the test still has empty TMPDIR and HOME, and the
    tests after it see which library is loaded from where.
    """
    if any(str(path).startswith(("/tmp/", "/var/tmp/")) for path in (sys.executable, REPOSITORY)):
        return []
    mount = "mount -t tmpfs none /tmp && mount -t tmpfs none /var/tmp"
    for privileges in ([], ["--user", "--map-root-user"]):
        command = ["unshare", "--mount", *privileges, "sh", "-c", f'{mount} && exec "$@"', "sh"]
        try:
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
        except FileNotFoundError:
            break
    return []


@pytest.fixture
def away(tmp_path_factory):
    """A folder outside /tmp, which the test hides."""
    base = REPOSITORY / ".pytest_cache" / "fresh"
    base.mkdir(parents=True, exist_ok=True)
    folder = base / str(os.getpid())
    folder.mkdir(exist_ok=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def parser(tmp_path):
    made = Parser(KnowledgeSettings(), tmp_path / "parser")
    yield made
    made.stop_worker()


def test_the_files_are_one_of_each_format():
    suffixes = {Path(name).suffix for name in FILES}
    assert all(suffixes & set(known.suffixes) for known in FORMATS)


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_format_is_parsed_with_empty_temporary_and_home_folders(away, name):
    (away / name).write_bytes(FILES[name])
    for folder in ("tmp", "home"):
        (away / folder).mkdir()
    done = subprocess.run(
        [*alone(), sys.executable, "-c", CHILD, str(away / "data"), str(away / name)],
        env={"TMPDIR": str(away / "tmp"), "HOME": str(away / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert WORD.get(name, "sing") in json.loads(done.stdout)
    assert [*(away / "tmp").iterdir(), *(away / "home").iterdir()] == []


def test_libraries_are_loaded_from_installed_packages_and_nothing_is_written(parser, tmp_path):
    for name, data in one_of_each().items():
        parser.parse(name, data)
    maps = Path(f"/proc/{parser.worker_pid}/maps").read_text()
    loaded = {line.split(maxsplit=5)[5] for line in maps.splitlines() if "pdfium" in line}
    assert loaded
    assert all("/site-packages/pypdfium2" in path for path in loaded)
    assert (tmp_path / "parser").stat().st_mode & 0o077 == 0
    assert list((tmp_path / "parser").iterdir()) == []


@pytest.fixture
def without_library(monkeypatch):
    """A worker that cannot load the PDF library."""
    hidden = parser_module._BOOT.replace(
        "import sys;", "import sys; sys.modules['pypdfium2'] = None;"
    )
    monkeypatch.setattr(parser_module, "_BOOT", hidden)


@pytest.mark.usefixtures("without_library")
def test_a_damaged_package_is_said_to_be_that_and_not_an_unreadable_file(parser, monkeypatch):
    monkeypatch.setattr(installation, "_sha256", lambda file: "00" * 32)
    with pytest.raises(ParserUnavailable, match="package pypdfium2 is damaged: pypdfium2"):
        parser.parse("a.pdf", pdf("They sing."))


@pytest.mark.usefixtures("without_library")
def test_a_library_that_does_not_load_is_said_to_be_the_parsers_fault(parser):
    with pytest.raises(ParserUnavailable, match="pypdfium2") as caught:
        parser.parse("a.pdf", pdf("They sing."))
    assert "Install" in caught.value.hint()
    assert "sing" in parser.parse("a.html", b"<p>They sing.</p>").text


def test_a_damaged_file_is_the_files_fault_as_long_as_the_library_works(parser):
    with pytest.raises(DocumentUnreadable):
        parser.parse("a.pdf", b"%PDF-1.4 nothing more")
