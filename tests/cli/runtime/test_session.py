"""Which local service a command reaches."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from trimtab.cli.runtime.session import AnotherUsersService, Session
from trimtab.infra.control_socket import bind_control, control_path
from trimtab.infra.running import registered

ROOT = 0
OWNER = os.getuid() or 1001
OTHER = OWNER + 1


@pytest.fixture
def folder(tmp_path_factory, monkeypatch):
    """Return a working folder without a service; its path is short enough for a socket in it."""
    made = tmp_path_factory.mktemp("s")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv("TRIMTAB_SERVICE_DATA_DIR", raising=False)
    monkeypatch.chdir(made)
    return made


def session(**flags):
    return Session(config=None, flags=flags, url="", api_key="", json=False)


def listening(data_dir):
    data_dir.mkdir()
    return closing(bind_control(data_dir))


@pytest.fixture
def elsewhere(tmp_path, folder):
    """Run the only service of this user in another folder."""
    data_dir = tmp_path / "elsewhere"
    with listening(data_dir), registered(data_dir):
        yield data_dir


def test_the_only_service_is_reached_when_no_data_directory_is_meant(elsewhere):
    assert session().running_directory() == elsewhere


def test_a_named_data_directory_is_meant_also_when_it_is_the_default(
    elsewhere, folder, monkeypatch
):
    assert session(**{"service.data_dir": "data"}).running_directory() is None
    monkeypatch.setenv("TRIMTAB_SERVICE_DATA_DIR", "data")
    assert session().running_directory() is None
    monkeypatch.delenv("TRIMTAB_SERVICE_DATA_DIR")
    (folder / "trimtab.toml").write_text('[service]\ndata_dir = "data"\n')
    assert session().running_directory() is None
    (folder / "trimtab.toml").write_text("[service]\nport = 9000\n")
    assert session().running_directory() == elsewhere


def test_a_data_directory_in_the_folder_is_meant_before_a_service_elsewhere(elsewhere, folder):
    (folder / "data").mkdir()
    assert session().running_directory() is None


@pytest.mark.parametrize(
    ("user", "is_named", "reached"),
    [(OWNER, False, True), (OWNER, True, True), (OTHER, False, False), (OTHER, True, False),
     (ROOT, False, False), (ROOT, True, True)],
)  # fmt: skip
def test_the_service_of_another_user_is_for_the_administrator_who_names_it(
    folder, monkeypatch, user, is_named, reached
):
    flags = {"service.data_dir": "data"} if is_named else {}
    with listening(folder / "data"):
        if os.getuid() == ROOT:
            os.chown(control_path(folder / "data"), OWNER, -1)
        monkeypatch.setattr("os.getuid", lambda: user)
        if reached:
            assert session(**flags).running_directory() == Path("data")
        else:
            with pytest.raises(AnotherUsersService, match="belongs to another user"):
                session(**flags).running_directory()
