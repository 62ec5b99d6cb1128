"""The texts of queries leave the log files; everything else stays."""

import gzip
import json
import logging

import pytest

from trimtab.infra.telemetry import LogFiles
from trimtab.infra.telemetry.log_files import RotatingLog
from trimtab.infra.telemetry.query_texts import QueryTextsKept, forget_queries


def line(query, **fields):
    return json.dumps({"message": "query", "query": query, **fields}, separators=(",", ":")) + "\n"


LINES = line("who is ann", n=1) + line("", n=2) + '{"message":"query","n":3}\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "trimtab-1.log").write_text(LINES)
    (tmp_path / "trimtab-0.log.gz").write_bytes(gzip.compress(LINES.encode()))
    (tmp_path / "trimtab-2.log").write_text(line("", n=4))
    (tmp_path / "trimtab.log").write_text(LINES)
    return tmp_path


def parsed(raw):
    return [json.loads(each) for each in raw.splitlines()]


def test_texts_go_from_plain_compressed_and_last_files_and_the_lines_stay(folder):
    untouched = (folder / "trimtab-2.log").stat()
    assert forget_queries(folder) == 3
    packed = gzip.decompress((folder / "trimtab-0.log.gz").read_bytes())
    raws = ((folder / "trimtab-1.log").read_bytes(), packed, (folder / "trimtab.log").read_bytes())
    for raw in raws:
        assert b"ann" not in raw
        assert [each["n"] for each in parsed(raw)] == [1, 2, 3]
        assert [each.get("query") for each in parsed(raw)] == ["", "", None]
    assert (folder / "trimtab-2.log").stat().st_ino == untouched.st_ino
    assert forget_queries(folder) == 0
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]


def test_a_line_that_is_cut_off_goes_whole(folder):
    (folder / "trimtab-3.log").write_text(LINES + line("who is ann")[:-8])
    forget_queries(folder)
    assert parsed((folder / "trimtab-3.log").read_bytes())[-1]["n"] == 3


def test_the_file_that_is_written_to_is_closed_first(tmp_path):
    log = RotatingLog(LogFiles(tmp_path, megabytes=1, most=4))
    logging.getLogger().addHandler(log)
    try:
        log.emit(logging.makeLogRecord({"msg": line("who is ann").strip()}))
        assert forget_queries(tmp_path) == 1
        log.emit(logging.makeLogRecord({"msg": line("asked later").strip()}))
    finally:
        logging.getLogger().removeHandler(log)
        log.close()
    assert "asked later" in (tmp_path / "trimtab.log").read_text()
    packed = [gzip.decompress(file.read_bytes()) for file in tmp_path.glob("*.gz")]
    assert packed
    assert not any(b"ann" in raw for raw in packed)


def test_a_file_that_something_else_writes_again_is_no_success(folder, monkeypatch):
    monkeypatch.setattr("trimtab.infra.telemetry.query_texts._rewrite", lambda file: None)
    with pytest.raises(QueryTextsKept, match="still holds"):
        forget_queries(folder)
