"""The log of the last day is in files, however it was written, and can be read back."""

import gzip
import logging
import os
from datetime import UTC, datetime, timedelta

import pytest

from trimtab.infra.telemetry.log_files import LogFiles, RotatingLog, rotated
from trimtab.infra.telemetry.log_reader import LogFilter, Skipped, read_logs
from trimtab.infra.telemetry.logs import JsonFormatter

NOW = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    """A log of its own whose lines are of the hours that a test says."""
    handlers = []

    class Log:
        folder = tmp_path / "logs"

        def open(self, **given):
            handler = RotatingLog(LogFiles(self.folder, **{"megabytes": 1, "most": 2, **given}))
            handler.setFormatter(JsonFormatter())
            handlers.append(handler)
            return handler

        def write(
            self,
            handler,
            hours_ago,
            text,
            level="INFO",
            name="trimtab.knowledge.maintenance.service",
        ):
            record = logging.LogRecord(name, logging.getLevelName(level), "", 1, text, None, None)
            record.created = (NOW - timedelta(hours=hours_ago)).timestamp()
            handler.handle(record)
            os.utime(self.folder / "trimtab.log", (record.created, record.created))

        def read(self, hours, **given):
            skipped = Skipped()
            wanted = LogFilter(NOW - timedelta(hours=hours), **given)
            return [line["message"] for line in read_logs(self.folder, wanted, skipped)], skipped

    yield Log()
    for handler in handlers:
        handler.close()


@pytest.mark.feature("F414")
def test_all_lines_of_the_last_24_hours_are_there_and_much_older_files_go(log):
    handler = log.open()
    for hour in range(100, -1, -1):
        log.write(handler, hour, f"{hour} hours ago")
    handler.close()
    last_day, skipped = log.read(24)
    assert last_day == [f"{hour} hours ago" for hour in range(24, -1, -1)]
    assert (skipped.lines, skipped.files) == (0, 0)
    everything, _ = log.read(1000)
    assert "40 hours ago" not in everything


@pytest.mark.feature("F414")
def test_a_flood_of_lines_is_compressed_so_that_the_day_still_fits(log):
    handler = log.open()
    for number in range(60):
        log.write(handler, 1, f"line {number} " + "the same words again " * 5000)
    handler.close()
    read, _ = log.read(24)
    assert len(read) == 60
    assert all(file.suffix == ".gz" for file in rotated(log.folder))


def test_a_restart_goes_on_in_the_same_file(log):
    first = log.open()
    log.write(first, 2, "before")
    first.close()
    log.write(log.open(), 1, "after")
    assert log.read(24)[0] == ["before", "after"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["one", "two", "three"]),
        ({"level": "warning"}, ["two", "three"]),
        ({"level": "error"}, ["three"]),
        ({"component": "knowledge"}, ["one", "two"]),
        ({"component": "trimtab.knowledge.maintenance"}, ["one"]),
        ({"component": "know"}, []),
    ],
)
def test_lines_are_chosen_by_level_and_component(log, given, expected):
    handler = log.open()
    log.write(handler, 1, "one")
    log.write(handler, 1, "two", "WARNING", "trimtab.knowledge.service")
    log.write(handler, 1, "three", "ERROR", "trimtab.incidents.loop")
    assert log.read(24, **given)[0] == expected


def test_lines_before_the_time_are_left_out_to_the_second(log):
    handler = log.open()
    log.write(handler, 24.001, "too old")
    log.write(handler, 24, "just in")
    assert log.read(24)[0] == ["just in"]


def test_what_cannot_be_read_is_counted_and_the_rest_is_read(log):
    handler = log.open()
    log.write(handler, 1, "whole")
    handler.close()
    with (log.folder / "trimtab.log").open("a") as file:
        file.write('{"time": "2026-01-09T23:00:00+00:00", "lev')
    packed = gzip.compress(
        b'{"time":"2026-01-09T23:00:00+00:00","level":"INFO","logger":"x","message":"m"}\n'
    )
    (log.folder / "trimtab-20260109T230000.000.log.gz").write_bytes(packed[:-20])
    read, skipped = log.read(10_000)
    assert "whole" in read
    assert (skipped.lines, skipped.files) == (1, 1)


def test_without_a_log_nothing_is_read(log):
    assert log.read(24) == ([], Skipped())
