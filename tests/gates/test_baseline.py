"""The baseline's approval names exactly this report, this action and this approval; each alone is not enough."""

from datetime import timedelta

import orjson
import pytest

from trimtab.gates import drift
from trimtab.gates.baseline import Approvals
from trimtab.gates.errors import ApprovalRefused
from trimtab.kernel.ids import sha256_hex
from trimtab.testing.clock import FakeClock

UNAPPROVED = {"drift.baseline_unapproved"}


def grant(world, action="baseline", sha256=None):
    """Put another approval beside the baseline and return its id."""
    given = sha256 or orjson.loads(world.project.baseline.read_bytes())["report_sha256"]
    envelope = Approvals(world.project, world.clock).grant(action, given, by="m", reason="r")
    world.project.baseline_approval.write_bytes(envelope)
    return sha256_hex(envelope)


def name_in_baseline(world, approval_id):
    world.edit_json(world.project.baseline, lambda it: it["approval"].update(id=approval_id))


@pytest.mark.feature("F145")
@pytest.mark.parametrize(
    ("action", "sha256", "named", "found"),
    [
        ("baseline", None, True, set()),
        ("baseline", "0" * 64, True, UNAPPROVED),
        ("baseline", None, False, UNAPPROVED),
        ("manifest", None, True, UNAPPROVED),
    ],
    ids=["its own", "of another report", "that the baseline does not name", "of another action"],
)
def test_only_the_approval_of_this_baseline_makes_it_approved(
    world, codes_of, action, sha256, named, found
):
    approval_id = grant(world, action, sha256)
    if named:
        name_in_baseline(world, approval_id)
    assert codes_of(drift.check) == found


@pytest.mark.parametrize(("late", "valid"), [(0, True), (1, False)])
def test_an_approval_holds_for_exactly_a_day(world, late, valid):
    clock = FakeClock(world.clock.now().replace(microsecond=0))
    approvals = Approvals(world.project, clock)
    envelope = approvals.grant("baseline", "1" * 64, by="m", reason="r")
    read = approvals.read(envelope)
    assert read.expires - clock.now() == timedelta(hours=24)
    clock.advance(24 * 3600 + late)
    if valid:
        assert approvals.check(envelope, "baseline", "1" * 64) == read
    else:
        with pytest.raises(ApprovalRefused, match="has expired"):
            approvals.check(envelope, "baseline", "1" * 64)


def test_an_approval_can_be_spent_once(world):
    approvals = Approvals(world.project, world.clock)
    first = approvals.grant("baseline", "1" * 64, by="m", reason="r")
    second = approvals.grant("baseline", "1" * 64, by="m", reason="r")
    approvals.spend(approvals.check(first, "baseline", "1" * 64))
    with pytest.raises(ApprovalRefused, match="already used"):
        approvals.check(first, "baseline", "1" * 64)
    assert approvals.check(second, "baseline", "1" * 64).by == "m"
    kept = orjson.loads(world.project.used_approvals.read_bytes().splitlines()[-1])
    assert kept.keys() == {"id", "action", "by", "at"}
