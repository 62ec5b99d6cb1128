"""Reports in every version and form: strict JSON, the schema's words, migrations both ways, and structured logs."""

import sys

import orjson
import pytest

from trimtab.gates import evidence_files, strictjson
from trimtab.gates.benchmark import BenchmarkLogger
from trimtab.gates.benchmark.idhash import IdHash
from trimtab.gates.benchmark.logger import chain
from trimtab.gates.benchmark.prove import Proof, prove, results_digest
from trimtab.gates.benchmark.stream import read_log, structured_lines
from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.evidence_files import read_evidence, read_text
from trimtab.gates.json_path import values_at
from trimtab.gates.schema import check_document, check_report, downgrade
from trimtab.gates.schema.check import MAX_FINDINGS, json_path, path_of
from trimtab.gates.schema.migrate import migrate
from trimtab.gates.schema.versions import available, project_schemas, version_of
from trimtab.gates.selftest.sample_project import StepClock
from trimtab.gates.strictjson import LARGEST, parse
from trimtab.infra.shipped import shipped
from trimtab.kernel.ids import sha256_hex
from trimtab.testing.clock import FakeClock

ONE = {
    "schema_version": "1.0", "name": "mmlu", "accuracy": 0.5, "samples_processed": 10,
    "duration_s": 2.0, "status": "PASS",
}  # fmt: skip
RESULT = {
    "name": "mmlu", "accuracy": 0.5, "samples_processed": 10, "predictions_count": 10,
    "duration_s": 2.0, "status": "PASS",
}  # fmt: skip


def test_a_1_0_report_becomes_current_and_remembers_what_it_lacked():
    assert migrate(ONE) == {
        **ONE,
        "schema_version": "2.0",
        "predictions_count": 0,
        "metrics": {"compute_mode": "undeclared"},
        "results": [{**RESULT, "predictions_count": 0}],
        "extra": {
            "migrated_from_1_0": {
                "lacked": ["metrics", "predictions_count", "extra"],
                "compute_mode": False,
                "others": {},
                "results": None,
            },
            "migrated_from_1_1": {"results": False, "extra": True},
        },
    }


FORMS = {
    "bare": ONE,
    "with counts and a mode": {**ONE, "predictions_count": 10, "metrics": {"compute_mode": "cpu"}},
    "with metrics but no mode": {**ONE, "metrics": {"mmlu": 0.5}},
    "with free data": {**ONE, "extra": {"a": 1}, "predictions_count": 10},
    "with an empty extra": {**ONE, "extra": {}},
    "with unknown fields": {**ONE, "host": "a", "note": {"b": 2}},
    "with whole results": {**ONE, "results": [RESULT]},
    "with other results": {**ONE, "results": [{"name": "mmlu", "accuracy": 0.5}]},
    "with results and others": {**ONE, "results": [RESULT, {"name": "x"}]},
    "with an empty list of results": {**ONE, "results": []},
}


@pytest.mark.parametrize("report", FORMS.values(), ids=FORMS)
def test_a_1_0_report_comes_back_as_it_was(report):
    assert downgrade(migrate(report), "1.0") == report


def test_results_are_taken_over_only_when_each_is_whole():
    whole, partly = FORMS["with whole results"], FORMS["with results and others"]
    assert migrate(whole)["results"] == [RESULT]
    kept = migrate(partly)
    assert [result["name"] for result in kept["results"]] == ["mmlu"]
    assert kept["extra"]["migrated_from_1_0"]["results"] == partly["results"]


NEXT = {
    **ONE, "schema_version": "1.1", "predictions_count": 10, "metrics": {"compute_mode": "cpu"},
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"results": [RESULT]}, {"extra": {"a": 1}}, {"extra": {}},
        {"seeds": {"python": 1}}, {"seeds": {"python": -1}}, {"seeds": {"python": "x"}},
    ],
)  # fmt: skip
def test_a_1_1_report_comes_back_as_it_was(changes):
    report = {**NEXT, **changes}
    current = migrate(report)
    assert version_of(current) == "2.0"
    assert downgrade(current, "1.1") == report


@pytest.mark.parametrize(("seed", "kept"), [(0, True), (7, True), (-1, False), (True, False), (1.5, False)])  # fmt: skip
def test_only_seeds_that_are_whole_numbers_from_0_are_taken_over(seed, kept):
    current = migrate({**NEXT, "seeds": {"python": seed}})
    assert ("seeds" in current) is kept
    assert ("seeds_1_1" in current["extra"]) is not kept


