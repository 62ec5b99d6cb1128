import base64
import json

import pytest
import sqlalchemy as sa

from trimtab.infra.signing import KEY_FILE, Signer, open_envelope
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.errors import Corrupt
from trimtab.privacy.pseudonyms import Subjects

KIND = "application/vnd.example+json"


@pytest.fixture
def directory(tmp_path):
    with DataDirectory(tmp_path / "data") as directory:
        yield directory


@pytest.fixture
def subjects(databases, directory):
    database = databases.at(directory.file("state.db"), ("state",))
    return Subjects.of(database, SystemClock(), directory)


def test_a_signed_statement_comes_back(directory):
    signer = Signer.of(directory)
    assert open_envelope(signer.sign(KIND, {"a": 1}), signer.public_pem, KIND) == {"a": 1}


def test_the_signing_key_outlives_the_process_and_is_for_its_user_only(directory):
    assert Signer.of(directory).public_pem == Signer.of(directory).public_pem
    assert directory.file(KEY_FILE).stat().st_mode & 0o077 == 0


def test_a_damaged_signing_key_is_refused(directory):
    directory.keep_secret(KEY_FILE, b"nonsense")
    with pytest.raises(Corrupt, match=KEY_FILE):
        Signer.of(directory)


@pytest.mark.parametrize(
    "change",
    [
        {"payload": base64.b64encode(b'{"a":2}').decode()},
        {"payloadType": "application/vnd.other+json"},
        {"signatures": []},
        {"signatures": [{"keyid": "x", "sig": base64.b64encode(b"x" * 64).decode()}]},
        {"payload": "%"},
    ],
)
def test_a_changed_envelope_is_refused(directory, change):
    signer = Signer.of(directory)
    with pytest.raises(Corrupt):
        open_envelope({**signer.sign(KIND, {"a": 1}), **change}, signer.public_pem, KIND)


def test_another_keys_signature_is_refused(directory, tmp_path):
    with DataDirectory(tmp_path / "other") as other:
        foreign = Signer.of(other).sign(KIND, {"a": 1})
    with pytest.raises(Corrupt):
        open_envelope(foreign, Signer.of(directory).public_pem, KIND)


def test_a_pseudonym_stays_the_same_and_differs_between_people(subjects):
    assert subjects.pseudonym("ann") == subjects.pseudonym("ann") != subjects.pseudonym("bob")
    assert "ann" not in subjects.pseudonym("ann")


def test_a_shredded_pseudonym_cannot_be_made_again(subjects):
    before = subjects.pseudonym("ann")
    assert subjects.shred("ann")
    assert subjects.pseudonym("ann") != before


def test_shredding_twice_says_that_nothing_was_left(subjects):
    subjects.pseudonym("ann")
    assert [subjects.shred("ann"), subjects.shred("ann")] == [True, False]


@pytest.mark.on_files
def test_a_shredded_secret_is_in_no_byte_of_the_data_directory(subjects):
    subjects.pseudonym("ann")
    with subjects.database.read() as connection:
        secret = connection.scalar(sa.text("select secret from subject_keys"))
    subjects.shred("ann")
    subjects.database.scrub()
    files = subjects.database.file.parent.glob("*")
    assert not any(secret in file.read_bytes() for file in files)


@pytest.mark.on_files
def test_the_user_id_itself_is_never_stored(subjects):
    subjects.pseudonym("ann.lovelace@example.org")
    subjects.database.scrub()
    assert b"ann.lovelace" not in subjects.database.file.read_bytes()
    assert json.dumps(subjects.pseudonym("x")).startswith('"subject_')
