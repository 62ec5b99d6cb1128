"""Supply chain, docs, process, the verdict and its files, recovery actions."""

import hashlib
import re
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from xml.etree import ElementTree as ET

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates import docs_gate, process, supply_chain
from trimtab.gates.alerts import AlertNotSent, alerts, post_alerts
from trimtab.gates.errors import EvidenceUnreadable, KeyMissing, PolicyWrong, SignatureWrong
from trimtab.gates.policy import GatePolicy, load_policy
from trimtab.gates.reset import PROTECTED, plan, reset
from trimtab.gates.run import Request, run
from trimtab.gates.schema import check_document
from trimtab.gates.signing import KeyRing, pae
from trimtab.gates.supply_chain import Snapshot, audit
from trimtab.gates.supply_chain.cvss import base_score
from trimtab.gates.supply_chain.external import ExternalSigner
from trimtab.gates.supply_chain.licences import allowed
from trimtab.gates.verdict import document, junit, markdown, sarif


def _gates(*words):
    return CliRunner().invoke(app, list(words))


def _judge(world, **changes):
    return run(Request(world.root, world.report_path, **changes), world.clock)


# --- supply chain


@pytest.mark.feature("F089", "F097")
def test_a_bill_that_does_not_match_fails_in_the_contracts_words(world, codes_of):
    world.edit_json(world.project.sbom, lambda bom: bom["components"].pop())
    world.resign()
    case = world.case(None)
    messages = [
        f.message
        for f in supply_chain.check(
            case, installed=world.installed(), snapshot=world.snapshot()
        ).findings
    ]
    assert any(m.startswith("❌ SBOM generation failed") for m in messages)


def test_every_component_has_a_hash_and_models_and_data_have_their_part(world):
    bom = orjson.loads(world.project.sbom.read_bytes())
    assert all(c["hashes"][0]["alg"] == "SHA-256" for c in bom["components"])
    assert {c["type"] for c in bom["components"]} == {"library", "machine-learning-model", "data"}


def test_the_same_materials_give_the_same_serial_number(world):
    first, second = (
        supply_chain.make_sbom(world.project, world.installed(), world.clock.now())
        for _ in range(2)
    )
    assert first["serialNumber"] == second["serialNumber"]


@pytest.mark.feature("F090", "F098")
def test_an_artifact_changed_after_signing_fails_in_the_contracts_words(world):
    world.edit_report(lambda report: report.update(name="other"))
    done = _gates("verify", str(world.report_path), "--project", str(world.root))
    assert (done.exit_code, "❌ Artifact signing failed" in done.output) == (1, True)


