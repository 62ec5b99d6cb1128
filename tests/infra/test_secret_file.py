"""A secret is the one that was made, or it is said that it is not."""

import pytest

from trimtab.infra.storage import DataDirectory
from trimtab.infra.storage.secret_file import secret_of
from trimtab.kernel.errors import Corrupt


@pytest.fixture
def directory(tmp_path):
    with DataDirectory(tmp_path / "data") as held:
        yield held


def secret(directory, made=b"the first secret", **options):
    return secret_of(directory, "own.key", lambda: made, **options)


def test_a_secret_is_made_once(directory):
    assert secret(directory) == secret(directory, b"another") == b"the first secret"


def test_a_secret_of_an_earlier_release_gets_its_sum(directory):
    directory.keep_secret("own.key", b"from before")
    assert secret(directory) == b"from before"
    assert directory.file("own.key.sum").exists()


@pytest.mark.parametrize("at", range(16))
def test_a_changed_byte_is_put_right(directory, at):
    first = secret(directory)
    changed = bytearray(first)
    changed[at] ^= 0x40
    directory.file("own.key").write_bytes(changed)
    assert secret(directory, without_it="Nothing works.") == first
    assert directory.file("own.key").read_bytes() == first


@pytest.mark.parametrize("at", range(17))
def test_a_changed_sum_changes_no_secret(directory, at):
    first = secret(directory)
    file = directory.file("own.key.sum")
    line = bytearray(file.read_bytes())
    whole = bytes(line)
    line[at] ^= 0x01
    file.write_bytes(line)
    assert secret(directory, b"another") == first
    assert file.read_bytes().strip() == whole.strip()


@pytest.mark.parametrize("left", [None, b"", b"the fi", b"something else!!"])
def test_a_secret_that_is_gone_is_refused_or_made_anew(directory, left):
    secret(directory)
    file = directory.file("own.key")
    file.unlink()
    if left is not None:
        file.write_bytes(left)
    with pytest.raises(Corrupt, match=r"own\.key") as caught:
        secret(directory, without_it="Nothing can be opened.")
    assert "Nothing can be opened." in caught.value.hint()
    assert secret(directory, b"another") == b"another"
    assert secret(directory) == b"another"
