"""A signed verdict is verified where it is relied on: signature, report and outcome."""

from dataclasses import replace

import orjson
import pytest
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates.errors import SignatureWrong
from trimtab.gates.records import GateOutcome, GateVerdict
from trimtab.gates.signing import statement
from trimtab.gates.verdict import SUMMARY_TYPE, sign
from trimtab.gates.verdict_files import VERDICT_FILE, verify_verdict
from trimtab.kernel.ids import sha256_hex


@pytest.fixture
def verdict(world):
    return GateVerdict(
        subject=world.report_path.name,
        subject_sha256=sha256_hex(world.report_path.read_bytes()),
        policy="release",
        policy_sha256="0" * 64,
        at="2026-12-01T00:00:00Z",
        results=(),
        outcome=GateOutcome.PASS,
    )


@pytest.fixture
def envelope(world):
    return world.root / VERDICT_FILE


def command(world, *args):
    return CliRunner().invoke(app, [*map(str, args), "--project", str(world.root)])


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(GateOutcome.PASS, 0), (GateOutcome.BLOCK, 1), (GateOutcome.REVIEW, 3)],
)
def test_the_command_prints_signer_and_outcome_and_ends_with_its_code(
    world, verdict, envelope, outcome, code
):
    envelope.write_bytes(sign(replace(verdict, outcome=outcome), world.ring()))
    done = command(world, "verify", envelope)
    signer = world.ring().open(envelope.read_bytes()).signer
    assert done.exit_code == code, done.output
    assert f"{outcome.value} {verdict.subject}, policy release, {verdict.at}" in done.output
    assert f"signed by {signer}" in done.output
    found = orjson.loads(command(world, "verify", envelope, "--json").output)
    assert (found["outcome"], found["signer"]) == (outcome.value, signer)


def test_another_report_than_the_judged_one_is_refused(world, verdict, envelope):
    envelope.write_bytes(sign(verdict, world.ring()))
    assert verify_verdict(envelope, world.project, world.ring()).outcome is GateOutcome.PASS
    world.report_path.write_bytes(world.report_path.read_bytes() + b" ")
    done = command(world, "verify", envelope)
    assert done.exit_code != 0
    assert "not the file that was judged" in done.output
    assert "trimtab gates run" in done.output
    world.report_path.unlink()
    with pytest.raises(SignatureWrong, match="is missing or not"):
        verify_verdict(envelope, world.project, world.ring())


def test_a_changed_verdict_and_one_of_a_stranger_are_refused(world, verdict, envelope, tmp_path):
    signed = orjson.loads(sign(replace(verdict, outcome=GateOutcome.BLOCK), world.ring()))
    passed = orjson.loads(sign(verdict, world.ring()))
    envelope.write_bytes(orjson.dumps(signed | {"payload": passed["payload"]}))
    assert command(world, "verify", envelope).exit_code != 0
    with pytest.raises(SignatureWrong, match="trusted key"):
        verify_verdict(envelope, world.project, world.ring())


def test_a_signed_statement_of_another_kind_is_no_verdict(world, envelope):
    other = statement({"a": "0" * 64}, "https://slsa.dev/provenance/v1", {})
    envelope.write_bytes(world.ring().sign(other))
    with pytest.raises(SignatureWrong, match="it is not a verdict"):
        verify_verdict(envelope, world.project, world.ring())
    bare = statement({"a": "0" * 64}, SUMMARY_TYPE, {})
    envelope.write_bytes(world.ring().sign(bare))
    with pytest.raises(SignatureWrong, match="it is not a verdict"):
        verify_verdict(envelope, world.project, world.ring())


def test_signing_again_says_what_is_no_longer_covered(world):
    first, second = world.root / "a.bin", world.root / "b.bin"
    first.write_bytes(b"a")
    second.write_bytes(b"b")
    world.project.provenance.unlink()
    assert "no longer covered" not in command(world, "sign", first, second).output
    done = command(world, "sign", second)
    assert "; no longer covered: a.bin" in done.output
    assert "a.bin" not in command(world, "sign", second).output
    found = orjson.loads(command(world, "sign", first, "--dry-run", "--json").output)
    assert found["no_longer_covered"] == ["b.bin"]
