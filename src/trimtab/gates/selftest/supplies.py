"""Corruptions of SBOM, signatures, keys, packages and advisories."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson

from trimtab.gates.datasets import write_manifest
from trimtab.gates.selftest.corruption import Corruption
from trimtab.gates.selftest.sample_project import SampleProject, add_package
from trimtab.gates.signing import APPROVER, KeyRing
from trimtab.gates.supply_chain import make_sbom

_MISMATCH, _SIGNATURE = (
    ("supply_chain.sbom_mismatch",),
    ("supply_chain.signature_wrong", "supply_chain.key_untrusted"),
)
_STALE, _UNSIGNED, _PROVENANCE = (
    ("supply_chain.signature_stale",),
    ("supply_chain.unsigned",),
    ("supply_chain.provenance_wrong",),
)


def _case(
    name: str, change: Callable[[SampleProject], object], expect: tuple[str, ...]
) -> Corruption:
    return Corruption("supply_chain", name, change, expect)


def _sbom(edit: Callable[[dict[str, Any]], object]) -> Callable[[SampleProject], None]:
    def change(sample: SampleProject) -> None:
        sample.edit_json(sample.project.sbom, edit)
        sample.resign()

    return change


def _envelope(edit: Callable[[dict[str, Any]], object]) -> Callable[[SampleProject], None]:
    return lambda sample: sample.edit_json(sample.project.provenance, edit)


def _statement(edit: Callable[[dict[str, Any]], object]) -> Callable[[SampleProject], None]:
    """Change the signed statement and sign it with the trusted key."""

    def change(sample: SampleProject) -> None:
        statement = orjson.loads(
            orjson.dumps(sample.ring().open(sample.project.provenance.read_bytes()).statement)
        )
        edit(statement)
        sample.project.provenance.write_bytes(sample.ring().sign(statement))

    return change


def _stranger(sample: SampleProject, *, trusted: bool) -> None:
    """Sign with an unpinned key; with `trusted`, add it to trust.json."""
    ring = KeyRing(sample.root / "stranger", sample.clock)
    ring.new("stranger")
    statement = sample.ring().open(sample.project.provenance.read_bytes()).statement
    sample.project.provenance.write_bytes(ring.sign(statement))
    if trusted:
        rows = orjson.loads((sample.root / "stranger" / "trust.json").read_bytes())["keys"]
        sample.edit_json(
            sample.project.keys / "trust.json", lambda trust: trust["keys"].extend(rows)
        )


def _by_approver(sample: SampleProject) -> None:
    statement = sample.ring().open(sample.project.provenance.read_bytes()).statement
    sample.project.provenance.write_bytes(sample.ring().sign(statement, APPROVER))


def _revoke(sample: SampleProject) -> None:
    ring = sample.ring()
    ring.revoke(next(iter(ring.trusted())))


def _bundle(sample: SampleProject) -> None:
    """Write and sign a correct SBOM of the current, bad environment."""
    sample.project.sbom.write_bytes(
        orjson.dumps(make_sbom(sample.project, sample.installed(), sample.clock.now()))
    )
    sample.resign()


def _package(sample: SampleProject, name: str, version: str, **about: Any) -> None:
    add_package(sample.root / "site", name, version, **about)
    _bundle(sample)


def _advisory(sample: SampleProject, score: str | None, *, version: str = "2.0") -> None:
    record: dict[str, Any] = {
        "id": "PYSEC-2026-1",
        "modified": "2026-01-01T00:00:00Z",
        "summary": "a hole",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "beta"},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1"}]}
                ],
                "versions": [version],
            }
        ],
    }
    if score:
        record["severity"] = [{"type": "CVSS_V3", "score": score}]
    sample.advisories.append(record)


def _old(sample: SampleProject) -> None:
    sample.snapshot_date -= timedelta(days=31)


def _unlink_beta(sample: SampleProject) -> None:
    (sample.root / "site" / "beta" / "__init__.py").unlink()


def _expose(sample: SampleProject) -> None:
    for path in sample.project.keys.glob("*.key"):
        path.chmod(0o644)


def _change_data(sample: SampleProject) -> None:
    folder = sample.project.datasets / "golden"
    (folder / "notes.csv").write_text("x", encoding="utf-8")
    write_manifest(folder)


def _swap_models(sample: SampleProject) -> None:
    (sample.root / "models" / "weights.bin").write_bytes(b"other weights")


CORRUPTIONS: tuple[Corruption, ...] = (
    _case("no bill of materials", lambda w: w.project.sbom.unlink(), ("supply_chain.sbom_missing",)),
    _case("an empty bill", lambda w: w.project.sbom.write_bytes(b""), _MISMATCH),
    _case("another kind of document", _sbom(lambda b: b.update(bomFormat="SPDX")), _MISMATCH),
    _case("no component", _sbom(lambda b: b.update(components=[])), _MISMATCH),
    _case("a component left out", _sbom(lambda b: b["components"].pop(0)), _MISMATCH),
    _case("a component made up", _sbom(lambda b: b["components"].append({**b["components"][0], "bom-ref": "pkg:pypi/nothing@1"})), _MISMATCH),
    _case("a component doubled", _sbom(lambda b: b["components"].append(b["components"][0])), _MISMATCH),
    _case("another version", _sbom(lambda b: b["components"][0].update({"bom-ref": "pkg:pypi/alpha@1.1"})), _MISMATCH),
    _case("another hash", _sbom(lambda b: b["components"][0]["hashes"][0].update(content="0" * 64)), _MISMATCH),
    _case("two hashes swapped", _sbom(lambda b: (h := b["components"][0]["hashes"], b["components"][0].update(hashes=b["components"][1]["hashes"]), b["components"][1].update(hashes=h))), _MISMATCH),
    _case("a component without a hash", _sbom(lambda b: b["components"][0].pop("hashes")), ("supply_chain.sbom_unhashed",)),
    _case("a weaker hash", _sbom(lambda b: b["components"][0]["hashes"][0].update(alg="MD5")), ("supply_chain.sbom_unhashed",)),
    _case("a model swapped", _swap_models, _MISMATCH),
    _case("a dataset changed", _change_data, _MISMATCH),
    _case("a package added", lambda w: add_package(w.root / "site", "delta", "1.0"), _MISMATCH),
    _case("a package removed", lambda w: shutil.rmtree(w.root / "site" / "gamma-3.1.dist-info"), _MISMATCH),
    _case("a package's code altered", lambda w: (w.root / "site" / "beta" / "__init__.py").write_text("evil = 1\n"), ("supply_chain.package_altered",)),
    _case("a package's code removed", _unlink_beta, ("supply_chain.package_altered",)),
    _case("no signature", lambda w: w.project.provenance.unlink(), _UNSIGNED),
    _case("an empty signature", lambda w: w.project.provenance.write_bytes(b""), _SIGNATURE),
    _case("the report changed after it was signed", lambda w: w.edit_report(lambda r: r.update(name="other")), _STALE),
    _case("the bill changed after it was signed", lambda w: w.edit_json(w.project.sbom, lambda b: b.update(version=2)), _STALE),
    _case("a signed file is gone", lambda w: (w.project.datasets / "questions" / "manifest.sha256").unlink(), _STALE),
    _case("the payload edited", _envelope(lambda e: e.update(payload=e["payload"][:-8] + "AAAAAAA=")), _SIGNATURE),
    _case("the signature edited", _envelope(lambda e: e["signatures"][0].update(sig="A" * 86 + "==")), _SIGNATURE),
    _case("another key's id on it", _envelope(lambda e: e["signatures"][0].update(keyid="0" * 64)), _SIGNATURE),
    _case("another type of payload", _envelope(lambda e: e.update(payloadType="text/plain")), _SIGNATURE),
    _case("signed by a stranger", lambda w: _stranger(w, trusted=False), _SIGNATURE),
    _case("signed by a stranger who trusts himself", lambda w: _stranger(w, trusted=True), _SIGNATURE),
    _case("its key was revoked", _revoke, _SIGNATURE),
    _case("trust.json broken", lambda w: (w.project.keys / "trust.json").write_bytes(b"{}"), _SIGNATURE),
    _case("the private key lies open", _expose, ("supply_chain.key_exposed",)),
    _case("signed about nothing", _statement(lambda s: s["subject"].clear()), _SIGNATURE),
    _case("signed with the approver's key", _by_approver, _SIGNATURE),
    _case("the report is not covered", _statement(lambda s: s["subject"].pop(0)), _UNSIGNED),
    _case("two hashes swapped in what was signed", _statement(lambda s: (d := s["subject"][0]["digest"], s["subject"][0].update(digest=s["subject"][1]["digest"]), s["subject"][1].update(digest=d))), _STALE),
    _case("a signed approval instead of a provenance", _statement(lambda s: s.update(predicateType="urn:trimtab:approval:v1")), _PROVENANCE),
    _case("the build is not described", _statement(lambda s: s.update(predicate={})), _PROVENANCE),
    _case("built from uncommitted changes", _statement(lambda s: s["predicate"]["buildDefinition"]["internalParameters"].update(git_dirty=True)), ("supply_chain.git_dirty",)),
    _case("another lock file", lambda w: (w.root / "requirements.txt").write_text("alpha==9.9\n"), _PROVENANCE),
    _case("a known hole", lambda w: _advisory(w, None), ("supply_chain.vulnerability",)),
    _case("a hole in a version that only the range covers", lambda w: _advisory(w, None, version="1.9"), ("supply_chain.vulnerability",)),
    _case("a critical hole", lambda w: _advisory(w, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), ("supply_chain.vulnerability_critical",)),
    _case("an old snapshot", _old, ("supply_chain.advisories_stale",)),
    _case("a package outside its pin", lambda w: _package(w, "transformers", "5.0"), ("supply_chain.pin_broken",)),
    _case("a licence that is denied", lambda w: _package(w, "delta", "1.0", licence="AGPL-3.0-only"), ("supply_chain.licence_denied",)),
    _case("a denied licence with an allowed one", lambda w: _package(w, "delta", "1.0", licence="MIT AND GPL-3.0-only"), ("supply_chain.licence_denied",)),
    _case("a requirement that is not installed", lambda w: _package(w, "delta", "1.0", requires=("epsilon",)), ("supply_chain.requirement_broken",)),
    _case("a requirement of another version", lambda w: _package(w, "delta", "1.0", requires=("beta<2",)), ("supply_chain.requirement_broken",)),
)  # fmt: skip
