"""Bill of materials, provenance, keys and advisories: what is written, and each rule on both sides."""

import base64
import platform
import subprocess
from dataclasses import replace
from datetime import date
from uuid import UUID

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

import trimtab
from trimtab.gates import supply_chain
from trimtab.gates.errors import (
    EvidenceMissing,
    EvidenceUnreadable,
    KeyMissing,
    PolicyWrong,
    SignatureWrong,
)
from trimtab.gates.policy import SupplyChainPolicy
from trimtab.gates.records import GateState
from trimtab.gates.selftest.sample_project import START, add_package
from trimtab.gates.signing import APPROVER, BUILDER, KeyRing, pae, statement
from trimtab.gates.supply_chain import Installed, Snapshot, make_sbom, sign_files, verify_sbom
from trimtab.gates.supply_chain.audit import audit_findings
from trimtab.gates.supply_chain.installed import environment
from trimtab.gates.supply_chain.licences import licence_findings
from trimtab.gates.supply_chain.provenance import provenance_findings, signer_of, verify_files
from trimtab.gates.supply_chain.sbom import read_sbom
from trimtab.kernel.ids import sha256_hex
from trimtab.testing.clock import FakeClock

SHA = "ab" * 32


def bill(world):
    return make_sbom(world.project, world.installed(), START)


# The bill of materials.


def test_the_bill_is_a_cyclonedx_document(world):
    document = bill(world)
    components = document.pop("components")
    content = "".join(f"{c['bom-ref']} {c['hashes'][0]['content']}\n" for c in components)
    assert UUID(document.pop("serialNumber").removeprefix("urn:uuid:")).version == 5
    assert document == {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": "2026-01-05T12:00:00Z",
            "tools": {
                "components": [
                    {
                        "type": "application",
                        "name": "trimtab",
                        "version": getattr(trimtab, "__version__", "0"),
                    }
                ]
            },
            "component": {"type": "application", "bom-ref": "project", "name": "project"},
        },
    }
    assert content.count("\n") == len({c["bom-ref"] for c in components})


def test_the_serial_number_follows_from_the_materials(world):
    first = bill(world)["serialNumber"]
    assert bill(world)["serialNumber"] == first
    (world.root / "models" / "weights.bin").write_bytes(b"other")
    assert bill(world)["serialNumber"] != first


def component(document, ref):
    (found,) = [c for c in document["components"] if c["bom-ref"] == ref]
    return found


def test_a_package_is_listed_with_hash_licence_and_what_was_hashed(world):
    package = next(p for p in world.installed().packages if p.name == "gamma")
    assert component(bill(world), "pkg:pypi/gamma@3.1") == {
        "type": "library",
        "bom-ref": "pkg:pypi/gamma@3.1",
        "name": "gamma",
        "version": "3.1",
        "purl": "pkg:pypi/gamma@3.1",
        "properties": [
            {"name": "trimtab:hash-of", "value": "sorted `<sha256>  <path>` lines of RECORD"}
        ],
        "hashes": [{"alg": "SHA-256", "content": package.sha256}],
        "licenses": [{"license": {"name": "Apache-2.0 OR GPL-3.0-only"}}],
    }


def test_a_model_and_a_dataset_are_listed_with_their_hashes(world):
    document = bill(world)
    raw = (world.root / "models" / "weights.bin").read_bytes()
    assert component(document, "models/weights.bin") == {
        "type": "machine-learning-model",
        "bom-ref": "models/weights.bin",
        "name": "models/weights.bin",
        "version": sha256_hex(raw)[:12],
        "hashes": [{"alg": "SHA-256", "content": sha256_hex(raw)}],
        "properties": [{"name": "trimtab:hash-of", "value": "the file"}],
    }
    manifest = (world.project.datasets / "questions" / "manifest.sha256").read_bytes()
    data = component(document, "datasets/questions")
    assert (data["type"], data["hashes"][0]["content"]) == ("data", sha256_hex(manifest))
    assert data["properties"][0]["value"] == "its manifest.sha256"


