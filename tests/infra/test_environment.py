"""The environment opens the data directory once, and closes what it opened when it cannot go further."""

from contextlib import ExitStack

import pytest

from trimtab.infra.environment import open_environment
from trimtab.infra.settings import load
from trimtab.infra.storage.errors import DataDirectoryInUse
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import Corrupt


def opened(folder, closing):
    settings = load(flags={"service.data_dir": str(folder)}, environment={})
    return open_environment(settings, SystemClock(), closing)


def test_the_first_start_makes_an_admin_key_and_a_later_one_does_not(tmp_path):
    with ExitStack() as closing:
        first = opened(tmp_path, closing).first_key
        assert first is not None
        assert first.exists()
    with ExitStack() as closing:
        assert opened(tmp_path, closing).first_key is None


def test_the_directory_is_held_until_the_environment_is_closed(tmp_path):
    with ExitStack() as closing:
        opened(tmp_path, closing)
        with ExitStack() as second, pytest.raises(DataDirectoryInUse):
            opened(tmp_path, second)


def test_an_environment_that_cannot_be_opened_lets_go_of_the_directory(tmp_path):
    with ExitStack() as closing:
        environment = opened(tmp_path, closing)
        key = environment.directory.file("signing.key")
    good = key.read_bytes()
    key.write_bytes(b"not a key")
    with pytest.raises(Corrupt), ExitStack() as closing:
        opened(tmp_path, closing)
    key.write_bytes(good)
    with ExitStack() as closing:
        opened(tmp_path, closing)
