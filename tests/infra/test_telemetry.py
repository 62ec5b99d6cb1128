import io
import json
import logging
import os
import subprocess
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest

from trimtab.infra.settings import Settings
from trimtab.infra.telemetry import LogFiles, SignalCollector, configure_logs, new_registry
from trimtab.infra.telemetry.logs import JsonFormatter
from trimtab.kernel.operable import Sample, Signal
from trimtab.knowledge.validation import parse_query_list


@pytest.fixture
def lines():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs("INFO", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before


def test_a_record_is_one_json_object_with_its_extra_fields(lines):
    logging.getLogger("x").error("broken\nindeed", extra={"query_duration_ms": 12})
    (line,) = lines()
    assert (line["level"], line["message"], line["query_duration_ms"]) == (
        "ERROR",
        "broken\nindeed",
        12,
    )


def test_handlers_with_other_formats_write_the_same_record_each_in_its_own():
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "hello", "port": 7})
    lower, upper = JsonFormatter(lower=True), JsonFormatter()
    for _ in range(2):
        assert json.loads(lower.format(record))["level"] == "info"
        found = json.loads(upper.format(record))
        assert found.pop("time")
        assert found == {"level": "INFO", "logger": "x", "message": "hello", "port": 7}


@pytest.mark.parametrize(
    "seconds",
    [
        0.0,
        0.001,
        1796083200.001,
        1796083199.9994,
        1796083199.999,
        1796083199.9999999,
        1796083200.123,
    ],
)
def test_the_time_of_a_line_is_that_of_its_record(seconds):
    record = logging.makeLogRecord({"created": seconds})
    written = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    assert json.loads(JsonFormatter().format(record))["time"] == written


def test_an_exception_is_named_by_its_type(lines):
    try:
        raise TimeoutError("late")
    except TimeoutError:
        logging.getLogger("x").exception("failed")
    assert lines()[0]["error_type"] == "TimeoutError"


@pytest.mark.feature("F595")
@pytest.mark.parametrize(("error", "count"), [(KeyboardInterrupt, 0), (OSError, 1)])
def test_a_connection_whose_reset_is_interrupted_is_not_reported(lines, error, count):
    pool = logging.getLogger("sqlalchemy.pool.impl.QueuePool")
    try:
        raise error
    except (KeyboardInterrupt, OSError):
        pool.exception("Exception during reset or similar")
    assert len(lines()) == count


def test_an_exception_is_logged_with_its_stack_on_one_line(lines):
    try:
        raise TimeoutError("late")
    except TimeoutError:
        logging.getLogger("x").exception("failed")
    (line,) = lines()
    assert line["traceback"].startswith("Traceback (most recent call last):")
    assert line["traceback"].endswith("TimeoutError: late")


@pytest.mark.feature("F643")
def test_files_of_their_size_are_begun_and_the_oldest_go_beyond_ten_times_that(lines, tmp_path):
    files = LogFiles(tmp_path / "logs", megabytes=1, most=10)
    configure_logs("INFO", io.StringIO(), files)
    log = logging.getLogger("x")
    for number in range(40):
        # Hardly compressible, as an attack on the log would be.
        log.info(os.urandom(300_000).hex(), extra={"number": number})
    logging.getLogger().handlers[1].close()
    written = [file.stat().st_size for file in files.folder.iterdir()]
    assert max(written) <= 1024 * 1024
    assert 8 * 1024 * 1024 < sum(written) <= 10 * 1024 * 1024
    assert b'"number":39' in (files.folder / "trimtab.log").read_bytes()


@pytest.mark.feature("F643")
def test_log_files_are_of_100_mb_and_ten():
    service = Settings().service
    assert (service.log_file_mb, service.log_files) == (100, 10)


@pytest.mark.parametrize(
    "extra",
    [
        {"api_key": "tt_abcdefghijkl"},
        {"headers": {"Authorization": "Bearer abcdefghijkl"}},
        {"note": "sent Bearer abcdefghijkl"},
        {"many": ["tt_abcdefghijkl"]},
    ],
)
def test_no_secret_reaches_the_log(lines, extra):
    logging.getLogger("x").warning("key tt_abcdefghijkl seen", extra=extra)
    text = json.dumps(lines())
    assert "abcdefghijkl" not in text
    assert "[redacted]" in text


def _exported(*signals):
    registry = new_registry()
    registry.register(SignalCollector(signals))
    return generate_latest(registry).decode()


def test_a_signal_is_exported_under_its_metric_name_with_labels():
    signal = Signal("a.b", "", "h", lambda: [Sample(2.0, {"p": "x"})], labels=("p",), metric="kb_b")
    assert 'kb_b{p="x"} 2.0' in _exported(signal)


def test_a_broken_signal_does_not_hide_the_others():
    def broken():
        raise OSError

    text = _exported(
        Signal("a.bad", "", "h", broken), Signal("a.good", "", "h", lambda: [Sample(1.0)])
    )
    assert "a_good 1.0" in text
    assert "a_bad 1" not in text


def test_what_cannot_be_said_is_not_exported():
    text = _exported(Signal("a.b", "", "h", lambda: [Sample(float("nan"))]))
    assert "\na_b " not in text


@pytest.mark.feature("F685")
def test_the_top_queries_of_the_whole_log_hold_no_null(lines, tmp_path):
    stream = io.StringIO()
    configure_logs("INFO", stream, queries=True)
    log = logging.getLogger("x")
    log.info("started")
    for query in ("whales", "songs", "whales"):
        log.info("query", extra={"query": query, "query_duration_ms": 1.0})
    log.error("broken")
    (tmp_path / "log").write_text(stream.getvalue(), encoding="utf-8")
    done = subprocess.run(
        "jq -r '.query' log | sort | uniq -c | sort -rn | head -100 > top_queries.txt",
        shell=True, cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    text = (tmp_path / "top_queries.txt").read_text()
    assert (done.stderr, "null" in text) == (b"", False)
    assert sorted(parse_query_list(text)) == ["songs", "whales"]


def test_without_logged_queries_no_line_has_one(lines):
    logging.getLogger("x").info("started")
    assert "query" not in lines()[0]