def test_a_dataset_without_a_manifest_is_hashed_as_one_would_be_written(world):
    with_manifest = component(bill(world), "datasets/questions")
    (world.project.datasets / "questions" / "manifest.sha256").unlink()
    assert component(bill(world), "datasets/questions") == with_manifest


def test_a_link_among_the_models_is_no_model(world):
    (world.root / "models" / "link.bin").symlink_to("weights.bin")
    refs = [c["bom-ref"] for c in bill(world)["components"]]
    assert [ref for ref in refs if ref.startswith("models/")] == ["models/weights.bin"]


def test_a_loose_module_is_listed_as_a_file(world):
    (world.root / "site" / "loose.py").write_text("x = 1\n")
    assert component(bill(world), "site-packages/loose.py")["type"] == "file"


BILLS = {
    "as made": (lambda bom: None, None),
    "of another format": (lambda bom: bom.update(bomFormat="SPDX"), "sbom_mismatch"),
    "without a list": (lambda bom: bom.update(components={}), "sbom_mismatch"),
    "of texts": (lambda bom: bom.update(components=["x"]), "sbom_mismatch"),
    "empty": (lambda bom: bom.update(components=[]), "sbom_mismatch"),
    "doubled": (lambda bom: bom["components"].append(bom["components"][0]), "sbom_mismatch"),
    "with a ghost": (lambda bom: bom["components"].append({"bom-ref": "ghost"}), "sbom_mismatch"),
    "with one fewer": (lambda bom: bom["components"].pop(), "sbom_mismatch"),
    "without a hash": (lambda bom: bom["components"][0].pop("hashes"), "sbom_unhashed"),
    "with a weak hash": (
        lambda bom: bom["components"][0].update(hashes=[{"alg": "MD5", "content": "0"}]),
        "sbom_unhashed",
    ),
    "with another hash": (
        lambda bom: bom["components"][0]["hashes"][0].update(content="0" * 64),
        "sbom_mismatch",
    ),
}


@pytest.mark.parametrize(("edit", "code"), BILLS.values(), ids=BILLS)
def test_a_bill_says_what_is_there_and_nothing_else(world, edit, code):
    world.edit_json(world.project.sbom, edit)
    found = [f.code for f in verify_sbom(world.project, world.installed())]
    assert found == ([f"supply_chain.{code}"] if code else [])


@pytest.mark.parametrize(("raw", "code"), [(b"{", "sbom_mismatch"), (b"[]", "sbom_mismatch"), (None, "sbom_missing")])  # fmt: skip
def test_a_bill_that_cannot_be_read_lists_nothing(world, raw, code):
    if raw is None:
        world.project.sbom.unlink()
    else:
        world.project.sbom.write_bytes(raw)
    listed, found = read_sbom(world.project.sbom)
    assert (listed, [f.code for f in found]) == (None, [f"supply_chain.{code}"])


def test_an_altered_file_of_a_package_is_found_by_a_deep_check_only(world):
    (world.root / "site" / "alpha" / "__init__.py").write_text("x = 2\n")
    assert verify_sbom(world.project, world.installed(), deep=False) == ()
    found = verify_sbom(world.project, world.installed())
    assert [(f.code, f.path) for f in found] == [
        ("supply_chain.package_altered", "pkg:pypi/alpha@1.0")
    ]
    assert "alpha/__init__.py and 0 more" in found[0].message


# Provenance.


def predicate(world):
    return dict(world.ring().open(world.project.provenance.read_bytes()).predicate)


def test_provenance_says_how_where_and_of_what_it_was_built(world):
    world.project.provenance.write_bytes(
        sign_files(world.project, [world.report_path], world.ring(), START, builder="urn:ci")
    )
    lock = (world.root / "requirements.txt").read_bytes()
    assert predicate(world) == {
        "buildDefinition": {
            "buildType": "urn:trimtab:gates:build:v1",
            "externalParameters": {},
            "internalParameters": {
                "git_dirty": None,
                "python": platform.python_version(),
                "platform": platform.platform(),
            },
            "resolvedDependencies": [
                {"name": "requirements.txt", "digest": {"sha256": sha256_hex(lock)}}
            ],
        },
        "runDetails": {
            "builder": {"id": "urn:ci"},
            "metadata": {"finishedOn": "2026-01-05T12:00:00Z"},
        },
    }


