"""The mutants that a run tries: which changes are made, which tests are chosen, and which results are kept."""

import ast
import json
import threading

import pytest

from tests.mutation.__main__ import EQUIVALENT, exit_code, read_equivalent
from tests.mutation.campaign import (
    Options,
    Report,
    Result,
    Trial,
    mutants_of,
    record_all,
    without_implied,
)
from tests.mutation.data_mutants import DataMutants
from tests.mutation.domains import (
    DOMAINS,
    ROOT,
    files_of_tests,
    helper_files,
    helpers_of,
    source_files,
)  # fmt: skip
from tests.mutation.mutant import Mutant, keyed
from tests.mutation.numbers import moved
from tests.mutation.python_mutants import PythonMutants
from tests.mutation.record import named
from tests.mutation.selection import Selection
from tests.mutation.surroundings import Surroundings

CHANGES = [
    ("LIMIT = 0.5", "threshold", ["LIMIT = 0.45", "LIMIT = 0.55"]),
    ("def f(limit=100): ...", "threshold", ["def f(limit=110): ...", "def f(limit=90): ..."]),
    ("def f(x): return x > 5", "threshold", ["def f(x): return x > 4", "def f(x): return x > 6"]),
    ("def f(x): return x > 5", "comparison", ["def f(x): return x >= 5"]),
    ("def f(x): return x not in y", "comparison", ["def f(x): return x in y"]),
    ("d = {'throughput': n}", "name", ["d = {'throughput_renamed': n}"]),
    ("@app.command('verify')\ndef f(): ...", "name", ["@app.command('verify_renamed')\ndef f(): ..."]),
    ("def f():\n  if x != y:\n    raise E", "guard", ["def f():\n  if False:\n    raise E"]),
    ("def f():\n  check(x)\n  return 1", "call", ["def f():\n  pass\n  return 1"]),
    ("def f() -> None:\n  a = 1\n  b(a)", "return", ["def f() -> None:\n  return\n  a = 1\n  b(a)"]),
    ("def f(): return True", "return", ["def f(): return False"]),
    ("def f() -> Iterator[Finding]:\n  yield x", "return", ["def f() -> Iterator[Finding]:\n  return\n  yield x"]),
    ("def f() -> tuple[Finding, ...]:\n  return x", "return", ["def f() -> tuple[Finding, ...]:\n  return ()\n  return x"]),
    ("a = b and not c", "logic", ["a = b or not c", "a = b and c"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "kind", "changed"), CHANGES)
def test_each_kind_of_change_is_made(source, kind, changed):
    content = source.encode()
    found = [m for m in PythonMutants("x.py", content).all() if m.kind == kind]
    assert sorted(m.applied(content).decode() for m in found) == sorted(changed)


@pytest.mark.parametrize(
    "source",
    ['log.info("x")', "def f(x: Literal[5]): ...", '"""A text."""', "x[1:2]", "a = json(indent=2)"],
)
def test_what_no_test_can_notice_is_left_alone(source):
    assert PythonMutants("x.py", source.encode()).all() == []


RULE = """groups:
  - name: g
    rules:
      - alert: CacheCold
        expr: |
          hits[30m] < 0.5
            and total{a="1 > 2"} >= 10
        for: 10m
        labels:
          severity: P2
"""


def test_a_rule_changes_in_threshold_comparison_window_name_and_severity():
    changes = {(m.line, m.change) for m in DataMutants("r.yml", RULE.encode()).all()}
    assert changes == {
        (2, "g -> gRenamed"), (4, "CacheCold -> CacheColdRenamed"), (6, "30m -> 15m"),
        (6, "< -> <="), (6, "0.5 -> 0.45"), (6, "0.5 -> 0.55"), (7, ">= -> >"), (7, "10 -> 9"),
        (7, "10 -> 11"), (8, "10m -> 5m"), (10, "P2 -> P3"),
    }  # fmt: skip


def test_a_page_changes_in_its_checks_and_in_the_times_of_its_verify():
    page = "```sh verify\ntrimtab check 'a < 2' --for 30s --give-up 10m\n```\n"
    changes = {m.change for m in DataMutants("p.md", page.encode()).all()}
    assert changes == {"< -> <=", "2 -> 1", "2 -> 3", "30s -> 15s", "10m -> 5m"}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_mutant_of_python_can_be_parsed_and_has_a_key_of_its_own(domain):
    options = Options([domain])
    mutants = mutants_of(domain, options)
    assert mutants
    assert files_of_tests(domain)
    assert len({m.key for m in mutants}) == len(mutants)
    for file in [name for name in source_files(domain) if name.endswith(".py")][:6]:
        content = (ROOT / file).read_bytes()
        for mutant in PythonMutants(file, content).all():
            ast.parse(mutant.applied(content))


def test_a_mutant_keeps_its_key_when_lines_move():
    def keys(text):
        return [m.key for m in keyed(PythonMutants("x.py", text.encode()).all())]

    assert keys("A = 5\n") == keys("import os\n\nA = 5\n")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, ["1"]), (1, ["2", "0"]), (30, ["33", "27"]), (0.59, ["0.649", "0.531"])],
)
def test_numbers_move_a_little_to_both_sides(value, expected):
    assert moved(value) == expected


