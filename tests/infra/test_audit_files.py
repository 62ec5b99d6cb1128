from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from trimtab.infra.audit import Audit
from trimtab.infra.audit_files import STARTED, AuditFiles
from trimtab.infra.signing import Signer
from trimtab.infra.storage import Database, DataDirectory

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
def files(tmp_path, clock):
    with DataDirectory(tmp_path / "data") as directory:
        database = Database(directory.file("state.db"), ("state",))
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
    files.audit.append("trimtab", STARTED, "service")
    assert files.review(HOUR).gaps == ()
    clock.minutes = 130
    files.audit.append("me", "did", "late")
    assert files.review(HOUR).gaps == ("nothing was recorded for 69 minutes before event 5",)
