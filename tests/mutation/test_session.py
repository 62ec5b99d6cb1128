"""A shared session: which changes are put into functions that live, and that both ways of trying agree."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests import schemas
from tests.mutation import copies
from tests.mutation.bodies import Calls, LiveFunctions
from tests.mutation.copies import Worker, _join, _split
from tests.mutation.session import record_migrations
from trimtab.infra.storage import SqliteDatabase, migrate

pytestmark = pytest.mark.timeout(600)
"""A worker starts Python several times, which takes long on a machine with other work to do."""

MODULE = """
import functools
from dataclasses import dataclass

LIMIT = 5
HALF = LIMIT // 2
TABLE = {"a": 1}

def double(x):
    return x * 2

DOUBLED = double(4)

def above(x, margin=0):
    if x > LIMIT:
        return True
    return x + margin > LIMIT

@functools.lru_cache
def cached(x):
    return x + 1

def outer(x):
    def inner(y):
        return x + y
    return inner(1)

class Shelf:
    size = 3

    def room(self):
        return self.size - 1

    @property
    def name(self):
        return "shelf"

key = lambda x: x + 7

def gone(x):
    return x - 9
del gone
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that was imported while calls were listened to, and how to change it."""
    path = tmp_path / "shelfmodule.py"
    path.write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    listening = sys.getprofile()
    calls = Calls(tmp_path)
    calls.start()
    import shelfmodule

    calls.stop()
    sys.setprofile(listening)
    live = LiveFunctions(tmp_path, calls.places)

    def change(old, new):
        assert MODULE.count(old) == 1
        return live.change(path, MODULE, MODULE.replace(old, new))

    yield shelfmodule, change
    del sys.modules["shelfmodule"]


@pytest.mark.parametrize(
    ("old", "new", "call", "before", "after"),
    [
        ("x > LIMIT:", "x >= LIMIT:", lambda m: m.above(5), False, True),
        ("x + 1", "x + 2", lambda m: m.cached(1), 2, 3),
        ("x + y", "x - y", lambda m: m.outer(5), 6, 4),
        ("self.size - 1", "self.size - 2", lambda m: m.Shelf().room(), 2, 1),
        ('"shelf"', '"board"', lambda m: m.Shelf().name, "shelf", "board"),
        ("x + 7", "x + 8", lambda m: m.key(1), 8, 9),
        ("return x + margin", "return\n    return x + margin", lambda m: m.above(1), False, None),
        ('{"a": 1}', '{"a": 2}', lambda m: m.TABLE["a"], 1, 2),
    ],
)
def test_a_changed_body_or_unused_constant_is_put_into_what_lives(
    module, old, new, call, before, after
):
    names, change = module
    assert call(names) == before
    names.cached.cache_clear()
    change(old, new).apply()
    assert call(names) == after


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 5", "LIMIT = 6"),  # HALF was made of it.
        ("HALF = LIMIT // 2", "HALF = print(LIMIT)"),  # Builds more than a value.
        ("margin=0", "margin=1"),  # A default.
        ("size = 3", "size = 4"),  # A class has it already.
        ("@functools.lru_cache\n", ""),  # A decorator.
        ("x * 2", "x * 3"),  # The function was called during the import.
        ("self.size - 1", "__class__.size - 1"),  # Another set of free variables.
        ("x - 9", "x - 8"),  # No function lives that could be changed.
        ("def double", "def triple"),
    ],
)
def test_what_the_import_has_used_is_imported_afresh(module, old, new):
    _, change = module
    assert change(old, new) is None


def test_a_module_that_was_not_imported_is_read_from_its_changed_file(tmp_path):
    change = LiveFunctions(tmp_path, set()).change(tmp_path / "later.py", "A = 1", "A = 2")
    assert (change.codes, change.constants) == ((), ())


TESTS = """
import subprocess, sys, time
import pytest
from pathlib import Path
from thing import parts

@pytest.fixture(scope="session")
def built():
    return parts.double(2)

def test_double(built):
    assert built == 4