def test_a_constant_is_tested_by_those_who_run_the_lines_that_use_it(tmp_path):
    (tmp_path / "a.py").write_text(
        "LIMIT = 5\nHALF = LIMIT // 2\n\ndef f(x):\n    return x > HALF\n"
    )
    (tmp_path / "test_a.py").write_text("")
    record = tmp_path / "record.json"
    test = {"seconds": 1.0, "passed": True, "features": ["F001"], "opened": []}
    record.write_text(
        json.dumps(
            {
                "tests": {"test_a.py::user": test, "test_a.py::other": test | {"features": []}},
                "lines": {"a.py": {"1": [], "5": ["test_a.py::user"]}},
            }
        )
    )
    content = (tmp_path / "a.py").read_bytes()
    limit = next(m for m in PythonMutants("a.py", content).all() if m.name == "LIMIT")
    choice = Selection(record, tmp_path, 10).choose(limit)
    assert choice.tests == ["test_a.py::user"]
    assert choice.marked


@pytest.mark.parametrize("source", ["def f(limit=100): ...", "@app.command('first')\ndef f(): ..."])
def test_a_default_and_a_decorator_are_tested_by_those_who_use_the_function(source):
    (mutant, *_) = PythonMutants("a.py", source.encode()).all()
    assert mutant.name == "f"
    nested = "def g():\n    def f(limit=100): ...\n"
    assert {m.name for m in PythonMutants("a.py", nested.encode()).all()} == {""}


def test_a_condition_below_its_if_is_tested_by_those_who_reach_the_condition(tmp_path):
    (tmp_path / "a.py").write_text("def f(x):\n    if (\n        x > 5\n    ):\n        return 1\n")
    (tmp_path / "test_a.py").write_text("")
    record = tmp_path / "record.json"
    test = {"seconds": 0.1, "passed": True, "features": [], "opened": []}
    lines = {"a.py": {"3": ["test_a.py::user"]}}
    record.write_text(json.dumps({"tests": {"test_a.py::user": test}, "lines": lines}))
    found = PythonMutants("a.py", (tmp_path / "a.py").read_bytes()).all()
    guard = next(m for m in found if m.kind == "guard")
    assert (guard.line, Selection(record, tmp_path, 10).choose(guard).tests) == (
        2,
        ["test_a.py::user"],
    )


def test_tests_that_bear_the_name_of_a_rule_run_first(tmp_path):
    (tmp_path / "test_a.py").write_text("ServiceSlow")
    (tmp_path / "test_b.py").write_text("")
    record = tmp_path / "record.json"
    test = {"seconds": 1.0, "passed": True, "features": [], "opened": ["r.yml"]}
    names = ("test_a.py::quick", "test_b.py::quicker", "test_b.py::edge[ServiceSlow-99]")
    tests = {name: test | {"seconds": 3.0 - at} for at, name in enumerate(names)}
    tests["test_b.py::edge[ServiceSlow-99]"] = test | {"seconds": 9.0, "opened": []}
    record.write_text(json.dumps({"tests": tests, "lines": {}}))
    mutant = Mutant("r.yml", 1, 0, 1, "2", "threshold", "1 -> 2", "ServiceSlow", "a > 1")
    chosen = Selection(record, tmp_path, 12).choose(mutant).tests
    assert chosen == ["test_b.py::edge[ServiceSlow-99]", "test_a.py::quick"]


def test_a_file_that_is_opened_by_a_roundabout_path_has_its_own_name():
    assert named(f"{ROOT}/tests/monitoring/../../rules/x.yml", ROOT) == "rules/x.yml"


def test_a_changed_case_file_of_the_rules_counts_as_a_change_of_their_tests():
    helpers = helper_files()
    assert "tests/monitoring/promtool/service.yml" in helpers
    assert "tests/monitoring/boundaries.py" in helpers
    assert not set(helpers) & set(files_of_tests("rules"))