def git(world, *arguments):
    subprocess.run(
        ["git", "-C", str(world.root), "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def repository(world):
    git(world, "init", "-q")
    git(world, "add", "requirements.txt")
    git(world, "commit", "-qm", "first")
    return world


def findings(world, **rules):
    found = provenance_findings(world.project, world.ring(), SupplyChainPolicy(**rules))
    return [f.code.removeprefix("supply_chain.") for f in found]


def test_provenance_names_the_commit_it_was_built_from(repository):
    world = repository
    assert findings(world) == ["provenance_wrong"]  # Signed before there was a repository.
    world.resign()
    assert findings(world) == []
    (material, _) = predicate(world)["buildDefinition"]["resolvedDependencies"]
    assert (material["uri"], len(material["digest"]["gitCommit"])) == ("git+file:.", 40)
    git(world, "commit", "-q", "--amend", "-m", "another history")
    git(world, "gc", "-q", "--prune=now")
    assert findings(world) == ["provenance_wrong"]


def test_a_build_from_uncommitted_changes_needs_the_policys_leave(repository):
    world = repository
    (world.root / "requirements.txt").write_text("alpha==1.0\n")
    world.resign()
    assert findings(world) == ["git_dirty"]
    assert findings(world, allow_dirty=True) == []


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda w: None, []),
        (lambda w: w.project.provenance.unlink(), ["unsigned"]),
        (lambda w: w.project.provenance.write_bytes(b"{}"), ["signature_wrong"]),
        (lambda w: (w.root / "requirements.txt").write_text("x"), ["provenance_wrong"]),
        (lambda w: (w.root / "requirements.txt").unlink(), ["provenance_wrong"]),
        (lambda w: w.report_path.write_bytes(b"{}"), ["signature_stale"]),
        (lambda w: w.report_path.unlink(), ["signature_stale"]),
    ],
)
def test_what_was_signed_is_still_there_unchanged(world, change, codes):
    change(world)
    assert findings(world) == codes


def test_a_file_that_the_policy_wants_signed_is_covered(world):
    assert findings(world, sign=("benchmark_report.json",)) == []
    assert findings(world, sign=("LICENSE",)) == ["unsigned"]


@pytest.mark.parametrize("stated", [{}, {"buildDefinition": {}}, {"buildDefinition": []}])
def test_provenance_that_describes_no_build_is_wrong(world, stated):
    subjects = {"sbom.cdx.json": sha256_hex(world.project.sbom.read_bytes())}
    world.project.provenance.write_bytes(
        world.ring().sign(statement(subjects, "https://slsa.dev/provenance/v1", stated))
    )
    assert findings(world) == ["provenance_wrong"]


def test_a_signed_statement_of_another_kind_is_no_provenance(world):
    envelope = world.ring().sign(statement({"LICENSE": SHA}, "urn:other", {}))
    world.project.provenance.write_bytes(envelope)
    assert findings(world) == ["provenance_wrong"]
    assert signer_of(world.project, world.ring()) == ""


def test_without_any_trusted_builder_it_is_the_key_that_is_untrusted(world):
    for keyid in world.ring().trusted(BUILDER):
        world.ring().revoke(keyid)
    assert findings(world) == ["key_untrusted"]


def test_the_signer_is_named(world):
    assert signer_of(world.project, world.ring()) == "release builder"
    world.project.provenance.unlink()
    assert signer_of(world.project, world.ring()) == ""