def test_limit():
    assert parts.small(5)

@pytest.mark.parametrize("n", parts.NUMBERS)
def test_number(n):
    assert n < 3

def test_other_process():
    code = "from thing import parts; raise SystemExit(parts.double(3) != 6)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

def test_late():
    from thing import late
    assert late.WORD == "late"

def test_text():
    assert Path("data.yml").read_text() == "a: 1"

def test_that_fails_alone():
    assert parts.seen == []
    parts.seen.append(1)
    assert parts.double(2) == 4
    assert "pytest" not in sys.modules

def test_loop():
    parts.count(3)
"""
PARTS = """
NUMBERS = [1, 2]
seen = []
def double(x):
    return x * 2
def small(x):
    return x <= 5
def count(n):
    while n > 0:
        n -= 1
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    (folder / "src" / "thing").mkdir(parents=True)
    (folder / "t").mkdir()
    shutil.copytree(Path(__file__).parent, folder / "tests" / "mutation")
    (folder / "tests" / "__init__.py").write_text("")
    (folder / "src" / "thing" / "__init__.py").write_text("")
    (folder / "src" / "thing" / "parts.py").write_text(PARTS)
    (folder / "src" / "thing" / "late.py").write_text('WORD = "late"\n')
    (folder / "test_thing.py").write_text(TESTS)
    (folder / "data.yml").write_text("a: 1")
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


@pytest.fixture(scope="module")
def ask(copy):
    """Asks a worker what some tests say of a change, in a session or, without one, afresh."""
    worker = Worker(copy)

    def asked(file, old, new, *tests, session=True, limit=60):
        names = [f"test_thing.py::{test}" for test in tests]
        content = (copy / file).read_text() if file else ""
        assert not file or content.count(old) == 1
        answer = worker.ask(
            {
                "file": file,
                "content": content.replace(old, new),
                "tests": names,
                "limit": limit,
                "limits": [limit] * len(names),
                "session": ["test_thing.py"] if session else [],
            }
        )
        assert not file or (copy / file).read_text() == content
        return answer

    yield asked
    worker.close()


PY = "src/thing/parts.py"


@pytest.mark.parametrize("session", [True, False])
@pytest.mark.parametrize(
    ("change", "tests", "outcome"),
    [
        ((PY, "x * 2", "x * 3"), ["test_double"], "killed"),
        ((PY, "x * 2", "x * 2 + 0"), ["test_double", "test_other_process"], "survived"),
        ((PY, "x * 2", "x * 3"), ["test_other_process"], "killed"),
        ((PY, "x <= 5", "x < 5"), ["test_double", "test_limit"], "killed"),
        ((PY, "x <= 5", "x <= 6"), ["test_double", "test_limit"], "survived"),
        ((PY, "[1, 2]", "[1]"), ["test_number[1]"], "survived"),
        ((PY, "[1, 2]", "[1, 1.5]"), ["test_number[2]"], "survived"),
        ((PY, "[1, 2]", "[1, 3]"), ["test_number[2]"], "killed"),
        (("src/thing/late.py", '"late"', '"soon"'), ["test_late"], "killed"),
        (("data.yml", "1", "2"), ["test_text"], "killed"),
        ((PY, "n -= 1", "n += 1"), ["test_loop"], "timeout"),
    ],
)
def test_both_ways_of_trying_a_change_agree(ask, session, change, tests, outcome):
    limit = 1 if outcome == "timeout" else 60
    answer = ask(*change, *tests, session=session, limit=limit)
    assert answer["outcome"] == outcome
    # A number that tests were collected by has been used.
    assert (answer["way"] == "session") == (session and "[1, 2]" not in change)


@pytest.mark.parametrize("session", [True, False])
def test_the_test_that_noticed_a_change_is_named(ask, session):
    answer = ask(PY, "x <= 5", "x < 5", "test_double", "test_limit", "test_text", session=session)
    assert answer["by"] == "test_thing.py::test_limit"


