"""A person's data is erased from every domain, at whatever step the process is killed."""

import logging
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.personal import (
    FOUND_BY,
    OTHER,
    PERSON,
    PROJECT,
    SECRET,
    STEPS,
    build_app,
    erase_and_die,
    killed_and_finished,
    plant,
    remains,
)
from trimtab.infra.jobs.opening import JobsNotOpen
from trimtab.infra.telemetry import LogFiles
from trimtab.infra.telemetry.log_files import RotatingLog
from trimtab.infra.telemetry.logs import JsonFormatter
from trimtab.kernel.erasable_cache import erasable_lru_cache
from trimtab.privacy.erasure import ErasureState
from trimtab.privacy.erasure.certificate import verify_certificate


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A data directory with things of two people in it."""
    folder = tmp_path_factory.mktemp("planted") / "data"
    app = build_app(folder)
    plant(app)
    app.close()
    return folder


@pytest.fixture
def folder(planted, tmp_path):
    return shutil.copytree(planted, tmp_path / "data")


def test_the_planted_data_is_where_the_search_looks(folder):
    assert {"knowledge.db", "state.db"} <= set(remains(folder, PERSON, SECRET))


@pytest.mark.feature("F477", "F478")
def test_nothing_of_an_erased_person_is_left_in_any_file_and_the_certificate_tells_each_step(
    folder,
):
    app = build_app(folder)
    try:
        app.jobs.launch()
        erasure = app.erasures.wait(app.erasures.request(PERSON, actor="a").id)
        trust = app.erasures._evidence
        statement = verify_certificate(erasure.certificate, trust.signer.public_pem)
        ours = app.knowledge.documents.list("people")
        assert app.knowledge.verify_deletions().violations == ()
    finally:
        app.close()
    assert erasure.state is ErasureState.DONE
    steps = {step["name"]: step for step in statement["steps"]}
    assert {name for name, step in steps.items() if step["found"] and not step["remaining"]} >= FOUND_BY  # fmt: skip
    assert {step["remaining"] for step in steps.values()} == {0}
    assert remains(folder, PERSON, SECRET) == []
    assert {document.name for document in ours} == {"harmless.md", "late-harmless.txt"}
    assert OTHER in (folder / "state.db").read_bytes().decode("latin-1")


def test_an_erasure_forgets_the_words_that_functions_keep_in_memory(folder):
    made = []

    @erasable_lru_cache(10)
    def read(text):
        made.append(text)

    app = build_app(folder)
    try:
        app.jobs.launch()
        read(SECRET)
        app.erasures.wait(app.erasures.request(PERSON, actor="a").id)
        read(SECRET)
    finally:
        app.close()
    assert made == [SECRET, SECRET]


def test_the_certificate_says_since_when_no_backup_holds_the_data(folder):
    app = build_app(folder)
    try:
        app.jobs.launch()
        erasure = app.erasures.wait(app.erasures.request(PERSON, actor="a").id)
        signer = app.erasures._evidence.signer
        backups = verify_certificate(erasure.certificate, signer.public_pem)["backups"]
    finally:
        app.close()
    assert backups["gone_by"] == erasure.finished_at
    assert "restore" in backups["policy"]


def test_a_restored_backup_does_not_bring_an_erased_persons_documents_back(folder):
    app = build_app(folder)
    try:
        app.knowledge.maintenance.backup()
        app.jobs.launch()
        app.erasures.wait(app.erasures.request(PERSON, actor="a").id)
        app.knowledge.maintenance.restore()
        names = {document.name for document in app.knowledge.documents.list("people")}
    finally:
        app.close()
    assert names == {"harmless.md", "late-harmless.txt"}


@pytest.fixture
def copied(folder):
    """Copies of every kind from before the erasure: backup, set-aside files, cut-off files, a snapshot, a hidden one."""
    app = build_app(folder)
    try:
        backup = app.knowledge.maintenance.backup().path
        app.knowledge.indexes.save(rest_seconds=0)
    finally:
        app.close()
    outside = folder.parent / backup.name
    shutil.copy(backup, outside)
    for name in ("corrupted_20260101_000000.db", "corrupted_20260101_000000_jobs.db"):
        shutil.copy(backup, folder / name)
    for name in ("knowledge.db.restoring", "knowledge.db.before-drill"):
        shutil.copy(backup, folder / name)
    shutil.copy(backup, backup.with_name(f"{backup.name}.partial"))
    (folder / "snapshots").mkdir(exist_ok=True)
    shutil.copy(backup, folder / "snapshots" / "daily_20260101.tar")
    return outside


def erased(app):
    app.jobs.launch()
    erasure = app.erasures.wait(app.erasures.request(PERSON, actor="a").id)
    statement = verify_certificate(erasure.certificate, app.erasures._evidence.signer.public_pem)
    return {step["name"]: step for step in statement["steps"]}["knowledge.copies"]


def test_no_byte_of_an_erased_person_is_left_in_any_copy_also_after_a_restore(folder, copied):
    assert len(remains(folder, SECRET)) >= 8
    app = build_app(folder)
    try:
        step = erased(app)
        assert remains(folder / "backups", PERSON, SECRET) == []
        app.knowledge.maintenance.restore()
        names = {document.name for document in app.knowledge.documents.list("people")}
        assert app.knowledge.verify_deletions().violations == ()
    finally:
        app.close()
    assert (step["found"] >= 4, step["remaining"]) == (True, 0)
    assert remains(folder, PERSON, SECRET) == []
    assert names == {"harmless.md", "late-harmless.txt"}


def test_a_backup_that_was_taken_elsewhere_does_not_bring_an_erased_person_back(folder, copied):
    app = build_app(folder)
    try:
        erased(app)
        back = shutil.copy(copied, folder / "backups" / "knowledge.db.20250101_000000")
        app.knowledge.maintenance.restore("knowledge.db.20250101_000000")
        names = {document.name for document in app.knowledge.documents.list("people")}
    finally:
        app.close()
    Path(back).unlink()
    assert names == {"harmless.md", "late-harmless.txt"}
    assert remains(folder, PERSON, SECRET) == []


def test_a_damaged_backup_that_cannot_be_rewritten_goes_with_the_erasure(folder, copied):
    (backup,) = (folder / "backups").glob("knowledge.db.2???????_??????")
    with backup.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * 4096)
    app = build_app(folder)
    try:
        erased(app)
    finally:
        app.close()
    assert remains(folder, PERSON, SECRET) == []


def test_every_registered_step_is_one_at_which_the_torture_kills(folder):
    app = build_app(folder)
    try:
        assert tuple(app.erasures._steps) == STEPS
    finally:
        app.close()


# `make torture-answers` kills at every place.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("die_at", ["after answers.quotes", "after knowledge.documents"])
def test_an_erasure_of_the_whole_app_killed_at_a_step_finishes_after_restart(folder, die_at):
    assert killed_and_finished(folder, die_at) == []


def test_the_program_that_dies_erases_everything_when_it_is_not_killed(folder, monkeypatch):
    monkeypatch.setattr("os.kill", lambda *_: None)
    erase_and_die(folder, "before notify.outbox")
    assert remains(folder, PERSON, SECRET) == []


def test_a_service_starts_and_finishes_an_erasure_whose_job_was_never_begun(folder):
    app = build_app(folder)
    try:
        with pytest.raises(
            JobsNotOpen
        ):  # As a crash between the note of the request and its job leaves it.
            app.erasures.request(PERSON, actor="a")
        (erasure_id,) = app.erasures.in_state(ErasureState.RUNNING)
    finally:
        app.close()
    app = build_app(folder)
    try:
        app.start(handbook=False)
        deadline = time.monotonic() + 60
        while app.erasures.in_state(ErasureState.RUNNING) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert app.erasures.find(erasure_id).state is ErasureState.DONE
    finally:
        app.close()


def test_the_log_that_is_kept_by_default_names_no_erased_person(tmp_path):
    folder = tmp_path / "data"
    app = build_app(folder)
    try:
        with written_log(folder):
            plant(app)
            erased(app)
    finally:
        app.close()
    assert any(file.stat().st_size for file in (folder / "logs").iterdir())
    assert remains(folder, PERSON, SECRET) == []


def test_an_erasure_takes_the_texts_of_queries_out_of_the_logs_and_says_so(tmp_path):
    folder = tmp_path / "data"
    app = build_app(folder, log_queries="true")
    try:
        with written_log(folder, queries=True) as log:
            plant(app)
            log.begin_new_file()
            app.knowledge.search(PROJECT, SECRET)
            held = (folder / "logs" / "trimtab.log").read_text()
            app.jobs.launch()
            erasure = app.erasures.wait(app.erasures.request(PERSON, actor="a").id)
        signer = app.erasures._evidence.signer
        statement = verify_certificate(erasure.certificate, signer.public_pem)
    finally:
        app.close()
    assert SECRET in held
    assert remains(folder, PERSON, SECRET) == []
    assert "every log file in the data directory" in statement["logs"]["policy"]
    assert "logs.queries" in {step["name"] for step in statement["steps"]}


@contextmanager
def written_log(folder, **form):
    """Write the log to files for a while, as a service does."""
    log = RotatingLog(LogFiles(folder / "logs", megabytes=1, most=2))
    log.setFormatter(JsonFormatter(**form))
    root = logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel("INFO")
    try:
        yield log
    finally:
        root.removeHandler(log)
        root.setLevel(level)
        log.close()
