"""The dataset gate: each rule, its place and what is written."""

import os
import shutil

import pytest

from trimtab.gates import datasets
from trimtab.gates.errors import EvidenceMissing
from trimtab.gates.records import GateState

SHA = "ab" * 32
Q = "datasets/questions"


@pytest.fixture
def judged(world):
    """Judges the world's datasets and returns each finding as code and place."""

    def judge(edit=lambda report: None):
        report = world.report()
        edit(report)
        return [(f.code, f.path) for f in datasets.check(world.case(report)).findings]

    return judge


def test_sound_datasets_pass_and_are_counted(world):
    result = datasets.check(world.case(world.report()))
    assert (result.gate, result.state, result.findings, dict(result.facts)) == (
        "datasets",
        GateState.RAN,
        (),
        {"datasets": 2},
    )


def test_without_datasets_there_is_nothing_to_judge(world):
    shutil.rmtree(world.project.datasets)
    assert datasets.check(world.case({"results": [{}]})).state is GateState.SKIPPED
    used = {"results": [{"dataset": {"name": "gone", "manifest_sha256": SHA}}]}
    result = datasets.check(world.case(used))
    assert [(f.code, f.path) for f in result.findings] == [("datasets.not_found", "datasets/gone")]
    assert result.state is GateState.RAN


def test_a_project_with_unused_datasets_is_judged(world):
    result = datasets.check(world.case({"results": [{}]}))
    assert (result.state, dict(result.facts)) == (GateState.RAN, {"datasets": 2})


def test_a_report_made_with_another_manifest_is_found(judged):
    def edit(report):
        report["results"][0]["dataset"]["manifest_sha256"] = SHA
        report["results"][1:] = []

    assert judged(edit) == [("datasets.changed", f"{Q}/manifest.sha256")]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("", [("datasets.manifest_malformed", f"{Q}/manifest.sha256")]),
        ("oops\n", [("datasets.manifest_malformed", f"{Q}/manifest.sha256:1")]),
        (f"{SHA}  data.jsonl\n{SHA}  data.jsonl\n",
         [("datasets.manifest_malformed", f"{Q}/manifest.sha256:2")]),
        (f"{SHA}  ../golden/data.jsonl\n", [("datasets.unsafe_path", f"{Q}/manifest.sha256:1")]),
        (f"{SHA}  /etc/passwd\n", [("datasets.unsafe_path", f"{Q}/manifest.sha256:1")]),
        (f"{SHA}  a\\b\n", [("datasets.unsafe_path", f"{Q}/manifest.sha256:1")]),
        (f"{SHA}  ./data.jsonl\n", [("datasets.unsafe_path", f"{Q}/manifest.sha256:1")]),
        (f"{SHA}  link\n", [("datasets.unsafe_path", f"{Q}/manifest.sha256:1")]),
        (f"{SHA}  linked/x\n", [("datasets.unsafe_path", f"{Q}/manifest.sha256:1")]),
        (f"oops\n{SHA}  ../x\n",
         [("datasets.manifest_malformed", f"{Q}/manifest.sha256:1"),
          ("datasets.unsafe_path", f"{Q}/manifest.sha256:2")]),
    ],
)  # fmt: skip
def test_each_line_of_a_manifest_names_one_file_inside_once(world, lines, found):
    folder = world.project.datasets / "questions"
    (folder / "link").symlink_to("data.jsonl")
    (folder / "linked").symlink_to("../golden")
    (folder / "manifest.sha256").write_text(lines)
    assert [(f.code, f.path) for f in datasets.verify(folder)] == found


def test_a_missing_an_unlisted_and_a_changed_file_are_told_apart(world):
    folder = world.project.datasets / "questions"
    (folder / "notes.csv").rename(folder / "renamed.csv")
    (folder / "data.jsonl").write_bytes(b"{}\n")
    assert [(f.code, f.path) for f in datasets.verify(folder)] == [
        ("datasets.file_missing", f"{Q}/notes.csv"),
        ("datasets.file_unlisted", f"{Q}/renamed.csv"),
        ("datasets.checksum_mismatch", f"{Q}/data.jsonl"),
    ]