def test_chosen_files_are_verified_or_all_that_were_signed(world):
    project, ring = world.project, world.ring()
    verify = lambda *files: [f.code for f in verify_files(project, project.provenance, files, ring)]  # fmt: skip  # noqa: E731
    assert verify() == []
    assert verify(world.report_path) == []
    assert verify(world.root / "LICENSE") == ["supply_chain.unsigned"]
    world.report_path.write_bytes(b"{}")
    assert verify(project.sbom) == []
    assert verify() == ["supply_chain.signature_stale"]
    project.provenance.write_bytes(b"{}")
    assert verify() == ["supply_chain.signature_wrong"]
    project.provenance.unlink()
    assert verify() == ["supply_chain.unsigned"]


def test_only_files_of_the_project_are_signed(world, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("x")
    for files in ([], [outside], [world.root / "none"], [world.root / "docs"]):
        with pytest.raises(EvidenceMissing):
            sign_files(world.project, files, world.ring(), START)


# Keys and envelopes.


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "keys", FakeClock(START))


def test_a_new_key_is_private_trusted_and_written_down(ring):
    entry = ring.new("ada", APPROVER)
    assert ring.folder.stat().st_mode & 0o777 == 0o700
    assert (ring.folder / f"{entry.keyid}.key").stat().st_mode & 0o777 == 0o600
    assert (ring.folder / f"{entry.keyid}.pub").read_bytes().startswith(b"-----BEGIN PUBLIC KEY")
    assert orjson.loads((ring.folder / "trust.json").read_bytes()) == {
        "keys": [
            {
                "keyid": entry.keyid,
                "name": "ada",
                "public": base64.b64encode(entry.public).decode(),
                "added": "2026-01-05T12:00:00Z",
                "revoked": None,
                "role": "approver",
            }
        ]
    }
    assert entry.keyid == sha256_hex(entry.public)


def test_an_envelope_holds_type_payload_and_one_signature(ring):
    entry = ring.new("ada")
    stated = statement({"a": SHA}, "urn:x", {"b": 1})
    envelope = orjson.loads(ring.sign(stated))
    (signature,) = envelope.pop("signatures")
    assert signature.keys() == {"keyid", "sig"}
    assert signature["keyid"] == entry.keyid
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert orjson.loads(base64.b64decode(envelope["payload"])) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": SHA}}],
        "predicateType": "urn:x",
        "predicate": {"b": 1},
    }
    assert pae(b"hi") == b"DSSEv1 28 application/vnd.in-toto+json 2 hi"


def sealed(ring, payload):
    """An envelope whose signature is right, whatever it says."""
    keyid = next(iter(ring.trusted()))
    private = load_pem_private_key((ring.folder / f"{keyid}.key").read_bytes(), None)
    sig = base64.b64encode(private.sign(pae(payload))).decode()
    return {
        "payloadType": "application/vnd.in-toto+json",
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": keyid, "sig": sig}],
    }


GOOD = statement({"a": SHA}, "urn:x", {})


@pytest.mark.parametrize(
    "payload",
    [
        b"{", b"[]", {**GOOD, "_type": "other"}, {**GOOD, "subject": []}, {**GOOD, "subject": "x"},
        {**GOOD, "subject": [{"name": "a"}]}, {**GOOD, "subject": GOOD["subject"] * 2},
        {**GOOD, "subject": [{"name": "a", "digest": {"sha256": "ab"}}]},
        {**GOOD, "subject": [{"name": "a", "digest": {"sha256": 5}}]},
        {**GOOD, "predicate": []}, {"_type": GOOD["_type"], "subject": GOOD["subject"]},
        b'{"_type": 1, "_type": 2}',
    ],
)  # fmt: skip
def test_a_right_signature_on_no_statement_is_refused(ring, payload):
    ring.new("ada")
    assert ring.open(orjson.dumps(sealed(ring, orjson.dumps(GOOD)))).signer == "ada"
    raw = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    with pytest.raises(SignatureWrong):
        ring.open(orjson.dumps(sealed(ring, raw)))


