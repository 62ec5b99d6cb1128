"""A disk that is really full: every write is refused, counted and told, and nothing that was there is lost."""

import logging
import os
import sqlite3
import subprocess

import pytest

from tests.knowledge.conftest import WordModelHome
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.infra.telemetry import LogTally
from trimtab.kernel.errors import StorageFull
from trimtab.kernel.events import Events
from trimtab.kernel.health import Health
from trimtab.knowledge import Knowledge, Surroundings


@pytest.fixture
def small(tmp_path, clock):
    """Open knowledge on a disk of 30 MB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(mount)], check=False
    )
    if done.returncode != 0:
        pytest.skip("this user may not mount a small disk")
    try:
        yield from _opened(mount, clock)
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def _opened(mount, clock):
    data = DataDirectory(mount / "data")
    around = Surroundings(clock, Events(), Health(clock))
    knowledge = Knowledge(data, KnowledgeSettings(), around, WordModelHome(mount / "model"))
    knowledge.encoder.install_and_load()
    knowledge.ingest_text("sea", "whales.md", "Whales sing.")
    yield knowledge
    (data.path / "ballast").unlink(missing_ok=True)
    knowledge.close()
    data.close()


def fill(knowledge):
    with (knowledge.database.file.parent / "ballast").open("wb") as file:
        try:
            while True:
                file.write(os.urandom(65536))
                file.flush()
        except OSError:
            return


@pytest.mark.feature("F625")
def test_failed_writes_and_backups_are_refused_counted_and_recognised(small):
    tally = LogTally()
    logging.getLogger("trimtab").addHandler(tally)
    fill(small)
    with pytest.raises(StorageFull) as refused:
        small.ingest_text("sea", "eels.md", "Eels glow. " * 20_000)
    logging.getLogger("trimtab").error("ingestion failed", exc_info=refused.value)
    with pytest.raises((StorageFull, OSError, sqlite3.Error), match=r"full|No space"):
        small.care.backup()
    logging.getLogger("trimtab").removeHandler(tally)
    assert small.error_rate() > 0
    assert tally.symptoms()["disk_full"] == 1
    assert small.search("sea", "whales").passages[0].document_name == "whales.md"