def test_a_listed_file_that_became_a_pipe_is_unsafe_and_never_waited_for(world):
    folder = world.project.datasets / "questions"
    (folder / "data.jsonl").unlink()
    os.mkfifo(folder / "data.jsonl")
    assert [(f.code, f.path) for f in datasets.verify(folder)] == [
        ("datasets.unsafe_path", f"{Q}/data.jsonl")
    ]
    assert datasets.count_samples(folder) == 2


@pytest.mark.parametrize("name", ["a\nb", "a\\b"])
def test_a_file_whose_name_no_manifest_can_hold_is_refused(tmp_path, name):
    (tmp_path / "good").write_text("x")
    assert set(datasets.create_manifest(tmp_path).files) == {"good"}
    (tmp_path / name).write_text("x")
    with pytest.raises(EvidenceMissing):
        datasets.create_manifest(tmp_path)


def test_a_dataset_that_is_not_there_or_holds_a_link_has_no_manifest(tmp_path):
    with pytest.raises(EvidenceMissing, match="Dataset not found"):
        datasets.create_manifest(tmp_path / "none")
    (tmp_path / "link").symlink_to("/etc/hosts")
    with pytest.raises(EvidenceMissing, match="not a regular file"):
        datasets.create_manifest(tmp_path)


def test_a_manifest_as_a_document_lists_paths_and_hashes_in_order():
    manifest = datasets.DatasetManifest({"b": "1" * 64, "a": "0" * 64})
    assert manifest.as_document("questions") == {
        "schema_version": "1.0",
        "dataset": "questions",
        "files": [{"path": "a", "sha256": "0" * 64}, {"path": "b", "sha256": "1" * 64}],
    }
    assert manifest.text() == f"{'0' * 64}  a\n{'1' * 64}  b\n"


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("x.jsonl", "{}\n\n{}\n", 2),
        ("x.ndjson", "{}\n{}", 2),
        ("x.txt", "a\n \nb\n", 2),
        ("x.csv", "id,a\n1,2\n\n3,4\n", 2),
        ("x.tsv", 'id\ta\n1\t"2\n3"\n', 1),
        ("x.csv", "", 0),
        ("x.json", "[1, 2, 3]", 3),
        ("x.json", '{"a": 1}', 1),
        ("x.json", "{", 0),
        ("x.bin", "a\nb\n", 0),
        ("X.JSONL", "{}\n", 1),
    ],
)
def test_samples_are_counted_by_the_form_of_the_file(tmp_path, name, content, count):
    (tmp_path / name).write_text(content)
    assert datasets.count_samples(tmp_path) == count


@pytest.mark.parametrize(("least", "enough"), [(120 + 2, True), (120 + 3, False)])
def test_a_dataset_has_as_many_samples_as_the_policy_asks_for(world, judged, least, enough):
    policy = world.project.policy
    policy.write_text(policy.read_text().replace("questions: 100", f"questions: {least}"))
    assert judged() == ([] if enough else [("datasets.too_few_samples", Q)])


@pytest.mark.parametrize(
    ("mode", "wanted", "readable"),
    [
        (0o755, None, None), (0o500, None, None), (0o775, 0o755, True), (0o757, 0o755, True),
        (0o100, 0o500, False), (0o400, 0o500, False),
    ],
)  # fmt: skip
def test_a_folder_is_entered_by_its_owner_and_changed_by_nobody_else(tmp_path, mode, wanted, readable):  # fmt: skip
    folder = tmp_path / "data"
    (folder / "inner").mkdir(parents=True)
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o666)
    (folder / "link").symlink_to(tmp_path / "open")
    (folder / "inner").chmod(mode)
    wrong = datasets.wrong_permissions(folder)
    if wanted is None:
        assert wrong == ()
        return
    assert [(one.path, one.mode, one.expected, one.readable) for one in wrong] == [
        (folder / "inner", mode, wanted, readable)
    ]
    datasets.fix_permissions(wrong)
    assert (folder / "inner").stat().st_mode & 0o777 == wanted
    assert datasets.wrong_permissions(tmp_path / "none") == ()


@pytest.mark.parametrize("count", [0, 1, 15, 16, 1025])
def test_each_file_is_read_once_and_its_result_keeps_its_place(count):
    assert datasets.map_files(str, range(count)) == [str(number) for number in range(count)]
