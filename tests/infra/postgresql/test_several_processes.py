"""What processes on one database share: a data directory or its secrets, the audit chain."""

from datetime import timedelta

import pytest

from trimtab.infra.audit import Audit
from trimtab.infra.auth import Keys
from trimtab.infra.control_socket import control_path
from trimtab.infra.key_bootstrap import make_first_key
from trimtab.infra.signing import Signer
from trimtab.infra.storage import DataDirectory, DataDirectoryInUse, SecretDiffers
from trimtab.infra.storage.secret_registry import SecretRegistry
from trimtab.testing.clock import FakeClock


@pytest.fixture
def state(postgres):
    return postgres.open(("state",))


@pytest.fixture
def directory_of(tmp_path, state):
    """Return a function that opens a data directory of a process on the database."""
    opened = []

    def open_directory(name):
        made = DataDirectory(tmp_path / name, shared=True)
        made.secrets = SecretRegistry(state)
        opened.append(made)
        return made

    yield open_directory
    for each in opened:
        each.close()


def test_two_processes_share_a_data_directory_and_the_second_has_a_socket_of_its_own(directory_of):
    first, second = directory_of("data"), directory_of("data")
    assert Signer.of(first).public_pem == Signer.of(second).public_pem
    assert first.suffix == ""
    assert control_path(first.path, first.suffix) != control_path(second.path, second.suffix)


def test_a_process_on_sqlite_does_not_share_the_directory_of_others(directory_of, tmp_path):
    directory_of("data")
    with pytest.raises(DataDirectoryInUse):
        DataDirectory(tmp_path / "data")


def test_a_directory_of_its_own_without_the_secrets_is_refused_with_what_to_copy(directory_of):
    Signer.of(directory_of("first"))
    with pytest.raises(SecretDiffers, match=r"no signing\.key") as caught:
        Signer.of(directory_of("second"))
    assert "Copy signing.key" in caught.value.hint()


def test_a_directory_of_its_own_with_copied_secrets_signs_with_the_same_key(directory_of):
    first, second = directory_of("first"), directory_of("second")
    signer = Signer.of(first)
    for name in ("signing.key", "signing.key.sum"):
        second.file(name).write_bytes(first.file(name).read_bytes())
    assert Signer.of(second).public_pem == signer.public_pem


def test_the_secret_of_another_installation_is_refused(directory_of, tmp_path):
    Signer.of(directory_of("first"))
    with DataDirectory(tmp_path / "other") as other:
        Signer.of(other)
    with pytest.raises(SecretDiffers, match=r"signing\.key is not the one"):
        Signer.of(directory_of("other"))


def test_the_second_process_makes_no_first_key(state, directory_of):
    keys = Keys(state, FakeClock(), Audit(state, FakeClock()))
    assert make_first_key(keys, directory_of("first")) is not None
    assert make_first_key(keys, directory_of("second")) is None


def test_the_times_of_the_audit_chain_never_go_back_although_a_clock_is_ahead(state):
    clock = FakeClock()
    ahead = FakeClock(clock.now() + timedelta(minutes=5))
    first = Audit(state, ahead).append("a", "b", "c")
    assert Audit(state, clock).append("a", "b", "c").at == first.at
    assert Audit(state, clock).verify().problems == ()
