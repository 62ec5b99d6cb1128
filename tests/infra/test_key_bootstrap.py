from datetime import UTC, datetime, timedelta

import pytest

from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys, Principal, Role
from trimtab.infra.key_bootstrap import parse_key_roles, seed, seed_name
from trimtab.infra.key_report import key_report
from trimtab.kernel.errors import Misconfigured, Unauthenticated

ANN, BOB = "ann-key-0123456789", "bob-key-0123456789"


class MovingClock:
    def __init__(self):
        self.days = 0.0

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.days)


@pytest.fixture
def clock():
    return MovingClock()


@pytest.fixture
def keys(databases, clock):
    database = databases.open(("state",))
    return Keys(database, clock, Audit(database, clock))


@pytest.mark.parametrize(
    "text", [f"{ANN}:admin, {BOB}:reader", f'{{"{ANN}": "admin", "{BOB}": "reader"}}']
)
def test_api_key_roles_are_read_in_both_forms(text):
    assert parse_key_roles(text) == {ANN: Role.ADMIN, BOB: Role.READER}


@pytest.mark.parametrize("text", [f"{ANN}:king", ANN, "short:admin", "{", f'{{"{ANN}": 1}}'])
def test_a_wrong_entry_is_refused_without_showing_the_key(text):
    with pytest.raises(Misconfigured) as caught:
        parse_key_roles(text)
    assert ANN not in str(caught.value.as_dict())


def test_no_entries_are_no_keys():
    assert parse_key_roles("") == {}


def test_seeded_keys_work_with_their_roles(keys):
    assert seed(keys, {ANN: Role.ADMIN}) == 1
    assert keys.authenticate(ANN) == Principal(seed_name(ANN), Role.ADMIN)
    assert seed(keys, {ANN: Role.ADMIN}) == 0


def test_a_changed_role_is_taken_over_and_a_removed_entry_revoked(keys):
    seed(keys, {ANN: Role.ADMIN, BOB: Role.READER})
    seed(keys, {ANN: Role.READER})
    assert keys.authenticate(ANN).role is Role.READER
    with pytest.raises(Unauthenticated):
        keys.authenticate(BOB)


def test_a_key_revoked_by_hand_does_not_come_back_with_the_next_start(keys):
    seed(keys, {ANN: Role.ADMIN})
    keys.revoke(seed_name(ANN), actor="boss")
    seed(keys, {ANN: Role.ADMIN})
    with pytest.raises(Unauthenticated):
        keys.authenticate(ANN)


def test_a_rotated_key_replaces_the_old_one(keys):
    old = keys.create("ci", Role.OPERATOR, actor="me")
    new = keys.rotate("ci", actor="me")
    assert keys.authenticate(new).role is Role.OPERATOR
    with pytest.raises(Unauthenticated):
        keys.authenticate(old)


@pytest.mark.feature("F437")
def test_keys_older_than_90_days_are_due_until_rotated(keys, clock):
    keys.create("ci", Role.OPERATOR, actor="me")
    clock.days = 90
    assert not any("older" in problem for problem in key_report(keys, clock.now())[0].problems)
    clock.days = 90.1
    assert "keys rotate ci" in key_report(keys, clock.now())[0].problems[0]
    keys.rotate("ci", actor="me")
    assert key_report(keys, clock.now())[0].problems == ()


@pytest.mark.feature("F438")
def test_seeded_keys_that_nobody_uses_are_stale(keys, clock):
    seed(keys, {ANN: Role.ADMIN, BOB: Role.READER})
    clock.days = 29
    keys.authenticate(ANN)
    clock.days = 31
    by_name = {finding.name: finding for finding in key_report(keys, clock.now())}
    assert by_name[seed_name(ANN)].problems == ()
    assert by_name[seed_name(ANN)].unused_days == 2
    assert "unused for 30 days" in by_name[seed_name(BOB)].problems[0]


def test_revoked_keys_are_not_reported(keys, clock):
    keys.create("ci", Role.OPERATOR, actor="me")
    keys.revoke("ci", actor="me")
    assert key_report(keys, clock.now()) == []
