"""Commands find the services of this user from any folder."""

from contextlib import closing

import pytest

from trimtab.infra.control_socket import bind_control, is_of_another_user
from trimtab.infra.running import register_folder, registered, running_services


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def listening(folder):
    folder.mkdir()
    return closing(bind_control(folder))


def test_a_service_is_listed_while_it_runs_and_answers(tmp_path, state):
    one, other = tmp_path / "one", tmp_path / "other"
    with listening(one), listening(other):
        with registered(one), registered(other):
            assert running_services() == [one, other]
        assert running_services() == []
    assert list(register_folder().iterdir()) == []


def test_a_service_that_was_killed_is_not_listed(tmp_path, state):
    folder = tmp_path / "killed"
    with registered(folder):
        with listening(folder):
            assert running_services() == [folder]
        assert running_services() == []


def test_a_relative_directory_is_found_from_another_folder(tmp_path, state, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with listening(tmp_path / "here"), registered(type(tmp_path)("here")):
        monkeypatch.chdir("/")
        assert running_services() == [tmp_path / "here"]


def test_the_service_of_another_user_is_not_listed(tmp_path, state, monkeypatch):
    folder = tmp_path / "theirs"
    with listening(folder), registered(folder):
        assert not is_of_another_user(folder)
        monkeypatch.setattr("os.getuid", lambda: folder.stat().st_uid + 1)
        assert is_of_another_user(folder)
        assert running_services() == []
    assert not is_of_another_user(folder / "nothing")


@pytest.mark.parametrize("damage", [b"", b"relative/path", b"\xff\xfe", b"/no/such\x00folder"])
def test_a_damaged_entry_is_ignored(tmp_path, state, damage):
    with listening(tmp_path / "good"), registered(tmp_path / "good"):
        (register_folder() / "damaged").write_bytes(damage)
        assert running_services() == [tmp_path / "good"]


def test_a_home_that_cannot_be_written_does_not_stop_the_service(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with registered(tmp_path):
        assert running_services() == []


def test_the_register_is_private(tmp_path, state):
    with registered(tmp_path / "one"):
        assert register_folder().stat().st_mode & 0o077 == 0
