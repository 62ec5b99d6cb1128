"""Log lines for a person at a terminal; files and pipes keep JSON."""

import io
import json
import logging

import pytest

from trimtab.infra.telemetry import LogFiles, configure_logs


@pytest.fixture
def root():
    logger = logging.getLogger()
    before, level = logger.handlers[:], logger.level
    yield logger
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:] = before
    logger.setLevel(level)


def test_a_person_reads_a_short_line_and_the_file_has_json(root, tmp_path):
    shown = io.StringIO()
    configure_logs("INFO", shown, LogFiles(tmp_path, 1, 2, 24), human=True)
    logging.getLogger("trimtab.x").info("handbook ready", extra={"documents": 98, "empty": ""})
    logging.getLogger("trimtab.x").warning("slow", extra={"api_key": "tt_abcdefghijkl"})
    info, warning = shown.getvalue().splitlines()
    assert info[8:].split() == ["handbook", "ready", "documents=98"]
    assert warning[8:].split() == ["warning", "slow", "api_key=[redacted]"]
    [file] = tmp_path.iterdir()
    first, _ = file.read_text().splitlines()
    assert json.loads(first)["documents"] == 98


def test_an_error_is_one_line_with_its_reason_and_without_credentials(root):
    shown = io.StringIO()
    configure_logs("INFO", shown, human=True)
    try:
        raise ValueError("no\naccess to http://user:secret@host")
    except ValueError:
        logging.getLogger("trimtab.x").exception("task failed")
    [line] = shown.getvalue().splitlines()
    assert "task failed  ValueError: no access to" in line
    assert "secret" not in line
    assert "Traceback" not in line


def test_a_pipe_gets_json(root):
    shown = io.StringIO()
    configure_logs("INFO", shown)
    logging.getLogger("trimtab.x").info("ready")
    assert json.loads(shown.getvalue())["message"] == "ready"
