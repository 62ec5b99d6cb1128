"""The advisory snapshot is refreshed from an OSV export, and version pins hold for every installed package."""

import gzip
import zipfile
from datetime import timedelta

import orjson
import pytest
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates.errors import EvidenceMissing, EvidenceUnreadable
from trimtab.gates.selftest.sample_project import add_package
from trimtab.gates.supply_chain import Snapshot
from trimtab.gates.supply_chain.installed import Installed
from trimtab.gates.supply_chain.osv_export import refresh
from trimtab.gates.supply_chain.pins import load_pins, pin_findings
from trimtab.kernel.clock import SystemClock


def _record(identity, name="beta", ecosystem="PyPI", **more):
    package = {"package": {"ecosystem": ecosystem, "name": name}, "versions": ["2.0"]}
    return {"id": identity, "modified": "2026-11-01T00:00:00Z", "affected": [package], **more}


RECORDS = [_record("PYSEC-1"), _record("PYSEC-2", details="long"), _record("RUSTSEC-1", ecosystem="crates.io")]  # fmt: skip


def _zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        for record in RECORDS:
            archive.writestr(
                f"{record['id']}.json", orjson.dumps(record, option=orjson.OPT_INDENT_2)
            )
    return path


def _folder(path):
    path.mkdir()
    for record in RECORDS:
        (path / f"{record['id']}.json").write_bytes(orjson.dumps(record))
    return path


def _lines(path):
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in RECORDS))
    return path


def _packed(path):
    path.write_bytes(gzip.compress(b"".join(orjson.dumps(record) + b"\n" for record in RECORDS)))
    return path


EXPORTS = {"all.zip": _zip, "export": _folder, "all.jsonl": _lines, "all.jsonl.gz": _packed}


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("target", ["advisories.jsonl", "advisories.jsonl.gz"])
def test_an_export_becomes_a_snapshot_of_its_python_packages(tmp_path, name, target):
    made = refresh(EXPORTS[name](tmp_path / name), tmp_path / target)
    assert (made.records, str(made.date), set(made.by_package)) == (2, "2026-11-01", {"beta"})
    assert Snapshot.load(tmp_path / target) == made


@pytest.mark.parametrize(
    "content",
    [b"{}", b"null", b"[]", b"nonsense", b'{"id": "A", "modified": "2026", "affected": 7}', b'{"id": "", "modified": "x", "affected": []}', b'{"affected": [{"package": {}}]}'],
)  # fmt: skip
def test_what_is_no_osv_record_is_refused_and_the_old_snapshot_stays(tmp_path, content):
    target = tmp_path / "advisories.jsonl"
    target.write_text("the old one")
    (tmp_path / "export.jsonl").write_bytes(content)
    with pytest.raises((EvidenceUnreadable, EvidenceMissing)):
        refresh(tmp_path / "export.jsonl", target)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".new")] == []
    assert target.read_text() == "the old one"


@pytest.mark.parametrize("name", ["all.zip", "all.jsonl.gz"])
def test_a_damaged_archive_is_refused(tmp_path, name):
    EXPORTS[name](tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(raw[: len(raw) // 2])
    with pytest.raises(EvidenceUnreadable):
        refresh(tmp_path / name, tmp_path / "advisories.jsonl")


def test_an_archive_that_grows_too_large_is_refused_before_it_is_unpacked(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb.json", "w") as stream,
    ):
        for _ in range(260):
            stream.write(bytes(1024 * 1024))
    with pytest.raises(EvidenceUnreadable, match="too large"):
        refresh(tmp_path / "all.zip", tmp_path / "advisories.jsonl")


@pytest.mark.parametrize(("days", "code"), [(30, 0), (31, 3)])
def test_the_command_shows_the_age_and_explains_amber(world, days, code):
    modified = (SystemClock().now() - timedelta(days=days)).date().isoformat()
    export = world.root / "export.jsonl"
    export.write_bytes(orjson.dumps(_record("PYSEC-1") | {"modified": modified}))
    words = ["advisories", "refresh", str(export), "--project", str(world.root)]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, f"{days} days old (at most 30)" in done.output) == (code, True)
    assert ("asks for a review" in done.output) is (code == 3)
    shown = CliRunner().invoke(app, ["advisories", "show", "--project", str(world.root), "--json"])
    assert orjson.loads(shown.stdout)["age_days"] == days


def test_a_refreshed_snapshot_is_what_the_audit_reads(world):
    export = world.root / "export.jsonl"
    export.write_bytes(orjson.dumps(_record("PYSEC-7")))
    CliRunner().invoke(app, ["advisories", "refresh", str(export), "--project", str(world.root)])
    done = CliRunner().invoke(app, ["audit", "--project", str(world.root)])
    assert "PYSEC-7" in done.output


@pytest.mark.feature("F435")
@pytest.mark.parametrize(
    ("version", "codes"),
    [("4.39.3", {"supply_chain.pin_broken"}), ("4.40.0", set()), ("4.57.1", set()), ("5.0.0", {"supply_chain.pin_broken"}), ("5.0.0rc1", {"supply_chain.pin_broken"}), ("five", {"supply_chain.pin_broken"})],
)  # fmt: skip
def test_transformers_is_held_at_the_versions_that_the_grounding_model_needs(
    tmp_path, version, codes
):
    add_package(tmp_path, "transformers", version)
    found = pin_findings(Installed([tmp_path]), load_pins(None))
    assert {entry.code for entry in found} == codes


@pytest.mark.feature("F435")
def test_an_extra_outside_a_projects_pin_fails_the_audit(world):
    add_package(world.root / "site", "delta", "3.0")
    (world.root / "pins.txt").write_text("# ours\ndelta >= 1, < 3  # not yet\n")
    done = CliRunner().invoke(app, ["audit", "--project", str(world.root)])
    assert (done.exit_code, "delta 3.0 is installed, the pin is delta<3,>=1" in done.output) == (
        1,
        True,
    )


def test_a_projects_pin_replaces_the_shipped_one(tmp_path):
    (tmp_path / "pins.txt").write_text("Transformers>=5\n")
    assert str(load_pins(tmp_path)["transformers"].specifier) == ">=5"


@pytest.mark.parametrize("line", ["delta", "delta >=", "-r other.txt", "\x00"])
def test_a_line_that_is_no_pin_is_refused(tmp_path, line):
    (tmp_path / "pins.txt").write_text(f"{line}\n")
    with pytest.raises(EvidenceUnreadable, match=r"Line 1 of pins\.txt"):
        load_pins(tmp_path)
