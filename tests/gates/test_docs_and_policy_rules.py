"""The documentation gate, the policy file and the gates' own errors: each rule and its place."""

import shutil

import pytest

from trimtab.gates import docs_gate, errors
from trimtab.gates.alerts import AlertNotSent
from trimtab.gates.docs_gate import known_command, read_page, slug
from trimtab.gates.errors import PolicyWrong
from trimtab.gates.policy import GatePolicy, load_policy
from trimtab.gates.records import GateState


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.EvidenceMissing, "gates.evidence_missing"),
        (errors.EvidenceUnreadable, "gates.evidence_unreadable"),
        (errors.ImportRefused, "gates.import_refused"),
        (errors.PolicyWrong, "gates.policy_wrong"),
        (errors.KeyMissing, "gates.key_missing"),
        (errors.SignatureWrong, "gates.signature_wrong"),
        (errors.ApprovalRefused, "gates.approval_refused"),
        (errors.BaselineRefused, "gates.baseline_refused"),
        (errors.ToolMissing, "gates.tool_missing"),
        (errors.NoGoodCopy, "gates.no_good_copy"),
        (AlertNotSent, "gates.alert_not_sent"),
    ],
)
def test_each_error_keeps_the_code_that_clients_know(kind, code):
    assert kind("x").code == code


@pytest.fixture
def found(world):
    """Judges a README after some text was added, and returns each finding as code and place."""

    def judge(text="", path="README.md"):
        with (world.root / path).open("a") as page:
            page.write(text)
        return [(f.code, f.path) for f in docs_gate.check(world.case(None)).findings]

    return judge


DEAD, ANCHOR = "docs.link_dead", "docs.anchor_dead"
COMMAND, UNCLEAR = "docs.command_unknown", "docs.unclear"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[a](docs/guide.md)", ""),
        ("[a](docs/guide.md#how-to-run)", ""),
        ("[a](/docs/guide.md)", ""),
        ("[a](#self-test)", ""),
        ("[a](docs)", ""),
        ("[a](https://example.org/none)", ""),
        ("[a](mailto:a@example.org)", ""),
        ("![a](LICENSE)", ""),
        ("[a](Makefile#L1)", ""),
        ("[a](docs/none.md)", DEAD),
        ("![a](none.png)", DEAD),
        ("[a](/none.md)", DEAD),
        ("[a](#none)", ANCHOR),
        ("[a](docs/guide.md#none)", ANCHOR),
        ("[a](unlisted.md#none)", ANCHOR),
        ("[a](unlisted.md#here)", ""),
        ("[a](named.md#by-tag)", ""),
    ],
)
def test_a_link_leads_to_a_page_and_to_a_heading_of_it(world, found, text, code):
    (world.root / "unlisted.md").write_text("# Here\n\nText.\n")
    (world.root / "named.md").write_text('# Here\n\n<a id="by-tag"></a>\n')
    assert found(f"\n{text}\n") == ([(code, "README.md:10")] if code else [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("trimtab gates run report.json", ""),
        ("$ trimtab gates fields", ""),
        ("trimtab --help", ""),
        ("trimtab", ""),
        ("make test", ""),
        ("make", ""),
        ("make test ONLY=x", ""),
        ("make -j2 test", ""),
        ("python script.py", ""),
        ("python", ""),
        ("python scripts/there.py", ""),
        ("trimtab gates fly", COMMAND),
        ("trimtab walk", COMMAND),
        ("make tests", COMMAND),
        ("make test nothing", COMMAND),
        ("python scripts/none.py", COMMAND),
    ],
)
def test_a_command_of_a_page_exists(world, found, text, code):
    (world.root / "scripts").mkdir()
    (world.root / "scripts" / "there.py").write_text("")
    assert found(f"\n```sh\n# A comment.\n{text}\n```\n") == (
        [(code, "README.md:12")] if code else []
    )


def test_commands_are_judged_only_where_something_says_what_exists(world, found):
    (world.root / "Makefile").unlink()
    assert found("\n```sh\nmake nothing\npython scripts/none.py\n```\n") == []


def test_a_block_of_another_language_holds_no_command(found):
    assert found("\n```python\ntrimtab walk\n```\n") == []


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (["gates", "run"], True),
        (["gates", "run", "file"], True),
        (["gates", "run", "./file.json"], True),
        (["gates"], False),
        (["gates", "--help"], False),
        (["--version"], True),
        ([], True),
        (["run"], False),
    ],
)
def test_a_command_is_known_by_its_first_words(words, known):
    assert known_command(words, frozenset({"gates run"})) is known


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("\n## Empty\n", ["README.md:10"]),
        ("\n## Empty\n\n## Next\n\nText.\n", ["README.md:10"]),
        ("\n## Outer\n\n### Inner\n\nText.\n", []),
        ("\n## Outer\n\n### Inner\n\n## Next\n\nText.\n", ["README.md:12"]),
        ("\n## Full\n\nText.\n", []),
        ("\n## TODO\n\nText.\n", ["README.md:10"]),
        ("\nTBD\n", ["README.md:10"]),
    ],
)
def test_a_section_is_neither_empty_nor_unfinished(found, text, places):
    assert found(text) == [(UNCLEAR, place) for place in places]