CURRENT = {**NEXT, "schema_version": "2.0", "results": [RESULT], "extra": {"a": 1}}


@pytest.mark.parametrize("key", ["started_at", "finished_at", "model", "source"])
def test_what_1_1_has_no_word_for_cannot_go_down(key):
    assert downgrade(CURRENT, "1.1") == {**CURRENT, "schema_version": "1.1"}
    with pytest.raises(EvidenceUnreadable, match=f"Version 1.1 has no '{key}'"):
        downgrade({**CURRENT, key: "x"}, "1.1")


def test_a_result_with_more_fields_cannot_go_down():
    with pytest.raises(EvidenceUnreadable, match=r"Version 1\.1 has no 'stderr'"):
        downgrade({**CURRENT, "results": [{**RESULT, "stderr": 0.1}]}, "1.1")


@pytest.mark.parametrize("key", ["seeds", "environment"])
def test_what_1_0_has_no_word_for_cannot_go_down(key):
    assert downgrade(NEXT, "1.0") == {**NEXT, "schema_version": "1.0"}
    assert downgrade({**NEXT, "extra": {"a": 1}}, "1.0")["extra"] == {"a": 1}
    with pytest.raises(EvidenceUnreadable, match=f"Version 1.0 has no '{key}'"):
        downgrade({**NEXT, key: {}}, "1.0")


def test_a_report_cannot_become_a_version_that_never_was():
    with pytest.raises(EvidenceUnreadable, match=r"version 1\.0 cannot become 0\.9"):
        downgrade(ONE, "0.9")


# The schema gate's words.


def checked(**changes):
    report = {**CURRENT, **changes}
    return [
        (f.code.removeprefix("schema."), f.path, f.message)
        for f in check_report(orjson.dumps(report)).findings
    ]


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"status": "DONE"}, "invalid_status", "$.status"),
        ({"accuracy": 1.1}, "out_of_range", "$.accuracy"),
        ({"accuracy": -0.1}, "out_of_range", "$.accuracy"),
        ({"duration_s": 0}, "out_of_range", "$.duration_s"),
        ({"samples_processed": 0}, "out_of_range", "$.samples_processed"),
        ({"accuracy": "0.5"}, "invalid", "$.accuracy"),
        ({"surprise": 1}, "unknown_field", "$"),
        ({"results": [{**RESULT, "status": "DONE"}]}, "invalid_status", "$.results[0].status"),
        ({"schema_version": "3.0"}, "unknown_version", "$.schema_version"),
        ({"schema_version": 2.0}, "unknown_version", "$.schema_version"),
    ],
)
def test_each_fault_of_a_report_has_its_code_and_path(changes, code, path):
    assert [found[:2] for found in checked(**changes)] == [(code, path)]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("name", "`name`"), ("accuracy", "float from 0 to 1"), ("samples_processed", "number > 0"),
        ("predictions_count", "equal to samples_processed"), ("duration_s", "in seconds"),
        ("status", "PARTIAL"), ("metrics", "`compute_mode`"),
    ],
)  # fmt: skip
def test_a_missing_field_says_how_to_give_it(field, words):
    report = {key: value for key, value in CURRENT.items() if key != field}
    (found,) = check_report(orjson.dumps(report)).findings
    assert (found.code, found.path) == ("schema.required_missing", f"$.{field}")
    assert words in found.fix


def test_a_missing_version_and_mode_say_how_to_give_them():
    report = {key: value for key, value in CURRENT.items() if key != "schema_version"}
    (found,) = check_report(orjson.dumps(report)).findings
    assert "Add `schema_version`" in found.fix
    (found,) = check_report(orjson.dumps({**CURRENT, "metrics": {}})).findings
    assert (found.path, found.fix) == (
        "$.metrics.compute_mode",
        "Add `metrics.compute_mode`, such as cpu or gpu.",
    )


def test_a_current_report_is_passed_on_without_a_note():
    good = check_report(orjson.dumps(CURRENT))
    assert (good.report, good.findings, good.version) == (CURRENT, (), "2.0")


