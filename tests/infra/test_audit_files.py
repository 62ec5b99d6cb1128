import hashlib
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from trimtab.infra.audit import Audit
from trimtab.infra.audit_anchor import AnchoredHead, missing_anchors
from trimtab.infra.audit_files import SEALED, AuditFiles
from trimtab.infra.signing import Signer
from trimtab.infra.storage import DataDirectory

HOUR = timedelta(hours=1)


class MovingClock:
    def __init__(self):
        self.minutes = 0

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.minutes)


@pytest.fixture
def clock():
    return MovingClock()


@pytest.fixture
def files(databases, tmp_path, clock):
    with DataDirectory(tmp_path / "data") as directory:
        database = databases.at(directory.file("state.db"), ("state",))
        folder = directory.folder("audit_logs") / "local"
        files = AuditFiles(folder, Audit(database, clock), Signer.of(directory))
        for number in range(3):
            files.audit.append("me", "did", str(number))
        yield files, database
        database.close()


def _run(database, statement):
    with database.write() as connection:
        connection.execute(sa.text(statement))


@pytest.mark.feature("F446", "F448")
def test_every_event_has_a_read_only_file_and_the_counts_agree(files):
    files, _ = files
    files.seal()
    report = files.review(HOUR)
    assert (report.events, report.files, report.checkpoints, report.problems) == (4, 4, 1, ())
    modes = {file.stat().st_mode & 0o777 for file in files.folder.iterdir()}
    assert modes == {0o400}
    event = next(files.folder.glob("0*2.json"))
    kept = event.read_bytes()
    files.seal()
    assert event.read_bytes() == kept
    event.unlink()
    fewer = files.review(HOUR)
    assert (fewer.events, fewer.files) == (5, 4)
    assert fewer.problems


def _remove(*names):
    def remove(folder):
        for name in names:
            (folder / name).unlink()

    return remove


def _truncate(name):
    def truncate(folder):
        file = folder / name
        content = file.read_bytes()
        file.chmod(0o600)
        file.write_bytes(content[:-10])

    return truncate


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (_remove("0000000001.json"), "the file of event 1 is missing"),
        (_remove("0000000006.json"), "the files of events 6 to 6 are missing, and they were sealed"),
        (_remove("0000000005.json", "0000000006.json", "checkpoint-0000000006.json"), "the files of events 5 to 6 are missing, and they were sealed"),
        (_remove("checkpoint-0000000006.json"), "checkpoint-0000000006.json is missing, and event 6 sealed it"),
        (_remove("checkpoint-0000000004.json"), "checkpoint-0000000004.json is missing, and event 4 sealed it"),
        (_truncate("0000000006.json"), "event 6 differs from its file"),
        (_truncate("checkpoint-0000000006.json"), "checkpoint-0000000006.json was changed, or was signed with another key"),
        (shutil.rmtree, "the files of events 1 to 6 are missing, and they were sealed"),
    ],
)  # fmt: skip
def test_what_a_seal_wrote_must_be_there(files, damage, problem):
    files, _ = files
    files.seal()
    files.audit.append("me", "did", "more")
    files.seal()
    assert files.review(HOUR).problems == ()
    damage(files.folder)
    assert problem in files.review(HOUR).problems


def test_a_seal_that_was_cut_short_is_finished_by_the_next(files):
    files, _ = files
    files.audit.append("trimtab", SEALED, "audit")
    assert (
        "the files of events 1 to 4 are missing, and they were sealed"
        in files.review(HOUR).problems
    )
    files.seal()
    report = files.review(HOUR)
    assert (report.problems, report.files, report.checkpoints) == ((), 5, 2)


def test_a_checkpoint_is_on_disk_before_the_file_of_its_event(files):
    files, _ = files
    files.folder.mkdir(parents=True)
    blocked = files.folder / "0000000004.new"
    (blocked / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="0000000004"):
        files.seal()
    assert (files.folder / "checkpoint-0000000004.json").exists()