def test_a_page_gives_equal_headings_anchors_of_their_own(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("---\ntitle: x\n---\n# A `b` c!\n\n# Same\n\n# Same\n\n# Same\n\n[x](a%20b)\n")
    read = read_page(page)
    assert read.anchors == {"a-b-c", "same", "same-1", "same-2"}
    assert read.links == ((12, "a b"),)
    assert slug(" What's _new_? ") == "whats-_new_"


def test_the_gate_counts_pages_and_links(world):
    result = docs_gate.check(world.case(None))
    assert (result.gate, result.state, dict(result.facts)) == (
        "docs",
        GateState.RAN,
        {"pages": 3, "links": 2},
    )


def test_without_pages_there_is_nothing_to_judge(world):
    (world.root / "README.md").unlink()
    shutil.rmtree(world.root / "docs")
    result = docs_gate.check(world.case(None))
    assert (result.gate, result.state) == ("docs", GateState.SKIPPED)


GUIDE = "SCHEMA_MIGRATION_GUIDE.md"


def test_each_step_between_schemas_that_ship_is_described(world, found):
    guide = world.root / "docs" / GUIDE
    guide.write_text("# Guide\n\nText.\n")
    assert found() == [("docs.migration_guide_missing", GUIDE)] * 2
    guide.unlink()
    assert found() == [("docs.migration_guide_missing", GUIDE)] * 2
    shutil.rmtree(world.root / "schemas")
    assert found() == []


# The policy file.


def loaded(tmp_path, text):
    path = tmp_path / "gates.yaml"
    path.write_text(text)
    return load_policy(path)


def test_an_empty_policy_is_the_default(tmp_path):
    assert loaded(tmp_path, "") == GatePolicy()
    assert loaded(tmp_path, "{}").sha256() == GatePolicy().sha256()
    assert loaded(tmp_path, "warnings_block: true").sha256() != GatePolicy().sha256()


def test_each_kind_of_value_is_read(tmp_path):
    policy = loaded(
        tmp_path,
        "require: [docs]\n"
        "datasets: {min_samples: {a: 3}}\n"
        "benchmark: {timeout_s: 5, timeouts_s: {b: 7.5}, require_log: true}\n"
        "drift: {tolerances: {c: 1}, justifications: {c: because}}\n"
        "plausibility: {windows: {d: {best: 0.9}}}\n"
        "supply_chain: {trusted_keys: [12]}\n",
    )
    assert policy.require == ("docs",)
    assert policy.datasets.min_samples == {"a": 3}
    assert (policy.benchmark.timeout_s, policy.benchmark.timeouts_s) == (5.0, {"b": 7.5})
    assert policy.benchmark.require_log is True
    assert policy.drift.tolerances == {"c": 1.0}
    assert policy.drift.justifications == {"c": "because"}
    assert policy.plausibility.windows["d"]["best"] == 0.9
    assert policy.supply_chain.trusted_keys == ("12",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "must be a mapping"),
        ("5", "must be a mapping"),
        ("docs: 5", "docs must be a mapping"),
        ("nothing: 1", "no key 'nothing'"),
        ("docs: {nothing: 1}", "no key 'nothing'"),
        ("1: 2", "no key '1'"),
        ("warnings_block: 1", "wrong type"),
        ("require: docs", "wrong type"),
        ("require: [fly]", "unknown gate 'fly'"),
        ("datasets: {min_samples: [1]}", "wrong type"),
        ("datasets: {default_min_samples: 1.5}", "wrong type"),
        ("datasets: {default_min_samples: true}", "wrong type"),
        ("drift: {tolerances: {c: 0.1}}", "no justification"),
        ("drift: {tolerances: {c: 0.1}, justifications: {c: null}}", "wrong type"),
        ("a: [", "cannot be read"),
        ("drift: {z: 1}\ndrift: {z: 2}", "cannot be read: the key 'drift' stands twice"),
        (
            "drift: {accuracy_tolerance: .nan}",
            "drift: accuracy_tolerance is nan, which cannot be a limit",
        ),
        ("drift: {psi_critical: .inf}", "drift: psi_critical is inf, which cannot be a limit"),
        (
            "benchmark: {timeouts_s: {b: -0.5}}",
            "benchmark: timeouts_s.b is -0.5, which cannot be a limit",
        ),
        (
            "datasets: {default_min_samples: -1}",
            "default_min_samples is -1, which cannot be a limit",
        ),
        ("supply_chain: {ignore: {GHSA-1: {reason: a, until: soon}}}", "ignore.GHSA-1 needs a"),
        ("supply_chain: {ignore: {GHSA-1: {until: 2026-12-01}}}", "ignore.GHSA-1 needs a"),
        ("supply_chain: {ignore: {GHSA-1: {reason: '', until: 2026-12-01}}}", "GHSA-1 needs a"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_with_its_place(tmp_path, text, words):
    with pytest.raises(PolicyWrong, match=words):
        loaded(tmp_path, text)


def test_an_ignored_advisory_has_a_reason_and_a_date(tmp_path):
    given = "supply_chain: {ignore: {GHSA-1: {reason: not used, until: 2026-12-01}}}"
    ignored = loaded(tmp_path, given).supply_chain.ignore
    assert ignored == {"GHSA-1": {"reason": "not used", "until": "2026-12-01"}}
    assert loaded(tmp_path, "drift: {z: 0}").drift.z == 0


def test_a_policy_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(PolicyWrong, match="cannot be read"):
        load_policy(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(PolicyWrong, match="cannot be read"):
        load_policy(tmp_path / "bytes.yaml")