def test_an_old_report_is_noted_and_passed_on_as_a_current_one():
    old = check_report(orjson.dumps(NEXT))
    assert [(f.code, f.path) for f in old.findings] == [("schema.old_version", "$.schema_version")]
    assert (old.report, old.version) == (migrate(NEXT), "1.1")


def test_a_patch_number_is_ignored():
    assert check_report(orjson.dumps({**CURRENT, "schema_version": "2.0.7"})).findings == ()
    assert version_of({"schema_version": "2.0.7"}) == "2.0"
    assert version_of({"schema_version": "2"}) is None
    assert version_of([]) is None


def test_only_the_first_hundred_faults_are_told():
    results = [{**RESULT, "accuracy": 2} for _ in range(MAX_FINDINGS + 5)]
    assert MAX_FINDINGS == 100
    assert len(checked(results=results)) == 100
    assert len(checked(results=results[:99])) == 99


@pytest.mark.parametrize("stated", [None, "9.9", 5])
def test_a_document_of_no_known_version_is_refused(stated):
    document = {} if stated is None else {"schema_version": stated}
    (found,) = check_document("manifest", document)
    assert (found.code, found.path) == ("schema.unknown_version", "$.schema_version")
    (found,) = check_document("manifest", [])
    assert found.code == "schema.unknown_version"


@pytest.mark.parametrize(("length", "cut"), [(300, False), (301, True)])
def test_a_long_message_is_cut_at_300_characters(length, cut):
    (probe,) = checked(accuracy="x")
    fixed = len(probe[2].partition("$.accuracy: ")[2].rpartition(" (")[0]) - 1
    (found,) = checked(accuracy="x" * (length - fixed))
    text = found[2].partition("$.accuracy: ")[2].rpartition(" (")[0]
    assert len(text) == 300
    assert text.endswith("...") is cut


def test_paths_are_written_as_people_write_them():
    assert json_path(["results", 3, "accuracy"]) == "$.results[3].accuracy"
    assert json_path([]) == "$"
    assert path_of("$", "name") == "name"
    assert path_of("$.results[0]", "name") == "results[0].name"


def test_the_schemas_of_a_project_are_sound_changed_or_broken(tmp_path):
    own = shipped("schemas") / "report-2.0.json"
    (tmp_path / "report-2.0.json").write_bytes(own.read_bytes())
    (tmp_path / "report-1.0.json").write_bytes(own.read_bytes())
    (tmp_path / "report-1.1.json").write_bytes(b"{")
    (tmp_path / "list.json").write_bytes(b"[]")
    (tmp_path / "no-schema.json").write_bytes(b'{"type": 5}')
    (tmp_path / "other.json").write_bytes(b'{"type": "object"}')
    (tmp_path / "notes.md").write_text("x")
    title = orjson.loads(own.read_bytes())["title"]
    rows = {name: (state, told) for name, state, told in project_schemas(tmp_path)}
    assert rows["report-2.0.json"] == ("ok", title)
    assert rows["report-1.0.json"] == ("changed", title)
    assert rows["other.json"] == ("ok", "")
    broken = {name for name, (state, told) in rows.items() if state == "BROKEN" and told}
    assert broken == {"report-1.1.json", "list.json", "no-schema.json"}
    assert len(rows) == 6
    assert available("report") == ("1.0", "1.1", "2.0")