def test_the_helpers_of_a_test_file_are_what_it_imports_and_the_data_beside_them(tmp_path):
    files = {
        "tests/conftest.py": "",
        "tests/support.py": "import json\n",
        "tests/a/test_a.py": "from tests.b import made\n",
        "tests/a/conftest.py": "import tests.support\n",
        "tests/a/unused.py": "",
        "tests/a/data/case.yml": "",
        "tests/b/made.py": "",
        "tests/b/deep/made.yml": "",
        "tests/c/conftest.py": "",
        "tests/c/other.yml": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = helpers_of("tests/a/test_a.py", helper_files(tmp_path), tmp_path)
    assert found == [
        "tests/a/conftest.py", "tests/a/data/case.yml", "tests/b/deep/made.yml", "tests/b/made.py",
        "tests/conftest.py", "tests/support.py",
    ]  # fmt: skip


def test_a_result_holds_while_its_function_is_the_same_and_a_constant_while_its_file_is():
    text = "LIMIT = 5\n\ndef f(x):\n    return x > LIMIT\n\ndef g(x):\n    return x < 1\n"

    def digests(content):
        around = Surroundings("a.py", content.encode())
        found = PythonMutants("a.py", content.encode()).all()
        return {(m.scope, m.kind): around.digest(m) for m in found}

    before, after = digests(text), digests(text.replace("x < 1", "1 > x"))
    kept = {place for place in before if before[place] == after.get(place)}
    assert kept == {("f", "comparison")}
    assert digests("\n\n" + text)["g", "comparison"] == before["g", "comparison"]


def test_a_result_of_a_rule_holds_while_the_rule_is_the_same():
    text = "groups:\n  - alert: A\n    expr: a > 1\n  - alert: B\n    expr: b > 2\n"

    def digests(content):
        around = Surroundings("r.yml", content.encode())
        found = DataMutants("r.yml", content.encode()).all()
        return {m.scope: around.digest(m) for m in found}

    before, after = digests(text), digests(text.replace("b > 2", "b > 3"))
    assert before["A"] == after["A"]
    assert before["B"] != after["B"]


def test_tests_that_write_a_renamed_text_run_first(tmp_path):
    (tmp_path / "a.py").write_text('def f(x):\n    return {"runbooks": x}\n')
    (tmp_path / "test_a.py").write_text(
        "def test_quick():\n    assert f(1)\n\n"
        'class TestF:\n    def test_whole(self):\n        assert f(1) == {"runbooks": 1}\n'
    )
    record = tmp_path / "record.json"
    names = ["test_a.py::test_quick", "test_a.py::TestF::test_whole[1]"]
    test = {"passed": True, "features": ["F001"], "opened": []}
    tests = {name: test | {"seconds": 1.0 + at} for at, name in enumerate(names)}
    record.write_text(json.dumps({"tests": tests, "lines": {"a.py": {"2": names}}}))
    (mutant,) = [
        each
        for each in PythonMutants("a.py", (tmp_path / "a.py").read_bytes()).all()
        if each.kind == "name"
    ]
    assert Selection(record, tmp_path, 12).choose(mutant).tests == names[::-1]


def test_a_renamed_value_is_also_shown_to_tests_that_write_it_and_name_no_constant(tmp_path):
    (tmp_path / "a.py").write_text('class End(Enum):\n    WELL = "well"\n')
    (tmp_path / "test_a.py").write_text('@parametrize("end", ["well"])\ndef test_end(end): ...\n')
    (tmp_path / "test_b.py").write_text("def test_well():\n    assert End.WELL\n")
    record = tmp_path / "record.json"
    test = {"seconds": 1.0, "passed": True, "features": ["F001"], "opened": []}
    names = ["test_a.py::test_end[well]", "test_b.py::test_well"]
    record.write_text(json.dumps({"tests": dict.fromkeys(names, test), "lines": {}}))
    (mutant,) = PythonMutants("a.py", (tmp_path / "a.py").read_bytes()).all()
    assert Selection(record, tmp_path, 12).choose(mutant).tests == names


def test_what_the_first_tests_do_not_notice_is_shown_to_more(tmp_path):
    (tmp_path / "a.py").write_text("def f(x):\n    return x > 5\n")
    (tmp_path / "test_a.py").write_text("")
    names = [f"test_a.py::t{number}" for number in range(6)]
    test = {"seconds": 1.0, "passed": True, "features": ["F001"], "opened": []}
    record = tmp_path / "record.json"
    lines = {"a.py": {"2": names}}
    record.write_text(json.dumps({"tests": dict.fromkeys(names, test), "lines": lines}))
    content = (tmp_path / "a.py").read_bytes()
    mutant = next(m for m in PythonMutants("a.py", content).all() if m.kind == "comparison")
    choice = Selection(record, tmp_path, 1).choose(mutant)
    assert (len(choice.tests), len(choice.more)) == (1, 5)

    class Asked:
        def __init__(self, *outcomes):
            self.outcomes, self.asked = list(outcomes), []

        def ask(self, request):
            self.asked.append(tuple(request["tests"]))
            return {"outcome": self.outcomes.pop(0), "seconds": 1.0}

    for outcomes, last, asked in (
        (["killed"], "killed", 1),
        (["survived", "killed"], "killed", 2),
        (["survived", "survived"], "survived", 2),
    ):
        worker = Asked(*outcomes)
        answer = Trial("rules", mutant, choice, "").ask(worker, tmp_path)
        assert (answer["outcome"], answer["seconds"]) == (last, float(asked))
        assert worker.asked == [tuple(choice.tests), choice.more][:asked]


def test_domains_are_recorded_at_once_and_each_copy_by_one_at_a_time(tmp_path):
    copies = [tmp_path / "a", tmp_path / "b"]
    both, begun, used, busy = threading.Barrier(2, timeout=30), [], [], set()

    def recording(domain, tests, copy):
        assert copy not in busy
        busy.add(copy)
        begun.append(domain)
        if len(begun) <= 2:
            both.wait()
        used.append((domain, bool(tests)))
        busy.discard(copy)

    record_all(["rules", "audit", "notify"], copies, recording)
    assert sorted(used) == [("audit", True), ("notify", True), ("rules", True)]


def test_a_recording_that_fails_ends_the_campaign(tmp_path):
    def recording(*_):
        raise SystemExit("the tests could not be recorded")

    with pytest.raises(SystemExit, match="could not be recorded"):
        record_all(["rules"], [tmp_path], recording)


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("def f(x): return x > 5", ["> -> >=", "5 -> 6"]),
        ("def f(x): return x >= 5", [">= -> >", "5 -> 4"]),
        ("def f(x): return x < 5", ["< -> <=", "5 -> 4"]),
        ("def f(x): return x <= 5", ["<= -> <", "5 -> 6"]),
        ("def f(x): return 5 < x", ["5 -> 6", "< -> <="]),
        ("def f(x): return 5 >= x", ["5 -> 6", ">= -> >"]),
        ("def f(x): return x == 5", ["== -> !=", "5 -> 4", "5 -> 6"]),
        ("def f(x): return x > -5", ["> -> >=", "5 -> 4", "5 -> 6"]),
        ("def f(x):\n  if x is None:\n    return g(x)", ["never: x is None"]),
        ("def f(x):\n  if x > 5:\n    return g(x)", ["never: x > 5", "> -> >=", "5 -> 6"]),
        ("def f(x):\n  if x == y:\n    g(x)\n  else:\n    h()", ["== -> !=", "drop g(x)", "drop h()"]),
    ],
)  # fmt: skip
def test_what_is_noticed_whenever_another_change_is_is_not_tried(source, changes):
    found = keyed(PythonMutants("a.py", source.encode()).all())
    assert [mutant.change for mutant in without_implied(found, set())] == changes


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        ("a > 5", ["> -> >=", "5 -> 6"]),
        ("a <= 0.5 and b > on() c", ["<= -> <", "0.5 -> 0.55", "> -> >="]),
        ("a > 2 * b", ["> -> >=", "2 -> 1", "2 -> 3"]),
        ("a == 5", ["== -> !=", "5 -> 4", "5 -> 6"]),
    ],
)
def test_a_threshold_of_a_rule_is_moved_away_from_where_its_comparison_is_tried(
    expression, changes
):
    text = f"      - alert: A\n        expr: {expression}\n"
    found = [m for m in keyed(DataMutants("r.yml", text.encode()).all()) if m.kind != "name"]
    assert [mutant.change for mutant in without_implied(found, set())] == changes


