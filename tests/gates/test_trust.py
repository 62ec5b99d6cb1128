"""Who is trusted is decided outside of the tree that is verified, the signer is named, and roles are separate."""

import shutil
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates.baseline import Approvals
from trimtab.gates.case import Project, keyring_folder
from trimtab.gates.errors import ApprovalRefused, EvidenceMissing, PolicyWrong, SignatureWrong
from trimtab.gates.run import Request, run
from trimtab.gates.signing import APPROVER, BUILDER, KeyRing, statement
from trimtab.gates.supply_chain import sign_files


def _gates(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def _codes(world):
    verdict = run(Request(world.root, world.report_path), world.clock)
    return {found.code for found in verdict.findings}


def test_a_key_that_the_tree_brings_along_vouches_for_nothing(world):
    ring = KeyRing(world.root / "keys", world.clock)
    ring.new("attacker", BUILDER)
    names = [world.root / name for name in ("benchmark_report.json", "sbom.cdx.json")]
    world.edit_report(lambda report: report.update(name="forged"))
    envelope = sign_files(world.project, names, ring, world.clock.now())
    world.project.provenance.write_bytes(envelope)
    # The policy lies in the tree, too: it cannot add a key either.
    text = world.project.policy.read_text()
    lines = [line for line in text.splitlines() if "trusted_keys" not in line]
    world.project.policy.write_text("\n".join(lines))
    assert "supply_chain.signature_wrong" in _codes(world)


def test_a_key_ring_inside_the_project_is_refused(world, monkeypatch):
    shutil.copytree(world.project.keys, world.root / "keys")
    monkeypatch.setenv("TRIMTAB_GATES_KEYS", str(world.root / "keys"))
    with pytest.raises(PolicyWrong, match="inside the project"):
        Project(world.root).keys.exists()
    done = _gates("run", world.report_path, "--dry-run")
    assert done.exit_code in (1, 2)
    assert "inside the project" in done.output


@pytest.mark.parametrize("name", ["keys", "a/link"])
def test_a_link_out_of_the_key_ring_into_the_project_is_refused(world, tmp_path, monkeypatch, name):
    (world.root / "keys").mkdir()
    link = tmp_path / "outside" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(world.root / "keys")
    monkeypatch.setenv("TRIMTAB_GATES_KEYS", str(link))
    with pytest.raises(PolicyWrong):
        Project(world.root).keys.exists()


def test_without_a_key_ring_nobody_is_trusted(world, tmp_path, monkeypatch):
    monkeypatch.setenv("TRIMTAB_GATES_KEYS", str(tmp_path / "nothing"))
    assert {"supply_chain.key_untrusted", "drift.baseline_unapproved"} <= _codes(world)


def test_the_key_ring_is_the_users_own(monkeypatch):
    for name in ("TRIMTAB_GATES_KEYS", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert keyring_folder() == Path("/home/ada/.config/trimtab/keys")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/ada")
    assert keyring_folder() == Path("/etc/ada/trimtab/keys")
    monkeypatch.setenv("TRIMTAB_GATES_KEYS", "/srv/keys")
    assert keyring_folder() == Path("/srv/keys")


def test_the_verdict_names_who_signed_what(world):
    done = _gates("run", world.report_path, "--json")
    body = orjson.loads(done.stdout)
    facts = {gate["gate"]: gate.get("facts", {}) for gate in body["gates"]}
    assert facts["supply_chain"]["signed_by"] == "release builder"
    assert facts["drift"]["approved_by"] == "maintainer"
    assert body["signed"]["signer"] == "release builder"


def test_a_statement_about_nothing_is_refused(world):
    ring = world.ring()
    empty = ring.sign(statement({}, "x", {}))
    with pytest.raises(SignatureWrong, match="vouches for nothing"):
        ring.open(empty)
    with pytest.raises(EvidenceMissing, match="nothing to sign"):
        sign_files(world.project, [], ring, world.clock.now())


@pytest.mark.parametrize("digest", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64])
def test_a_subject_without_a_sha256_is_refused(world, digest):
    ring = world.ring()
    with pytest.raises(SignatureWrong):
        ring.open(ring.sign(statement({"x": digest}, "x", {})))


def test_a_builders_key_approves_nothing(world, monkeypatch):
    approvals = Approvals(world.project, world.clock)
    envelope = approvals.grant("baseline", "1" * 64, by="maintainer", reason="r")
    said = world.ring().open(envelope, APPROVER).statement
    forged = world.ring().sign(said, BUILDER)
    assert approvals.check(envelope, "baseline", "1" * 64).signer == "maintainer"
    with pytest.raises(ApprovalRefused):
        approvals.check(forged, "baseline", "1" * 64)


@pytest.mark.parametrize(("name", "role"), [("release builder", APPROVER), ("maintainer", BUILDER)])
def test_one_person_cannot_build_and_approve(world, name, role):
    done = _gates("keys", "new", "--name", name, "--role", role, "--project", world.root)
    assert (done.exit_code, "separate people" in done.output) == (2, True)
    assert len(world.ring().trusted()) == 2


def test_somebody_elses_public_key_is_trusted_for_one_role(world, tmp_path):
    other = KeyRing(tmp_path / "other", world.clock)
    key = other.new("grace", APPROVER)
    said = other.sign(statement({"x": "0" * 64}, "x", {}), APPROVER)
    with pytest.raises(SignatureWrong):
        world.ring().open(said, APPROVER)
    public = tmp_path / "other" / f"{key.keyid}.pub"
    done = _gates(
        "keys", "trust", public, "--name", "grace", "--role", APPROVER, "--project", world.root
    )
    assert done.exit_code == 0
    assert world.ring().open(said, APPROVER).signer == "grace"
    with pytest.raises(SignatureWrong):
        world.ring().open(said, BUILDER)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"]
)
def test_what_is_no_public_key_is_not_trusted(world, tmp_path, content):
    (tmp_path / "x.pub").write_bytes(content)
    done = _gates("keys", "trust", tmp_path / "x.pub", "--name", "x", "--project", world.root)
    assert (done.exit_code, len(world.ring().trusted())) == (2, 2)