@pytest.mark.parametrize(
    ("minutes", "gaps"), [(60, ()), (61, ("the newest checkpoint is 61 minutes old",))]
)
def test_a_tail_that_nobody_seals_is_a_gap(files, clock, minutes, gaps):
    files, _ = files
    files.seal()
    clock.minutes = minutes
    assert files.review(HOUR, now=clock.now()).gaps == gaps


def test_an_event_after_the_last_seal_makes_its_checkpoint_no_younger(files, clock):
    files, _ = files
    files.seal()
    clock.minutes = 31
    files.audit.append("me", "did", "more")
    clock.minutes = 61
    assert files.review(HOUR, now=clock.now()).gaps == ("the newest checkpoint is 61 minutes old",)


@pytest.mark.parametrize(("minutes", "count"), [(60, 0), (61, 1)])
def test_a_chain_that_was_never_sealed_is_a_gap(files, clock, minutes, count):
    files, _ = files
    clock.minutes = minutes
    assert len(files.review(HOUR, now=clock.now()).gaps) == count


def test_a_chain_rolled_back_with_its_files_is_found_by_a_head_kept_elsewhere(files):
    files, database = files
    files.seal()
    files.audit.append("me", "did", "something to hide")
    head = files.seal()
    kept = AnchoredHead.parse(f"{head.seq}:{head.hash}")
    assert files.review(HOUR, anchors=[kept]).problems == ()
    _run(database, "delete from audit_events where seq > 4")
    _remove("0000000005.json", "0000000006.json", "checkpoint-0000000006.json")(files.folder)
    assert files.review(HOUR).problems == ()
    (problem,) = files.review(HOUR, anchors=[kept]).problems
    assert problem == "the chain ends at event 4, but event 6 was anchored: its tail was cut off"


def test_a_chain_rebuilt_with_its_files_is_found_by_a_head_kept_elsewhere(files):
    files, database = files
    head = files.seal()
    _run(database, "delete from audit_events")
    shutil.rmtree(files.folder)
    for number in range(3):
        files.audit.append("you", "did", str(number))
    files.seal()
    assert files.review(HOUR).problems == ()
    kept = [AnchoredHead(head.seq, head.hash)]
    (problem,) = files.review(HOUR, anchors=kept).problems
    assert problem == "event 4 is not the one that was anchored: the chain was rebuilt"


def test_sealing_again_adds_only_what_is_new(files):
    files, _ = files
    files.seal()
    files.audit.append("me", "did", "more")
    files.seal()
    assert files.review(HOUR).files == 6
    assert files.review(HOUR).problems == ()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("delete from audit_events where seq >= 3", "event 3 is in a file but not in the chain"),
        ("delete from audit_events where seq = 4", "the chain does not hold what checkpoint-0000000004.json signed"),
        ("update audit_events set actor = 'you' where seq = 2", "event 2 differs from its file"),
    ],
)  # fmt: skip
def test_a_chain_cut_or_changed_in_the_database_is_found(files, statement, problem):
    files, database = files
    files.seal()
    _run(database, statement)
    assert problem in files.review(HOUR).problems


def test_a_chain_rebuilt_whole_is_found(files):
    files, database = files
    files.seal()
    _run(database, "delete from audit_events")
    for number in range(4):
        files.audit.append("you", "did", str(number))
    assert "event 1 differs from its file" in files.review(HOUR).problems


def test_a_removed_file_and_a_forged_checkpoint_are_found(files):
    files, _ = files
    files.seal()
    (files.folder / "0000000002.json").unlink()
    forged = files.folder / "checkpoint-0000000004.json"
    forged.chmod(0o600)
    forged.write_text(forged.read_text().replace("payload", "payl0ad"), encoding="utf-8")
    problems = files.review(HOUR).problems
    assert "the file of event 2 is missing" in problems
    assert any(problem.startswith("checkpoint-0000000004.json was changed") for problem in problems)


