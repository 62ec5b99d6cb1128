"""Entries of logs become rows of fields; what is no log stays as it is."""

import pytest

from trimtab.extraction.log_lines import render_log


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (
            "2026-11-29 12:00:01,250 ERROR The disk is full.",
            "time: 2026-11-29 12:00:01,250; level: ERROR; message: The disk is full.",
        ),
        (
            "[2026-11-29T12:00:01.25Z] [warning] Low  memory",
            "time: 2026-11-29T12:00:01.25Z; level: warning; message: Low memory",
        ),
        (
            "Nov  9 12:00:01 lamp sshd[812]: Accepted publickey for ann",
            "time: Nov  9 12:00:01; host: lamp; program: sshd; message: Accepted publickey for ann",
        ),
        (
            "2026/11/29 12:00:01 [error] worker[7]: connect() failed",
            "time: 2026/11/29 12:00:01; level: error; program: worker; message: connect() failed",
        ),
        (
            '192.0.2.7 - ann [29/Nov/2026:12:00:01 +0000] "GET /a HTTP/1.1" 404 12 "-" "curl/8"',
            (
                "client: 192.0.2.7; user: ann; time: 29/Nov/2026:12:00:01 +0000; "
                "request: GET /a HTTP/1.1; status: 404; bytes: 12; agent: curl/8"
            ),
        ),
        (
            'ts=2026-11-29T12:00:01Z level=error msg="disk \\"a\\" full" free=0',
            'ts: 2026-11-29T12:00:01Z; level: error; msg: disk "a" full; free: 0',
        ),
        ('{"level": "error", "msg": "full", "ms": 1.50}', "level: error; msg: full; ms: 1.50"),
    ],
)
def test_an_entry_is_a_row_of_its_fields(line, row):
    assert render_log(f"{line}\n{line}\n") == f"{row}\n\n{row}"


def test_lines_that_continue_an_entry_follow_it_as_they_are():
    text = (
        "2026-11-29 12:00:01 ERROR It failed.\nTraceback:\n  File a\n2026-11-29 12:00:02 INFO On.\n"
    )
    assert render_log(text).split("\n\n") == [
        "time: 2026-11-29 12:00:01; level: ERROR; message: It failed.",
        "Traceback:\n  File a",
        "time: 2026-11-29 12:00:02; level: INFO; message: On.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Whales sing.\nThey swim.\n",
        "2026-11-29 12:00:01 INFO On.\nWords.\nWords.\n",
        "Error = 4 of them\n",
        "",
    ],
)
def test_what_is_no_log_stays_as_it_is(text):
    assert render_log(text) == text


@pytest.mark.parametrize("line", ["a=" * 200_000, '1 - - [29/Nov/2026:12:00:01] "' + '"' * 200_000])
def test_a_very_long_line_is_not_looked_into(line):
    assert render_log(f"{line}\n") == f"{line}\n"
