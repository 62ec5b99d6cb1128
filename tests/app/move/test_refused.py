"""A move that cannot be made is refused with the reason, and changes nothing."""

import psycopg
import pytest

from tests.app.move.conftest import move_to, settings_of
from tests.app.move.test_killed import events
from tests.full_disk import fill, small_file_system
from trimtab.app.move import to_sqlite
from trimtab.app.move.errors import ProofFailed, RelocationRefused
from trimtab.app.move.server import require_free
from trimtab.infra.storage import DatabaseUnsafe, DataDirectory, DataDirectoryInUse
from trimtab.kernel.errors import StorageFull, Unavailable

pytestmark = pytest.mark.timeout(300)


def test_a_running_service_is_not_moved(folder, server):
    with DataDirectory(folder), pytest.raises(DataDirectoryInUse, match="in use"):
        move_to(server.url, folder)


def test_a_text_with_nul_is_named_and_moves_without_it(folder, server):
    with closing_environment(folder) as env, env.state.write() as connection:
        connection.exec_driver_sql("UPDATE answer_feedback SET comment = 'a' || char(0) || 'b'")
    with pytest.raises(
        RelocationRefused, match=r"answer_feedback.*comment: the text has a NUL"
    ) as found:
        move_to(server.url, folder)
    assert "--strip-nul" in found.value.hint()
    assert move_to(server.url, folder, strip_nul=True).changed_texts == 2
    with server.direct() as connection:
        comments = connection.execute(
            "SELECT DISTINCT comment FROM answers.answer_feedback"
        ).fetchall()
    assert comments == [("ab",)]


def closing_environment(folder):
    from contextlib import ExitStack, contextmanager

    from trimtab.infra.environment import open_environment
    from trimtab.kernel.clock import SystemClock

    @contextmanager
    def opened():
        with ExitStack() as stack:
            yield open_environment(settings_of(folder), SystemClock(), stack)

    return opened()


def test_a_database_of_another_program_is_not_touched(folder, server):
    with server.direct() as connection:
        connection.execute("CREATE SCHEMA models")
        connection.execute("CREATE TABLE models.theirs AS SELECT 1 AS one")
    with pytest.raises(RelocationRefused, match="has a schema models already"):
        move_to(server.url, folder)
    with server.direct() as connection:
        assert connection.execute("SELECT one FROM models.theirs").fetchone() == (1,)


def test_a_database_with_another_installation_is_not_touched(folder, server, tmp_path):
    other = events(tmp_path / "other", server.url)
    with pytest.raises(RelocationRefused, match="holds an installation already"):
        move_to(server.url, folder)
    assert events(tmp_path / "other", server.url) == other


def test_an_unsafe_server_is_refused(folder, server):
    settings = settings_of(folder)
    from dataclasses import replace

    from trimtab.app.move import MoveContext, move
    from trimtab.kernel.clock import SystemClock

    safe = replace(settings, service=replace(settings.service, allow_unsafe_database=False))
    with pytest.raises(DatabaseUnsafe, match="fsync"):
        move(MoveContext(safe, SystemClock(), lambda *_: None), server.url)


def test_a_wrong_database_is_a_clear_error_without_the_password(folder, server):
    url = server.url.replace("/test_", "/absent_").replace("postgres@", "postgres:hunter2@")
    with pytest.raises(Unavailable) as refused:
        move_to(url, folder)
    assert "hunter2" not in f"{refused.value.message} {refused.value.hint()}"


def test_processes_on_the_database_are_named(folder, server):
    move_to(server.url, folder)
    with (
        psycopg.connect(server.url, application_name="trimtab"),
        pytest.raises(RelocationRefused, match="Processes of trimtab use this database"),
    ):
        move_to("sqlite:", folder, server.url)
    move_to("sqlite:", folder, server.url)


def test_a_process_that_started_while_the_data_was_read_ends_the_move_back(folder, server):
    move_to(server.url, folder)
    opened = []

    def start_one(step, *_):
        if step == "look" and not opened:
            opened.append(psycopg.connect(server.url, application_name="trimtab"))

    with pytest.raises(RelocationRefused, match="Processes of trimtab use this database"):
        move_to("sqlite:", folder, server.url, progress=start_one)
    opened[0].close()
    assert move_to("sqlite:", folder, server.url).rows


def test_what_another_installation_left_proven_from_the_same_path_is_not_touched(folder, server):
    move_to(server.url, folder)
    with server.direct() as connection:
        connection.execute("UPDATE installation.installation SET state = 'proven'")
    assert require_free(server, own_id(server), str(folder))
    with pytest.raises(RelocationRefused, match="holds an installation already"):
        require_free(server, "another", str(folder))


def own_id(server):
    with server.direct() as connection:
        return connection.execute("SELECT id FROM installation.installation").fetchone()[0]


def test_a_row_that_changed_on_the_way_is_found_and_the_source_stays(folder, server):
    before = events(folder)

    def tamper(step, table, *_):
        if (step, table) == ("search", "people"):
            return
        if step == "copy" and table == "full text":
            with server.direct() as connection:
                connection.execute("UPDATE answers.answer_feedback SET comment = 'other'")

    with pytest.raises(ProofFailed, match="answer_feedback differs"):
        move_to(server.url, folder, progress=tamper)
    assert events(folder) == before
    assert schemas(server) == 0


def test_ctrl_c_leaves_the_source_and_an_empty_target(folder, server):
    before = events(folder)

    def interrupt(step, *_):
        if step == "check":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_to(server.url, folder, progress=interrupt)
    assert events(folder) == before
    assert schemas(server) == 0


def schemas(server):
    with server.direct() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname = 'state'"
        ).fetchone()
    return row[0]


def test_the_way_back_needs_room(folder, server, tmp_path, monkeypatch):
    move_to(server.url, folder)
    before = events(folder, server.url)
    with small_file_system(tmp_path / "small", 24) as small:
        for name in ("signing.key", "signing.key.sum", "subjects.key", "subjects.key.sum"):
            (small / name).write_bytes((folder / name).read_bytes())
        with pytest.raises(StorageFull, match="MB left"):
            move_to("sqlite:", small, server.url)
        # The check of the room is passed, and the disk is full in the middle.
        monkeypatch.setattr(to_sqlite, "_SPARE_BYTES", -(10**12))

        def full(step, *_):
            if step == "copy":
                fill(small)

        with pytest.raises(StorageFull):
            move_to("sqlite:", small, server.url, progress=full)
        assert not (small / "moving").exists()
    assert events(folder, server.url) == before