def test_events_after_a_cut_never_overwrite_the_files_of_those_that_were_cut(files):
    files, database = files
    files.seal()
    before = (files.folder / "0000000003.json").read_bytes()
    _run(database, "delete from audit_events where seq >= 3")
    files.seal()
    assert (files.folder / "0000000003.json").read_bytes() == before
    assert "event 3 differs from its file" in files.review(HOUR).problems


@pytest.mark.feature("F447")
def test_a_silence_is_a_gap_unless_a_start_ends_it(files, clock):
    files, _ = files
    clock.minutes = 61
    files.audit.append("trimtab", "service.started", "service")
    assert files.review(HOUR).gaps == ()
    clock.minutes = 130
    files.audit.append("me", "did", "late")
    assert files.review(HOUR).gaps == ("nothing was recorded for 69 minutes before event 5",)


@pytest.mark.feature("F447")
@pytest.mark.parametrize(
    ("minutes", "gaps"),
    [(60, ()), (61, ("nothing was recorded for 61 minutes before event 4",))],
)
def test_a_silence_may_last_as_long_as_the_limit(files, clock, minutes, gaps):
    files, _ = files
    clock.minutes = minutes
    files.audit.append("me", "did", "late")
    assert files.review(HOUR).gaps == gaps


def test_an_event_that_was_chained_to_another_one_is_found(files):
    files, database = files
    event = files.audit.after(1)[0]
    fields = [str(event.seq), event.at, event.actor, event.action, event.subject, event.facts]
    other = "f" * 64
    digest = hashlib.sha256(json.dumps([*fields, other], separators=(",", ":")).encode())
    _run(
        database,
        f"update audit_events set previous_hash = '{other}', hash = '{digest.hexdigest()}' where seq = 2",
    )
    assert files.audit.verify().problems == (
        "event 2 does not follow event 1",
        "event 3 does not follow event 2",
    )


def test_each_seal_is_an_event_of_its_name(files):
    files, _ = files
    assert (files.seal().action, files.seal().seq) == ("audit.sealed", 5)


def test_an_empty_chain_holds_no_anchored_head():
    (problem,) = missing_anchors({}, [AnchoredHead(1, "0" * 64)])
    assert problem.startswith("the chain ends at event 0, but event 1 was anchored")


@pytest.mark.durable
def test_each_file_is_on_the_disk_before_it_gets_its_name(files, monkeypatch):
    files, _ = files
    real, synced = os.fsync, []

    def fsync(handle):
        assert os.fstat(handle).st_size > 0
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    files.seal()
    written = {f"{path.stem}.new" for path in files.folder.iterdir()}
    assert written <= set(synced)


def test_a_chain_that_was_not_sealed_yet_misses_no_file(files):
    files, _ = files
    assert files.review(HOUR).problems == ()


def test_a_half_written_file_of_a_seal_that_was_killed_does_not_stop_the_next(files):
    files, _ = files
    files.folder.mkdir(parents=True)
    (files.folder / "0000000002.new").write_bytes(b"half")
    files.seal()
    assert files.review(HOUR).problems == ()
    assert list(files.folder.glob("*.new")) == []


def test_only_its_user_can_open_the_folder_whatever_the_umask(files):
    files, _ = files
    before = os.umask(0)
    try:
        files.seal()
    finally:
        os.umask(before)
    assert files.folder.stat().st_mode & 0o777 == 0o700


def test_a_checkpoint_of_a_chain_that_was_cut_is_never_overwritten(files):
    files, database = files
    files.seal()
    signed = (files.folder / "checkpoint-0000000004.json").read_bytes()
    _run(database, "delete from audit_events where seq > 2")
    _remove("0000000003.json", "0000000004.json")(files.folder)
    files.audit.append("you", "did", "something else")
    assert files.seal().seq == 4
    assert (files.folder / "checkpoint-0000000004.json").read_bytes() == signed
    problem = "the chain does not hold what checkpoint-0000000004.json signed"
    assert problem in files.review(HOUR).problems