@pytest.mark.parametrize("session", [True, False])
def test_a_test_that_fails_without_the_change_too_is_no_witness(ask, session):
    def tried(new, *tests):
        return ask(PY, "x <= 5", new, *tests, session=session)

    answer = tried("x < 5", "test_that_fails_alone", "test_limit")
    assert (answer["outcome"], answer["by"]) == ("killed", "test_thing.py::test_limit")
    assert tried("x <= 6", "test_that_fails_alone", "test_limit")["outcome"] == "survived"
    assert tried("x < 5", "test_that_fails_alone")["outcome"] == "error"


def test_changes_of_one_length_are_not_mistaken_for_each_other_by_other_processes(ask):
    outcomes = [
        ask(PY, "x * 2", f"x * {factor}", "test_other_process")["outcome"] for factor in (3, 4, 2)
    ]
    assert outcomes == ["killed", "killed", "survived"]


def test_nothing_is_left_in_the_temporary_folder(ask, copy):
    ask(PY, "x * 2", "x * 3", "test_double")
    assert list((copy / "t").iterdir()) == []


def test_a_session_without_its_tests_leaves_the_change_to_a_fresh_import(copy):
    worker = Worker(copy)
    request = {"tests": ["test_thing.py::test_text"], "limit": 60, "limits": [60]}
    answer = worker.ask({**request, "session": ["test_missing.py"]})
    worker.close()
    assert (answer["outcome"], answer["way"]) == ("survived", "fresh")


def test_a_child_opens_databases_of_every_chain_without_alembic(tmp_path, monkeypatch):
    schemas.install()
    monkeypatch.setattr(migrate, "upgrade", migrate.upgrade._upgrade)
    record_migrations()
    monkeypatch.setattr(migrate, "_run", pytest.fail)
    chains = sorted(file.parent.name for file in migrate.MIGRATIONS.glob("*/*_0001_*.py"))
    assert "incidents" in chains
    for chain in chains:
        SqliteDatabase(tmp_path / f"{chain}.db", (chain,)).close()


def test_a_recording_is_kept_for_each_test_file_and_joined_again(tmp_path):
    first = {"seconds": 1.0, "passed": True, "features": [], "opened": []}
    recorded = {
        "tests": {"test_a.py::x": first, "test_b.py::y": first},
        "lines": {"src/a.py": {"1": ["test_a.py::x", "test_b.py::y"], "2": ["test_b.py::y"], "3": []}},
    }  # fmt: skip
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(recorded))
    parts = {name: tmp_path / f"{name}.json" for name in ("test_a.py", "test_b.py")}
    _split(whole, parts)
    assert json.loads(parts["test_a.py"].read_text()) == {
        "tests": {"test_a.py::x": first},
        "lines": {"src/a.py": {"1": ["test_a.py::x"]}},
    }
    _join(list(parts.values()), whole)
    del recorded["lines"]["src/a.py"]["3"]
    assert json.loads(whole.read_text()) == recorded


@pytest.mark.parametrize(
    ("changed", "current"),
    [("src/ran.py", False), ("tests/a/help.py", False), ("src/not_run.py", True)],
)
def test_a_recording_holds_while_what_ran_and_its_helpers_are_the_same(
    tmp_path, monkeypatch, changed, current
):
    monkeypatch.setattr(copies, "ROOT", tmp_path)
    monkeypatch.setattr(copies, "helpers_of", lambda test, helpers, root: helpers)
    for name in ("src/ran.py", "src/not_run.py", "tests/a/help.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    part = tmp_path / "part.json"
    lines = {"src/ran.py": {"1": ["tests/a/test_a.py::x"]}, "src/not_run.py": {}}
    part.write_text(json.dumps({"tests": {}, "lines": lines}))
    copies._mark(part, "tests/a/test_a.py", ["tests/a/help.py"], tmp_path)
    assert copies._is_current(part, "tests/a/test_a.py", ["tests/a/help.py"])
    (tmp_path / changed).write_text("a = 2\n")
    assert copies._is_current(part, "tests/a/test_a.py", ["tests/a/help.py"]) is current
