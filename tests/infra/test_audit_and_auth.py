from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys, Principal, Role
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated


@pytest.fixture
def database(databases):
    return databases.open(("state",))


@pytest.fixture
def audit(database):
    return Audit(database, SystemClock())


@pytest.fixture
def keys(database, audit):
    return Keys(database, SystemClock(), audit)


def _tamper(database, statement):
    with database.write() as connection:
        connection.execute(sa.text(statement))


def test_an_untouched_chain_is_whole(audit):
    last = [audit.append("me", "did", str(i), {"n": i}) for i in range(5)][-1]
    report = audit.verify()
    assert (report.events, report.head, report.problems) == (5, last.hash, ())


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("update audit_events set actor = 'you' where seq = 2", "event 2 was changed"),
        ("delete from audit_events where seq = 2", "events 2 to 2 are missing"),
        ("update audit_events set at = '2999' where seq = 1", "event 1 was changed"),
        ("update audit_events set seq = seq + 10 where seq = 3", "events 3 to 12 are missing"),
    ],
)
def test_every_kind_of_tampering_is_found(database, audit, statement, problem):
    for i in range(3):
        audit.append("me", "did", str(i))
    _tamper(database, statement)
    assert problem in audit.verify().problems


class DatedClock:
    """Says each of the given seconds once."""

    def __init__(self, *seconds):
        self._seconds = iter(seconds)

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(self._seconds))


def test_a_chain_keeps_the_form_in_which_earlier_releases_wrote_it(database):
    audit = Audit(database, DatedClock(0, 1))
    first = audit.append("me", "did", "1", {"b": 2, "a": "\u00e9"})
    second = audit.append("me", "did", "2")
    assert (first.seq, first.previous_hash) == (1, "0" * 64)
    assert (first.at, first.facts) == ("2026-01-01T00:00:00+00:00", '{"a":"\\u00e9","b":2}')
    assert first.hash == "7fa5644d718670f52fc8d2c0f858ea1a428c758cb0f6c08d2a69bc47c43e621f"
    assert (second.seq, second.previous_hash, second.facts) == (2, first.hash, "{}")
    assert second.hash == "a0b824d35ca11a811a2f49efcf04050612c8a7d49160245cc6063f11205036ef"


def test_an_event_that_is_dated_before_the_last_one_is_found(database):
    audit = Audit(database, DatedClock(5, 6, 7))
    for number in range(3):
        audit.append("me", "did", str(number))
    _tamper(database, "update audit_events set at = '1999' where seq = 2")
    assert "event 2 is dated before event 1" in audit.verify().problems


def test_a_clock_that_goes_back_does_not_date_an_event_before_the_last_one(database):
    audit = Audit(database, DatedClock(5, 4, 6))
    times = [audit.append("me", "did", str(number)).at for number in range(3)]
    assert times[0] == times[1] < times[2]
    assert audit.verify().problems == ()


def test_the_newest_hundred_events_are_returned_unless_another_number_is_asked_for(audit):
    for number in range(101):
        audit.append("me", "did", str(number))
    assert [event.seq for event in audit.recent()] == list(range(101, 1, -1))
    assert [event.seq for event in audit.recent(2)] == [101, 100]


def test_an_act_is_held_for_its_own_subject_only(audit):
    audit.append("me", "did", "1")
    assert audit.holds("did", "1")
    assert not audit.holds("did", "2")
    assert not audit.holds("undid", "1")


def test_a_removed_newest_event_changes_the_head(database, audit):
    audit.append("me", "did", "1")
    head = audit.append("me", "did", "2").hash
    _tamper(database, "delete from audit_events where seq = 2")
    assert audit.verify().head != head


def test_a_key_is_known_until_it_is_revoked(keys):
    key = keys.create("ci", Role.OPERATOR, actor="me")
    assert keys.authenticate(key) == Principal("ci", Role.OPERATOR)
    keys.revoke("ci", actor="me")
    with pytest.raises(Unauthenticated):
        keys.authenticate(key)


@pytest.mark.on_files
def test_the_key_itself_is_nowhere_in_the_database(keys, database):
    key = keys.create("ci", Role.READER, actor="me")
    database.close()
    written = b"".join(path.read_bytes() for path in database.file.parent.glob("state.db*"))
    assert key.encode() not in written


def test_names_are_unique_and_unknown_names_cannot_be_revoked(keys):
    keys.create("ci", Role.READER, actor="me")
    with pytest.raises(Conflict):
        keys.create("ci", Role.ADMIN, actor="me")
    with pytest.raises(NotFound):
        keys.revoke("other", actor="me")


def test_every_change_of_keys_is_audited(keys, audit):
    keys.create("ci", Role.READER, actor="boss")
    keys.revoke("ci", actor="boss")
    assert [(e.actor, e.action) for e in audit.recent()] == [
        ("boss", "auth.key_revoked"),
        ("boss", "auth.key_created"),
    ]


RANKS = [Role.READER, Role.REVIEWER, Role.OPERATOR, Role.ADMIN]


@pytest.mark.parametrize("role", list(Role))
def test_only_a_sender_of_alerts_operators_and_administrators_may_send_alerts(role):
    may = role in {Role.ALERTS, Role.OPERATOR, Role.ADMIN}
    assert role.includes(Role.ALERTS) is may


def test_a_sender_of_alerts_may_do_nothing_else():
    assert [role for role in Role if Role.ALERTS.includes(role)] == [Role.ALERTS]


@pytest.mark.parametrize("role", RANKS)
def test_a_role_includes_the_lesser_roles_only(role):
    ranks = RANKS
    for needed in ranks:
        if ranks.index(needed) <= ranks.index(role):
            Principal("k", role).require(needed)
        else:
            with pytest.raises(Forbidden):
                Principal("k", role).require(needed)


def test_a_key_is_remembered_until_any_key_changes(keys):
    key = keys.create("ci", Role.OPERATOR, actor="me")
    for _ in range(2):  # The first call notes the use, which is a change.
        keys.authenticate(key)
    assert keys.recall(key)
    keys.create("other", Role.READER, actor="me")
    assert not keys.recall(key)


def test_a_remembered_key_is_refused_as_soon_as_it_is_rotated_or_revoked(keys):
    for end in (keys.rotate, keys.revoke):
        key = keys.create(f"for {end.__name__}", Role.READER, actor="me")
        for _ in range(2):
            keys.authenticate(key)
        end(f"for {end.__name__}", actor="me")
        with pytest.raises(Unauthenticated):
            keys.authenticate(key)


def test_a_remembered_key_has_its_new_role_at_once(keys):
    keys.admit("seed", Role.READER, "tt_chosen", actor="me")
    for _ in range(2):
        keys.authenticate("tt_chosen")
    keys.admit("seed", Role.ADMIN, "tt_chosen", actor="me")
    assert keys.authenticate("tt_chosen").role is Role.ADMIN


def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_remembered(database, audit):
    class Revoking(Keys):
        def _note_use(self, name):  # Between the look into the database and the remembering.
            self.revoke(name, actor="me")

    keys = Revoking(database, SystemClock(), audit)
    key = keys.create("ci", Role.READER, actor="me")
    keys.authenticate(key)
    with pytest.raises(Unauthenticated):
        keys.authenticate(key)


def test_an_unknown_key_is_never_remembered(keys):
    with pytest.raises(Unauthenticated):
        keys.authenticate("tt_guessed")
    assert not keys.recall("tt_guessed")