# Strict JSON.


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"a": 1, "b": [1, 2]}', []),
        (b'{"a" : 1}', []),
        (b'{"a\\u0041": 1}', []),
        (b'{"a": ":"}', []),
        (b'{"a": {"b": 1}, "b": 2}', []),
        (b'{"a": 1, "a": 2}', [("duplicate_key", "$.a")]),
        (b'{"a" : 1, "a" : 2}', [("duplicate_key", "$.a")]),
        (b'{"a": 1, "\\u0061": 2}', [("duplicate_key", "$.a")]),
        (b'{"a":"\\":","a":1}', [("duplicate_key", "$.a")]),
        (b'{"a" :":","a"\t:1,"a"\n:1,"a"\r:1}', [("duplicate_key", "$.a")] * 3),
        (b'[{"b": [{"a": 1, "a": 2}]}]', [("duplicate_key", "$[0].b[0].a")]),
        (b'{"a": 1, "a": 2, "a": 3}', [("duplicate_key", "$.a")] * 2),
        (f'{{"a": {LARGEST}}}'.encode(), []),
        (f'{{"a": {-LARGEST}}}'.encode(), []),
        (f'{{"a": {LARGEST + 1}}}'.encode(), [("number_too_large", "$.a")]),
        (f'[[{-LARGEST - 1}]]'.encode(), [("number_too_large", "$[0][0]")]),
        (b"9007199254740993", [("number_too_large", "$")]),
        (b'{"a": 1e300}', [("number_too_large", "$.a")]),
        (b'{"a": [NaN]}', [("invalid_json", "$.a[0]")]),
        (b'{"a": -Infinity, "b": Infinity}', [("invalid_json", "$.b"), ("invalid_json", "$.a")]),
        (b'{"a": NaN', [("invalid_json", "$")]),
        (b"", [("invalid_json", "$")]),
        (b"\xff", [("invalid_json", "$")]),
        (b"\xef\xbb\xbf{}", [("invalid_json", "$")]),
    ],
)  # fmt: skip
def test_json_means_the_same_to_every_reader(raw, found):
    parsed = parse(raw)
    assert [(f.code.removeprefix("schema."), f.path) for f in parsed.findings] == found
    assert (parsed.value is None) is any(code == "invalid_json" for code, _ in found)


def test_the_root_of_a_path_has_the_name_that_was_given():
    assert [f.path for f in parse(b'{"a": 1, "a": 2}', name="trust").findings] == ["trust.a"]
    assert [f.path for f in parse(b'{"a": 1e300}', name="trust").findings] == ["trust.a"]
    assert [f.path for f in parse(b"[NaN]", name="trust").findings] == ["trust[0]"]


def test_evidence_is_a_file_that_can_be_read(tmp_path):
    (tmp_path / "file").write_bytes(b"a\xff")
    assert (read_evidence(tmp_path / "file"), read_text(tmp_path / "file")) == (b"a\xff", "a\ufffd")
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(EvidenceUnreadable, match="not a regular file"):
            read_evidence(path)


def test_evidence_may_be_as_large_as_its_limit(tmp_path, monkeypatch):
    assert evidence_files.MAX_BYTES == strictjson.MAX_BYTES == 256 * 1024 * 1024
    monkeypatch.setattr(evidence_files, "MAX_BYTES", 3)
    monkeypatch.setattr(strictjson, "MAX_BYTES", 3)
    (tmp_path / "file").write_bytes(b"123")
    assert read_evidence(tmp_path / "file") == b"123"
    assert parse(b"123").findings == ()
    (tmp_path / "file").write_bytes(b"1234")
    with pytest.raises(EvidenceUnreadable, match="too large"):
        read_evidence(tmp_path / "file")
    assert [f.code for f in parse(b"1234").findings] == ["schema.invalid_json"]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("name", ["mmlu"]),
        ("", [{"name": "mmlu", "results": [{"a": 0.5, "b": [2, 1]}, {}, {"a": -1}, {"a": "x"}]}]),
        ("results[].a", [-1, None, 0.5, "x"]),
        ("results.a.deeper", [None, None, None, None]),
        ("name.none", [None]),
    ],
)
def test_the_values_of_a_path_are_sorted_with_missing_ones_among_the_numbers(path, values):
    results = [{"a": 0.5, "b": [2, 1]}, {}, {"a": -1}, {"a": "x"}]
    assert values_at({"name": "mmlu", "results": results}, path) == values


# Structured logs.


@pytest.fixture
def log(tmp_path):
    with BenchmarkLogger("run", folder=tmp_path, clock=StepClock()) as writer:
        writer.start(seeds={"python": 0}, environment={}, compute_mode="cpu")
        for index in range(4):
            writer.sample(f"q{index}")
            writer.prediction(f"q{index}", correct=index < 3)
        writer.result()
    return writer.path


def edited(log, edit):
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(edit(lines)))
    return [(f.code.removeprefix("benchmark."), f.path) for f in read_log(log, "run").findings]


def test_a_log_is_counted_from_its_own_lines(log):
    said = read_log(log)
    ids = IdHash()
    for index in range(4):
        ids.add(f"q{index}")
    assert (said.samples, said.predictions, said.right, said.findings) == (4, 4, 3, ())
    assert (said.samples_hash, said.predictions_hash) == (ids.hexdigest(), ids.hexdigest())
    assert said.lines == len(log.read_bytes().splitlines())
    assert said.result["accuracy"] == 0.75