@pytest.mark.feature("F091", "F100")
def test_a_build_from_uncommitted_changes_fails_the_provenance(world):
    git = ["git", "-C", str(world.root), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "README.md"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    (world.root / "README.md").write_text("changed\n")
    world.resign()
    found = supply_chain.check(
        world.case(None), installed=world.installed(), snapshot=world.snapshot()
    ).findings
    assert any(f.message.startswith("❌ Provenance verification failed") for f in found)


def test_a_commit_that_is_not_in_the_history_fails_the_provenance(world):
    git = ["git", "-C", str(world.root), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "README.md"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    world.resign()
    subprocess.run(
        [*git, "commit", "-q", "--amend", "-m", "another"], check=True, capture_output=True
    )
    found = supply_chain.check(
        world.case(None), installed=world.installed(), snapshot=world.snapshot()
    ).findings
    assert any("is not in this history" in f.message for f in found)


@pytest.mark.feature("F092", "F099")
def test_a_known_hole_is_a_vulnerability_with_its_fixed_version():
    record = {
        "id": "PYSEC-1", "modified": "2026-01-01T00:00:00Z", "summary": "",
        "affected": [{"package": {"name": "Some_Package"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": "1.5"}, {"introduced": "2.0"}]}], "versions": []}],
    }  # fmt: skip
    snapshot = Snapshot({"some-package": [record]}, None, 1)
    affected = {
        v: bool(audit({"some.package": v}, snapshot))
        for v in ("0.9", "1.0", "1.4.9", "1.5", "1.9", "2.0", "3.0rc1", "junk")
    }
    assert affected == {
        "0.9": False,
        "1.0": True,
        "1.4.9": True,
        "1.5": False,
        "1.9": False,
        "2.0": True,
        "3.0rc1": True,
        "junk": True,
    }
    assert audit({"some.package": "1.4"}, snapshot)[0].fixed_in == ("1.5",)


def test_an_advisory_is_ignored_with_a_reason_until_its_day(world):
    world.advisories.append(
        {"id": "PYSEC-1", "affected": [{"package": {"name": "beta"}, "versions": ["2.0"]}]}
    )
    policy = world.project.policy
    text = policy.read_text()
    for until, expected in (("2030-01-01", False), ("2026-01-01", True)):
        policy.write_text(
            text.replace(
                "supply_chain:\n",
                f"supply_chain:\n  ignore: {{PYSEC-1: {{reason: not reachable, until: '{until}'}}}}\n",
            )
        )
        found = supply_chain.check(
            world.case(None), installed=world.installed(), snapshot=world.snapshot()
        ).findings
        assert ("supply_chain.vulnerability" in {f.code for f in found}) is expected


@pytest.mark.parametrize(
    ("vector", "score"),
    [("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8), ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
     ("CVSS:3.0/AV:L/AC:H/PR:L/UI:N/S:U/C:N/I:N/A:N", 0.0), ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.6), ("CVSS:4.0/AV:N", None), ("CVSS:3.1/AV:N", None)],
)  # fmt: skip
def test_scores_are_those_of_the_standard(vector, score):
    assert base_score(vector) == score


@pytest.mark.parametrize(
    ("expression", "good"),
    [("MIT", True), ("AGPL-3.0-only", False), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False), ("(MIT OR GPL-2.0) AND BSD", True), ("LGPL-3.0-only", True)],
)  # fmt: skip
def test_a_choice_of_licences_passes_if_one_side_is_allowed(expression, good):
    assert allowed(expression, ("AGPL", "GPL-2", "GPL-3")) is good


@pytest.mark.feature("F096")
def test_the_requirements_of_this_environment_are_met():
    assert list(supply_chain.Installed().inconsistencies()) == []


def test_the_shipped_snapshot_says_how_old_it_is():
    snapshot = Snapshot.load()
    assert (snapshot.date.isoformat(), snapshot.records) == ("2024-10-10", 2661)


def test_a_signature_covers_type_and_length():
    assert pae(b"ab") == b"DSSEv1 28 application/vnd.in-toto+json 2 ab"


@given(st.binary(max_size=200))
def test_no_bytes_are_taken_for_a_signed_statement(sound, raw):
    with pytest.raises(SignatureWrong):
        sound.ring().open(raw)


def test_a_rotated_key_signs_and_the_old_one_no_longer_counts(world):
    ring = world.ring()
    old = world.project.provenance.read_bytes()
    fresh = ring.rotate("second")
    assert (
        ring.open(
            ring.sign(
                ring_statement := {
                    "_type": "https://in-toto.io/Statement/v1",
                    "subject": [{"name": "x", "digest": {"sha256": "0" * 64}}],
                    "predicateType": "x",
                    "predicate": {},
                }
            )
        ).keyid
        == fresh.keyid
    )
    assert len(ring_statement["subject"]) == 1
    with pytest.raises(SignatureWrong):
        ring.open(old)


def test_private_keys_are_for_their_owner_only(world):
    modes = [path.stat().st_mode & 0o777 for path in world.project.keys.glob("*.key")]
    assert modes == [0o600, 0o600]


def test_without_a_key_nothing_is_signed(tmp_path, world):
    with pytest.raises(KeyMissing):
        KeyRing(tmp_path / "none", world.clock).sign({})


@pytest.mark.feature("F098")
def test_gpg_signs_and_verifies_where_it_is_installed(tmp_path, monkeypatch):
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    made = subprocess.run(
        [
            "gpg",
            "--batch",
            "--passphrase",
            "",
            "--quick-gen-key",
            "x@example.org",
            "ed25519",
            "sign",
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("gpg cannot make a key here")
    artifact = tmp_path / "a.json"
    artifact.write_text("{}")
    tool = ExternalSigner("gpg")
    tool.sign(artifact)
    assert tool.verify(artifact)
    artifact.write_text("{ }")
    assert not tool.verify(artifact)
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)


# --- docs and process


@pytest.mark.feature("F117", "F119")
def test_a_link_that_leads_nowhere_is_found_with_its_line(world):
    (world.root / "docs" / "guide.md").write_text("# Guide\n\nText.\n\n[gone](gone.md)\n")
    found = docs_gate.check(world.case(None)).findings
    assert [(f.code, f.path) for f in found if f.path.startswith("docs/guide")] == [
        ("docs.link_dead", "docs/guide.md:5")
    ]


@pytest.mark.feature("F115", "F121")
def test_a_command_that_was_renamed_makes_a_page_outdated(world):
    (world.root / "README.md").write_text("# Read me\n\n```sh\ntrimtab gates walk\n```\n")
    (found, *_) = docs_gate.check(world.case(None)).findings
    assert (found.message.split(":")[0], found.team) == (
        "Outdated documentation",
        "Documentation team",
    )


@pytest.mark.feature("F116")
def test_a_schema_step_without_its_guide_is_found(world):
    (world.root / "docs" / "SCHEMA_MIGRATION_GUIDE.md").unlink()
    assert {f.code for f in docs_gate.check(world.case(None)).findings} == {
        "docs.migration_guide_missing"
    }


@pytest.mark.feature("F118")
def test_a_section_that_is_only_promised_is_unclear(world):
    (world.root / "docs" / "guide.md").write_text("# Guide\n\n## How to run\n\nTBD\n")
    assert "docs.unclear" in {f.code for f in docs_gate.check(world.case(None)).findings}


@pytest.mark.parametrize(
    ("words", "good"),
    [
        (["gates", "run", "x.json"], True),
        (["gates", "walk"], False),
        (["gates"], False),
        (["--help"], True),
        (["act", "gates.run"], True),
    ],
)
def test_a_command_exists_when_its_words_name_one(words, good):
    assert docs_gate.known_command(words, frozenset({"gates run", "act"})) is good


PROCESS = [
    (
        lambda c: c.update(body=c["body"].replace("[x]", "[ ]")),
        "PR template incomplete",
        ("F123", "F127"),
    ),
    (lambda c: c.update(reviews=[]), "Missing approvals", ("F124", "F128")),
]


@pytest.mark.parametrize(
    ("edit", "words"), [pytest.param(e, w, marks=pytest.mark.feature(*f)) for e, w, f in PROCESS]
)
def test_a_change_that_skips_the_process_is_named(world, edit, words):
    edit(world.change)
    assert {f.message.split(":")[0] for f in process.check(world.case(None)).findings} == {words}


@pytest.mark.feature("F125", "F129")
def test_a_file_that_the_policy_asks_for_must_be_there(world):
    licence = world.root / "LICENSE"
    text = licence.read_text()
    licence.unlink()
    (found,) = process.check(world.case(None)).findings
    assert (found.message.split(":")[0], found.path) == ("Policy violation", "LICENSE")
    licence.write_text(text)
    assert process.check(world.case(None)).findings == ()


@pytest.mark.feature("F130")
def test_a_workflow_that_cannot_fail_is_a_workflow_failure_until_it_is_fixed(world):
    path = world.root / ".github" / "workflows" / "ci.yml"
    right = path.read_text()
    path.write_text(right + "      - run: make test || true\n")
    (found,) = process.check(world.case(None)).findings
    assert (found.message.split(":")[0], found.team) == ("Workflow failure", "@devops-team")
    path.write_text(right + "      - run: make test\n")
    assert process.check(world.case(None)).findings == ()


# --- the verdict


def test_the_sound_project_passes_its_strict_policy(world):
    verdict = _judge(world, commands=frozenset({"gates run"}), change=world.change)
    assert (verdict.outcome, {result.state for result in verdict.results}) == ("pass", {"ran"})


@pytest.mark.feature("F004", "F007", "F023", "F042")
@pytest.mark.parametrize(
    ("broken", "gate", "headline"),
    [
        ("report", "schema", "❌ Schema validation failed"),
        ("data", "datasets", "❌ Dataset validation failed"),
    ],
)
def test_a_failed_gate_blocks_the_merge_with_its_headline(world, broken, gate, headline):
    if broken == "report":
        world.report_path.write_bytes(b"{}")
    else:
        (world.project.datasets / "questions" / "data.jsonl").write_text("")
    done = _gates("run", str(world.report_path), "--json", "--dry-run")
    body = orjson.loads(done.stdout)
    row = next(row for row in body["gates"] if row["gate"] == gate)
    assert (done.exit_code, body["verdict"], row["headline"]) == (1, "block", headline)


def test_the_verdict_document_follows_its_schema(world):
    assert check_document("verdict", document(_judge(world))) == ()


def test_a_required_gate_without_evidence_blocks(world):
    shutil.rmtree(world.root / "baseline")
    verdict = _judge(world, only=("schema", "drift"))
    assert (verdict.outcome, verdict.findings[0].code) == ("block", "gates.no_evidence")


def test_an_unknown_key_in_the_policy_is_refused(tmp_path):
    path = tmp_path / "gates.yaml"
    path.write_text("requires: [schema]\n")
    with pytest.raises(PolicyWrong, match="requires"):
        load_policy(path)


@pytest.mark.parametrize(
    "text",
    [
        "require: schema",
        "datasets: {default_min_samples: many}",
        "- a list",
        "require: [nothing]",
        "drift: {z: yes}",
        ": :",
    ],
)
def test_a_policy_of_the_wrong_shape_is_refused(tmp_path, text):
    path = tmp_path / "gates.yaml"
    path.write_text(text)
    with pytest.raises(PolicyWrong):
        load_policy(path)


def test_warnings_block_where_the_policy_says_so(world):
    world.edit_report(lambda report: report.pop("seeds"))
    world.project.proof.unlink()
    only = ("schema", "benchmark", "plausibility")
    assert _judge(world, only=only, policy=GatePolicy()).outcome == "review"
    assert _judge(world, only=only, policy=GatePolicy(warnings_block=True)).outcome == "block"


def test_the_signed_verdict_says_what_was_judged(world):
    done = _gates("run", str(world.report_path), "--json")
    body = orjson.loads(done.stdout)
    opened = world.ring().open((world.root / body["signed"]["envelope"]).read_bytes())
    assert opened.subjects() == {"benchmark_report.json": body["subject_sha256"]}
    assert opened.predicate["verdict"]["findings"] == body["findings"]
    assert opened.predicate["verificationResult"] == "FAILED"  # The snapshot is old by now.


def test_a_dry_run_writes_nothing(world):
    before = sorted(path for path in world.root.rglob("*"))
    _gates("run", str(world.report_path), "--dry-run", "--junit", str(world.root / "j.xml"))
    assert sorted(path for path in world.root.rglob("*")) == before


def test_pipelines_get_markdown_junit_and_sarif(world):
    world.report_path.write_bytes(b"{}")
    verdict = _judge(world)
    assert "❌ benchmark_report.json: block" in markdown(verdict)
    suite = ET.fromstring(junit(verdict))
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) >= 1
    results = orjson.loads(sarif(verdict))["runs"][0]["results"]
    assert {r["level"] for r in results} >= {"error"}


def test_hostile_text_in_a_finding_breaks_no_format(world):
    world.report_path.write_bytes(b'{"\\u0000|<b>[red]": 1, "schema_version": "2.0"}')
    verdict = _judge(world)
    ET.fromstring(junit(verdict))
    assert "<b>" in markdown(verdict)
    assert _gates("run", str(world.report_path), "--dry-run").exit_code == 1


def test_a_failed_gate_becomes_an_alert_that_names_its_guide(world):
    world.report_path.write_bytes(b"{}")
    first = alerts(_judge(world))[0]
    assert (first["labels"]["alertname"], first["labels"]["team"]) == (
        "GatesSchemaFailed",
        "@schema-team",
    )
    assert first["annotations"]["guide"].endswith("#schema-issues")


def test_alerts_are_posted_as_alertmanager_takes_them(world):
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(
                (self.path, orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.handle_request)
    thread.start()
    world.report_path.write_bytes(b"{}")
    posted = post_alerts(_judge(world), f"http://127.0.0.1:{server.server_port}")
    thread.join()
    server.server_close()
    assert (taken[0][0], len(taken[0][1])) == ("/api/v2/alerts", posted)


def test_an_address_that_takes_no_alerts_is_said_so(world):
    world.report_path.write_bytes(b"{}")
    with pytest.raises(AlertNotSent):
        post_alerts(_judge(world), "http://127.0.0.1:1")


# --- approvals and recovery


@pytest.mark.feature("F087", "F144", "F145")
def test_a_baseline_is_replaced_only_with_an_approval_of_exactly_this_report(world):
    world.edit_report(lambda report: report["results"][0].update(peak_memory_mb=90.0))
    world.project.proof.unlink()
    world.project.policy.write_text("require: [schema]\n")
    root, report, approval = (
        str(world.root),
        str(world.report_path),
        world.root / "approval.dsse.json",
    )
    promote = ("baseline", "promote", "-r", report, "--project", root)
    assert _gates(*promote).exit_code == 1
    _gates(
        "approve",
        "baseline",
        report,
        "--by",
        "ada",
        "--reason",
        "validated",
        "-o",
        str(approval),
        "--project",
        root,
    )
    done = _gates(*promote, "--approval", str(approval))
    assert done.exit_code == 0, done.output
    assert orjson.loads(world.project.baseline.read_bytes())["approval"]["by"] == "ada"
    assert list((world.root / "baseline" / "archive").iterdir())
    assert "already used" in _gates(*promote, "--approval", str(approval)).output


@pytest.mark.feature("F145")
@pytest.mark.parametrize(
    ("action", "later", "refusal"),
    [
        ("baseline", 91.0, "for other evidence than this"),
        ("manifest", 90.0, "is for 'manifest', not for 'baseline'"),
    ],
)
def test_an_approval_of_another_report_or_action_replaces_no_baseline(
    world, action, later, refusal
):
    world.project.proof.unlink()
    world.project.policy.write_text("require: [schema]\n")
    root, report, approval = str(world.root), world.report_path, str(world.root / "a.dsse.json")
    world.edit_report(lambda it: it["results"][0].update(peak_memory_mb=90.0))
    before = world.project.baseline.read_bytes()
    digest = hashlib.sha256(report.read_bytes()).hexdigest()
    _gates("approve", action, "--sha256", digest, "--by", "ada", "--reason", "r", "-o", approval, "--project", root)  # fmt: skip
    world.edit_report(lambda it: it["results"][0].update(peak_memory_mb=later))
    done = _gates("baseline", "promote", "-r", str(report), "--approval", approval, "--project", root)  # fmt: skip
    assert (done.exit_code != 0, refusal in done.output) == (True, True), done.output
    assert world.project.baseline.read_bytes() == before


@pytest.mark.feature("F087")
def test_a_report_that_fails_its_gates_cannot_become_the_baseline(world):
    world.edit_result(lambda result: result.update(predictions_count=1))
    root, report, approval = (
        str(world.root),
        str(world.report_path),
        str(world.root / "a.dsse.json"),
    )
    _gates(
        "approve",
        "baseline",
        report,
        "--by",
        "ada",
        "--reason",
        "r",
        "-o",
        approval,
        "--project",
        root,
    )
    done = _gates("baseline", "promote", "-r", report, "--approval", approval, "--project", root)
    assert (done.exit_code, "does not pass its own gates" in done.output) == (1, True)


@pytest.mark.feature("F143", "F053")
def test_a_manifest_is_replaced_only_with_an_approval_of_its_new_content(world):
    (world.project.datasets / "golden" / "notes.csv").write_text("id,note\n1,new\n")
    root = str(world.root)
    refused = _gates("manifest", "create", "golden", "--project", root)
    digest = refused.output.split("--sha256 ")[1].split()[0]
    assert refused.exit_code == 1
    approval = str(world.root / "m.dsse.json")
    _gates(
        "approve",
        "manifest",
        "--sha256",
        digest,
        "--by",
        "ada",
        "--reason",
        "new notes",
        "-o",
        approval,
        "--project",
        root,
    )
    assert (
        _gates("manifest", "create", "golden", "--approval", approval, "--project", root).exit_code
        == 0
    )
    assert "golden" not in _gates("datasets", "--project", root).output


@pytest.mark.feature("F142")
def test_a_reset_never_takes_keys_baselines_data_or_evidence(world):
    git = ["git", "-C", str(world.root)]
    subprocess.run([*git, "init", "-q"], check=True)
    (world.root / ".gitignore").write_text("keys/\n*.tmp\nsub/\n")
    (world.root / "junk.tmp").write_text("x")
    (world.root / "keys").mkdir()
    (world.root / "keys" / "old.key").write_text("secret")
    (world.root / "sub").mkdir()
    (world.root / "sub" / "private.key").write_text("secret")
    (world.root / "build").mkdir()
    (world.root / "build" / "x.o").write_text("x")
    done = reset(world.project)
    assert {"junk.tmp", "build/"} <= set(done.remove)
    for name in (
        "keys",
        "baseline",
        "datasets",
        "models",
        "logs",
        "gates.yaml",
        "sub/private.key",
        "sbom.cdx.json",
    ):
        assert (world.root / name).exists(), name
    assert not (world.root / "junk.tmp").exists()


def test_a_plan_of_a_reset_changes_nothing(world):
    subprocess.run(["git", "-C", str(world.root), "init", "-q"], check=True)
    before = sorted(world.root.rglob("*"))
    assert plan(world.project).kept
    assert sorted(world.root.rglob("*")) == before
    assert {"keys", "baseline", "datasets", "data"} <= set(PROTECTED)


def test_a_reset_outside_of_a_repository_is_refused(world):
    with pytest.raises(EvidenceUnreadable):
        plan(world.project)


@pytest.mark.feature("F137")
def test_the_sweep_runs_all_seven_diagnostics(world, monkeypatch):
    (world.root / "Makefile").write_text("test-short:\n\ttrue\ntest-all:\n\tfalse\n")
    done = _gates("sweep", "--project", str(world.root), "--json")
    rows = orjson.loads(done.stdout)
    assert len(rows) == 7
    assert {row["check"]: row["ok"] for row in rows}["full system check"] is False
    assert done.exit_code == 1


@pytest.mark.feature("F105", "F110")
def test_a_script_that_only_grows_is_called_a_leak(tmp_path):
    script = tmp_path / "leak.py"
    script.write_text(
        "import time\nkeep = []\nfor _ in range(40):\n    keep.append(bytearray(4_000_000))\n    time.sleep(0.02)\n"
    )
    done = _gates("profile", str(script), "--json")
    assert orjson.loads(done.stdout)["still_growing"] is True


@pytest.mark.feature("F141")
def test_each_result_of_a_verdict_leaves_its_duration_and_throughput_on_one_line(world):
    for log in world.project.logs.glob("*.log"):
        log.unlink()
    _gates("run", str(world.report_path))
    text = "".join(log.read_text() for log in world.project.logs.glob("*.log"))
    lines = [line for line in text.splitlines() if "duration_s=" in line]
    assert [line for line in lines if not re.search(r" throughput=[0-9.]+", line)] == []
    assert len(lines) == len(orjson.loads(world.report_path.read_bytes())["results"])


@pytest.mark.feature("F027", "F138", "F140", "F141")
def test_a_verdict_leaves_lines_that_the_runbooks_greps_find(world):
    world.report_path.write_bytes(b"{}")
    _gates("run", str(world.report_path))
    logs = world.project.logs
    for pattern in ("schema.*fail\\|validation.*error", "schema", "duration_s", "throughput"):
        done = subprocess.run(
            f'grep "{pattern}" *.log', shell=True, cwd=logs, check=False, capture_output=True
        )
        assert done.returncode == 0, pattern