def test_what_an_equivalent_change_would_imply_is_tried():
    found = keyed(PythonMutants("a.py", b"def f(x): return x > 5").all())
    comparison = next(mutant for mutant in found if mutant.kind == "comparison")
    rest = without_implied(found, {comparison.key})
    assert [mutant.change for mutant in rest] == ["5 -> 4", "5 -> 6"]


def test_every_equivalent_mutant_has_a_reason_and_still_exists():
    rows = EQUIVALENT.read_text(encoding="utf-8").splitlines()[1:]
    files = {row.split("\t")[1] for row in rows}
    known = {
        mutant.key
        for domain in DOMAINS
        for file in files & set(source_files(domain))
        for mutant in mutants_of(domain, Options([domain], match=f"{file}:"))
    }
    assert len(read_equivalent()) == len(rows)
    assert set(read_equivalent()) - known == set()


@pytest.mark.parametrize(
    ("outcome", "untried", "code"),
    [("killed", 0, 0), ("timeout", 0, 0), ("killed", 2, 3), ("survived", 0, 1), ("survived", 2, 1)],
)
def test_a_run_that_was_cut_short_is_no_run_without_survivors(outcome, untried, code):
    result = Result("k", "rules", "r.yml", 1, "threshold", "1 -> 2", "A", "a > 1", outcome)
    assert exit_code(Report([result], untried)) == code