def test_each_line_of_a_log_is_chained_to_the_one_before(log):
    previous = "0" * 64
    for line in log.read_text().splitlines():
        body, _, stated = line.partition(',"chain":"')
        previous = sha256_hex((previous + body + "}").encode())
        assert stated == f'{previous}"}}'


def test_ids_are_summed_whatever_their_order():
    ids, total = IdHash(), 0
    for number in range(50):
        ids.add(f"q{number}")
        total += int(sha256_hex(f"q{number}".encode()), 16)
    assert (ids.count, ids.hexdigest()) == (50, f"{total % 2**256:064x}")
    assert total >= 2**256


EDITS = {
    "as written": (lambda lines: lines, []),
    "a line gone": (lambda lines: lines[:2] + lines[3:], [("log_broken", "run:3")]),
    "two lines swapped": (
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        [("log_broken", "run:2"), ("log_broken", "run:3"), ("clock_back", "run:3"), ("log_broken", "run:4")],
    ),
    "a word changed": (
        lambda lines: [lines[0], lines[1].replace(b"q0", b"q9"), *lines[2:]],
        [("log_broken", "run:2")],
    ),
    "a line without its chain": (
        lambda lines: [*lines[:1], b'{"event": "sample"}\n', *lines[1:]],
        [("log_broken", "run:2")],
    ),
    "a chain of another name": (
        lambda lines: [lines[0], lines[1].replace(b'"chain"', b'"chaim"'), *lines[2:]],
        [("log_broken", "run:2"), ("log_broken", "run:3")],
    ),
    "a line that is no JSON": (
        lambda lines: [lines[0], b"{" + lines[1], *lines[2:]],
        [("log_broken", "run:2"), ("log_broken", "run:3")],
    ),
    "the end cut off": (lambda lines: lines[:-1], None),
    "a line after the end": (lambda lines: [*lines, lines[1]], None),
    "nothing": (lambda lines: [], [("log_broken", "run:0")]),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "found"), EDITS.values(), ids=EDITS)
def test_each_change_of_a_log_is_found_at_its_line(log, edit, found):
    count = len(log.read_bytes().splitlines())
    result = edited(log, edit)
    if found is None:
        assert result[-1][0] in {"log_broken", "clock_back"}
        assert result[-1][1] in {f"run:{count - 1}", f"run:{count + 1}"}
    else:
        assert result == found


def test_lines_of_one_moment_are_in_order(tmp_path):
    with BenchmarkLogger("run", folder=tmp_path, clock=FakeClock()) as writer:
        writer.start(seeds={}, environment={}, compute_mode="cpu")
        writer.result()
    assert read_log(writer.path).findings == ()


def test_a_run_that_fails_is_written_into_both_logs_and_closed(tmp_path):
    writer = BenchmarkLogger("run", folder=tmp_path / "new", clock=StepClock())

    def fail():
        with writer:
            writer.start(seeds={"python": 1}, environment={"A": "b"}, compute_mode="cpu")
            raise ValueError("no such model")

    with pytest.raises(ValueError, match="no such model"):
        fail()
    records = [orjson.loads(line) for line in writer.path.read_bytes().splitlines()]
    assert [record["event"] for record in records] == ["run_start", "error", "run_end"]
    assert [record["seq"] for record in records] == [0, 1, 2]
    start, error, end = records
    assert (start["benchmark"], start["seeds"], start["environment"], start["compute_mode"]) == (
        "run", {"python": 1}, {"A": "b"}, "cpu",
    )  # fmt: skip
    assert error["message"] == "ValueError: no such model"
    assert end["events"] == 2
    (plain,) = [path for path in (tmp_path / "new").iterdir() if path != writer.path]
    assert plain.read_text().endswith(" ERROR run benchmark failed: ValueError: no such model\n")
    said = read_log(writer.path, "run")
    assert (said.result, said.findings) == (None, ())
    writer.close()
    assert len(writer.path.read_bytes().splitlines()) == 3