@pytest.mark.parametrize(
    "changes",
    [
        {"payloadType": "text/plain"}, {"payload": "%"}, {"payload": None}, {"signatures": [{}]},
        {"signatures": []}, {"signatures": 5}, {"signatures": [{"keyid": "x", "sig": "%"}]},
        {"payload": base64.b64encode(b"other").decode()},
    ],
)  # fmt: skip
def test_an_envelope_that_was_changed_is_refused(ring, changes):
    ring.new("ada")
    envelope = sealed(ring, orjson.dumps(GOOD)) | changes
    with pytest.raises(SignatureWrong):
        ring.open(orjson.dumps(envelope))
    for raw in (b"{", b"[]", b'{"payloadType": 1, "payloadType": 2}'):
        with pytest.raises(SignatureWrong):
            ring.open(raw)


def test_one_right_signature_of_a_trusted_key_is_enough(ring):
    ring.new("ada")
    envelope = sealed(ring, orjson.dumps(GOOD))
    wrong = {"keyid": envelope["signatures"][0]["keyid"], "sig": base64.b64encode(b"x" * 64).decode()}  # fmt: skip
    envelope["signatures"] = [{"keyid": "unknown", "sig": ""}, wrong, *envelope["signatures"]]
    assert ring.open(orjson.dumps(envelope)).signer == "ada"
    envelope["signatures"].pop()
    with pytest.raises(SignatureWrong):
        ring.open(orjson.dumps(envelope))


def test_a_name_holds_keys_of_one_role_until_they_are_revoked(ring):
    first = ring.new("ada", BUILDER)
    ring.new("ada", BUILDER)
    with pytest.raises(PolicyWrong):
        ring.new("ada", APPROVER)
    with pytest.raises(PolicyWrong):
        ring.new("eve", "reader")
    for keyid in ring.trusted():
        ring.revoke(keyid)
    assert ring.new("ada", APPROVER).role == APPROVER
    assert first.keyid not in ring.trusted()


def test_a_foreign_public_key_is_trusted_once(ring, tmp_path):
    other = KeyRing(tmp_path / "other", FakeClock(START))
    entry = other.new("eve")
    pem = (other.folder / f"{entry.keyid}.pub").read_bytes()
    assert ring.trust(pem, "eve", BUILDER).keyid == entry.keyid
    ring.trust(pem, "eve", BUILDER)
    assert [e.keyid for e in ring.entries()] == [entry.keyid]
    assert ring.can_sign() is False
    with pytest.raises(KeyMissing):
        ring.sign(GOOD)
    with pytest.raises(KeyMissing):
        ring.trust(b"no key", "eve", BUILDER)
    with pytest.raises(PolicyWrong):
        ring.trust(pem, "eve", "reader")


def test_a_private_key_of_another_kind_signs_nothing(ring):
    entry = ring.new("ada")
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (ring.folder / f"{entry.keyid}.key").write_bytes(pem)
    with pytest.raises(KeyMissing, match="not an ed25519 key"):
        ring.sign(GOOD)
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyMissing, match="no ed25519 key"):
        ring.trust(public, "eve", BUILDER)


def test_a_key_is_revoked_by_the_beginning_of_its_id(ring):
    entry = ring.new("ada")
    assert ring.can_sign() is True
    with pytest.raises(KeyMissing, match="0 keys"):
        ring.revoke("zz")
    ring.new("bob")
    with pytest.raises(KeyMissing, match="2 keys"):
        ring.revoke("")
    ended = ring.revoke(entry.keyid[:12])
    assert (ended.keyid, ended.revoked) == (entry.keyid, "2026-01-05T12:00:00Z")
    assert [e.name for e in ring.trusted().values()] == ["bob"]


def test_rotation_revokes_the_keys_of_the_role_that_are_here(ring, tmp_path):
    old, approver = ring.new("ada", BUILDER), ring.new("eve", APPROVER)
    other = KeyRing(tmp_path / "other", FakeClock(START))
    foreign = other.new("zoe")
    ring.trust((other.folder / f"{foreign.keyid}.pub").read_bytes(), "zoe", BUILDER)
    fresh = ring.rotate("ada", BUILDER)
    assert set(ring.trusted()) == {fresh.keyid, approver.keyid, foreign.keyid}
    assert old.keyid not in ring.trusted()


def test_only_pinned_keys_count_where_keys_are_pinned(ring):
    first, second = ring.new("ada"), ring.new("bob")
    pinned = KeyRing(ring.folder, FakeClock(START), pinned=[second.keyid])
    assert set(pinned.trusted()) == {second.keyid}
    assert set(ring.trusted()) == {first.keyid, second.keyid}


@pytest.mark.parametrize(
    "rows",
    [b"{", b"[]", b'{"keys": 5}', b'{"keys": [{}]}', b'{"keys": [], "keys": []}'],
)
def test_a_trust_file_that_is_damaged_trusts_nobody(ring, rows):
    ring.new("ada")
    (ring.folder / "trust.json").write_bytes(rows)
    with pytest.raises(SignatureWrong):
        ring.trusted()


def test_a_key_of_a_role_that_is_none_damages_the_trust_file(ring):
    ring.new("ada")
    path = ring.folder / "trust.json"
    path.write_bytes(path.read_bytes().replace(b'"builder"', b'"reader"'))
    with pytest.raises(SignatureWrong):
        ring.entries()


def test_a_key_whose_id_is_not_its_own_is_not_trusted(ring):
    ring.new("ada")
    path = ring.folder / "trust.json"
    document = orjson.loads(path.read_bytes())
    document["keys"][0]["keyid"] = "0" * 64
    path.write_bytes(orjson.dumps(document))
    assert ring.trusted() == {}


@pytest.mark.parametrize(("mode", "seen"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_private_key_that_others_can_read_is_exposed(ring, mode, seen):
    assert ring.exposed() == ()
    path = ring.folder / f"{ring.new('ada').keyid}.key"
    path.chmod(mode)
    assert ring.exposed() == ((path,) if seen else ())


# Advisories.


def record(**changes):
    return {
        "id": "PYSEC-1",
        "modified": "2026-01-05T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "Alpha"},
                "ranges": [
                    {
                        "type": "ECOSYSTEM",
                        "events": [{"introduced": "1.0"}, {"fixed": "1.5"}, {"introduced": "2.0"}, {"last_affected": "2.1"}],
                    }
                ],
            }
        ],
        **changes,
    }  # fmt: skip


def held(records, version="1.0", today=date(2026, 1, 5), **rules):
    snapshot = Snapshot({"alpha": records}, date(2026, 1, 5), len(records))
    found = audit_findings({"alpha": version}, snapshot, SupplyChainPolicy(**rules), today)
    return [f.code.removeprefix("supply_chain.") for f in found]


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("0.9", False), ("1.0", True), ("1.4.9", True), ("1.5", False), ("1.9", False),
        ("2.0", True), ("2.1", True), ("2.1.1", False), ("not a version", True),
    ],
)  # fmt: skip
def test_a_version_lies_in_the_ranges_of_an_advisory(version, affected):
    assert held([record()], version) == (["vulnerability"] if affected else [])


CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"  # 9.8
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"  # 7.5


@pytest.mark.parametrize(
    ("scores", "limit", "code"),
    [
        ([CRITICAL], 9.0, "vulnerability_critical"),
        ([HIGH], 9.0, "vulnerability"),
        ([HIGH], 7.5, "vulnerability_critical"),
        ([HIGH, CRITICAL], 9.0, "vulnerability_critical"),
        ([], 0.0, "vulnerability"),
    ],
)
def test_the_worst_score_decides_whether_a_hole_is_critical(scores, limit, code):
    severity = [{"type": "CVSS_V3", "score": score} for score in scores]
    assert held([record(severity=severity)], critical_cvss=limit) == [code]