def test_a_line_that_follows_the_end_is_a_fault_though_it_continues_the_chain(log):
    last = orjson.loads(log.read_bytes().splitlines()[-1])
    body = orjson.dumps({"seq": last["seq"] + 1, "at": last["at"], "event": "note"})
    stated = chain(last["chain"], body)
    log.write_bytes(log.read_bytes() + body[:-1] + f',"chain":"{stated}"}}\n'.encode())
    (found,) = read_log(log, "run").findings
    assert (found.path, "a line follows run_end" in found.message) == (
        f"run:{last['seq'] + 2}",
        True,
    )


@pytest.mark.parametrize(("lines", "told"), [(18, 19), (19, 20), (25, 20)])
def test_a_log_that_is_wrong_throughout_is_described_by_twenty_faults(tmp_path, lines, told):
    (tmp_path / "log").write_bytes(b"x\n" * lines)
    assert len(read_log(tmp_path / "log").findings) == told


def test_the_first_records_of_a_log_are_given(log):
    assert len(list(structured_lines(log, 2))) == 2
    assert len(list(structured_lines(log, 10**6))) == len(log.read_bytes().splitlines())
    log.write_bytes(b"{}\n{\n")
    assert list(structured_lines(log, 1)) == [{}]
    with pytest.raises(ValueError, match=":2: "):
        list(structured_lines(log, 2))


# The proof.


def test_two_runs_say_the_same_when_only_times_differ():
    first = {"results": [RESULT, {**RESULT, "name": "a"}]}
    times = {"duration_s": 9.0, "durations_s": [1], "throughput": 1, "peak_memory_mb": 1, "log": {}, "extra": {}}  # fmt: skip
    second = {"results": [{**RESULT, "name": "a", **times}, {**RESULT, **times}]}
    assert results_digest(first) == results_digest(second)
    for key in ("name", "accuracy", "status", "samples_processed", "predictions_count"):
        assert results_digest({"results": [{**RESULT, key: "x"}]}) != results_digest({"results": [RESULT]})  # fmt: skip


@pytest.mark.parametrize(("second", "same"), [("a", True), ("b", False)])
def test_a_proof_says_whether_both_runs_agree(second, same):
    proof = Proof("r", "a", second, "python x.py", {"A": "1"}, "2026-01-05T12:00:00Z")
    assert orjson.loads(proof.as_json()) == {
        "report_sha256": "r", "first": "a", "second": second, "command": "python x.py",
        "environment": {"A": "1"}, "at": "2026-01-05T12:00:00Z", "same": same,
    }  # fmt: skip


WRITES = "import os; open(os.environ['BENCHMARK_REPORT'], 'w').write('{}')"
ENDS = "import sys; sys.stderr.write('why'); sys.exit(3)"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([sys.executable, "-c", f"{WRITES}; {ENDS}"], "code 3 and wrote no report: why"),
        ([sys.executable, "-c", "pass"], "code 0 and wrote no report"),
        ([sys.executable, "-c", WRITES], "second run's report is unusable"),
        (["/nothing/here"], "The second run failed"),
    ],
    ids=["ends with an error", "writes nothing", "writes no report", "does not start"],
)
def test_a_second_run_that_fails_proves_nothing(command, words):
    raw = orjson.dumps(CURRENT)
    with pytest.raises(EvidenceUnreadable, match=words):
        prove(raw, command, clock=StepClock(), timeout_s=60)
    with pytest.raises(EvidenceUnreadable, match="the report is unusable"):
        prove(b"{}", command, clock=StepClock(), timeout_s=60)


def test_a_second_run_gets_the_reports_environment_and_a_place_to_write(tmp_path):
    (tmp_path / "run.py").write_text(
        "import json, os, sys\n"
        "assert os.environ['OMP_NUM_THREADS'] == '3' and sys.argv[1] == os.environ['BENCHMARK_REPORT']\n"
        f"json.dump({CURRENT!r}, open(sys.argv[1], 'w'))\n"
    )
    raw = orjson.dumps({**CURRENT, "environment": {"OMP_NUM_THREADS": "3"}})
    command = [sys.executable, str(tmp_path / "run.py"), "{report}"]
    proof = prove(raw, command, clock=StepClock(), timeout_s=60)
    assert (proof.same, proof.report_sha256) == (True, sha256_hex(raw))
    assert proof.environment == {"OMP_NUM_THREADS": "3"}
    assert proof.command.endswith("run.py '{report}'")
    assert proof.at == "2026-01-05T12:00:00Z"