@pytest.mark.parametrize(
    ("entry", "today", "held_back"),
    [
        ({"reason": "unused", "until": "2026-01-05"}, date(2026, 1, 5), True),
        ({"reason": "unused", "until": "2026-01-04"}, date(2026, 1, 5), False),
        ({"until": "2026-02-05"}, date(2026, 1, 5), False),
        ({"reason": "unused"}, date(2026, 1, 5), False),
    ],
)
def test_an_advisory_is_ignored_with_a_reason_and_until_a_day(entry, today, held_back):
    for name in ("PYSEC-1", "CVE-1"):
        found = held([record(aliases=["CVE-1"])], today=today, ignore={name: entry})
        assert found == ([] if held_back else ["vulnerability"])


@pytest.mark.parametrize(("days", "stale"), [(30, False), (31, True)])
def test_advisories_are_stale_after_as_many_days_as_the_policy_says(days, stale):
    found = held([], today=date.fromordinal(date(2026, 1, 5).toordinal() + days))
    assert found == (["advisories_stale"] if stale else [])


@pytest.mark.parametrize("lines", [b"{", b"[]", b"{}", b'{"modified": "2026"}', b'{"modified": "x", "affected": []}'])  # fmt: skip
def test_a_line_that_is_no_advisory_makes_the_snapshot_unreadable(tmp_path, lines):
    path = tmp_path / "advisories.jsonl"
    path.write_bytes(lines)
    with pytest.raises(EvidenceUnreadable):
        Snapshot.load(path)
    with pytest.raises(EvidenceMissing):
        Snapshot.load(tmp_path / "none.jsonl")


def test_a_withdrawn_advisory_holds_nothing_back(tmp_path):
    path = tmp_path / "advisories.jsonl"
    later = record(id="PYSEC-2", modified="2026-01-07T00:00:00Z", withdrawn="2026-01-07T00:00:00Z")
    path.write_bytes(orjson.dumps(record()) + b"\n\n" + orjson.dumps(later) + b"\n")
    snapshot = Snapshot.load(path)
    assert (snapshot.date, snapshot.records) == (date(2026, 1, 7), 2)
    assert [r["id"] for r in snapshot.by_package["alpha"]] == ["PYSEC-1"]


# The gate.


def test_the_gate_states_signer_packages_and_age_of_the_advisories(world):
    result = supply_chain.check(world.case(None))
    assert (result.gate, result.state, result.findings) == ("supply_chain", GateState.RAN, ())
    assert dict(result.facts) == {
        "signed_by": "release builder",
        "packages": 3,
        "advisories": 1,
        "advisories_of": "2026-01-05",
        "advisories_age_days": 0,
    }


def test_without_bill_and_provenance_only_an_exposed_key_is_judged(world):
    world.project.sbom.unlink()
    assert supply_chain.check(world.case(None)).state is GateState.RAN
    world.project.provenance.unlink()
    skipped = supply_chain.check(world.case(None))
    assert (skipped.gate, skipped.state, skipped.findings) == ("supply_chain", GateState.SKIPPED, ())  # fmt: skip
    key = next(iter(world.project.keys.glob("*.key")))
    key.chmod(0o644)
    result = supply_chain.check(world.case(None))
    assert (result.gate, result.state) == ("supply_chain", GateState.RAN)
    assert [(f.code, f.path) for f in result.findings] == [
        ("supply_chain.key_exposed", f"keys/{key.name}")
    ]


# What is installed.


def test_a_site_directory_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(EvidenceMissing, match="site directory none"):
        environment(tmp_path, "none")


def test_without_a_site_directory_the_running_interpreters_packages_are_meant(tmp_path):
    assert "pytest" in {package.name for package in environment(tmp_path, "").packages}
    (tmp_path / "site").mkdir()
    assert environment(tmp_path, "site").packages == ()


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ("License-Expression: MIT\nLicense: other\n", "MIT"),
        ("License: BSD\n", "BSD"),
        ("License: UNKNOWN\n", ""),
        (f"License: {'x' * 100}\n", "x" * 100),
        (f"License: {'x' * 101}\n", ""),
        ("License: a\n  b\n", ""),
        ("", ""),
        ("Classifier: License :: OSI Approved\n", ""),
        ("Classifier: License :: OSI Approved :: MIT License\nLicense: other\n", "MIT License"),
        ("Classifier: License :: OSI Approved :: A\nClassifier: License :: B\n", "A OR B"),
        ("Classifier: Topic :: Other\n", ""),
    ],
)
def test_a_licence_is_read_from_where_packages_state_it(tmp_path, lines, licence):
    add_package(tmp_path, "alpha", "1.0")
    metadata = tmp_path / "alpha-1.0.dist-info" / "METADATA"
    metadata.write_text(f"Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n{lines}")
    (package,) = Installed([tmp_path]).packages
    assert package.licence == licence


def test_a_package_without_a_name_is_none(tmp_path):
    (tmp_path / "x-1.dist-info").mkdir()
    (tmp_path / "x-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nVersion: 1\n")
    assert Installed([tmp_path]).packages == ()


def test_a_package_without_files_has_no_hash(tmp_path):
    add_package(tmp_path, "alpha", "1.0")
    (tmp_path / "alpha-1.0.dist-info" / "RECORD").write_text("")
    (package,) = Installed([tmp_path]).packages
    assert (dict(package.files), package.sha256) == ({}, "")


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("beta>=1", []),
        ("beta>=2; python_version < '3'", []),
        ("beta>=2", ["alpha 1.0 has requirement beta>=2, but you have beta 1.0."]),
        ("gamma", ["alpha 1.0 requires gamma, which is not installed."]),
        ("beta>=", ["alpha 1.0 has the unreadable requirement 'beta>='."]),
    ],
)
def test_a_requirement_that_is_not_met_is_told(tmp_path, requirement, told):
    add_package(tmp_path, "beta", "1.0")
    add_package(tmp_path, "alpha", "1.0")
    metadata = tmp_path / "alpha-1.0.dist-info" / "METADATA"
    metadata.write_text(
        f"Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\nRequires-Dist: {requirement}\n"
    )
    assert list(Installed([tmp_path]).inconsistencies()) == told


@pytest.mark.parametrize(
    ("licence", "code"),
    [
        ("", "supply_chain.licence_unknown"),
        ("GPL-3.0", "supply_chain.licence_denied"),
        ("MIT", None),
    ],
)
def test_a_licence_that_is_denied_or_unknown_is_a_finding(tmp_path, licence, code):
    add_package(tmp_path, "alpha", "1.0")
    (package,) = Installed([tmp_path]).packages
    rules = SupplyChainPolicy(licences_denied=("GPL-3",))
    found = list(licence_findings((replace(package, licence=licence),), rules))
    assert [(f.code, f.path) for f in found] == ([(code, "pkg:pypi/alpha@1.0")] if code else [])
    named = replace(rules, licences_known={"alpha": "MIT"})
    assert list(licence_findings((replace(package, licence=licence),), named)) == []


def test_what_the_installer_wrote_is_no_part_of_a_package(tmp_path):
    add_package(tmp_path, "alpha", "1.0")
    (before,) = Installed([tmp_path]).packages
    record = tmp_path / "alpha-1.0.dist-info" / "RECORD"
    digest = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    names = ("alpha-1.0.dist-info/INSTALLER", "alpha-1.0.dist-info/REQUESTED", "alpha-1.0.dist-info/direct_url.json", "alpha/x.pyc", "../bin/alpha", "/etc/alpha", "alpha/unhashed")  # fmt: skip
    rows = "".join(f"{name},{digest if name != 'alpha/unhashed' else ''},0\n" for name in names)
    record.write_text(record.read_text() + rows + "short\n")
    (after,) = Installed([tmp_path]).packages
    assert (after.files, after.sha256) == (before.files, before.sha256)
    record.write_text(record.read_text() + f"alpha/more.py,{digest},0\nalpha/two.py,{digest}\n")
    (grown,) = Installed([tmp_path]).packages
    assert grown.files["alpha/more.py"] == grown.files["alpha/two.py"] == sha256_hex(b"")
    assert grown.sha256 != before.sha256
