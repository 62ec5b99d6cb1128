"""Tables at terminals of several widths."""

import io
import json
import re
import sys

import pytest

from trimtab.cli.runtime.console import (
    fits,
    format_time,
    print_json,
    print_line,
    print_table,
)
from trimtab.cli.runtime.errors import report
from trimtab.kernel.errors import InvalidInput

COLUMNS = ("component", "status", "ms", "detail")
ROWS = [("embedding_model", "up", 3.5, "ready since nine"), ("a" * 30, "down", None, "b" * 90)]


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def printed(monkeypatch):
    """Print a table at a terminal of that width; return its lines."""

    def at(width, columns=COLUMNS, rows=ROWS):
        terminal = Terminal()
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm")
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal)
            print_table(columns, rows)
        text = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
        return [line.rstrip() for line in text.splitlines()]

    return at


def test_a_wide_terminal_gets_one_line_for_each_row(printed):
    header, first, second = printed(200)
    assert header.split() == list(COLUMNS)
    assert first.split() == ["embedding_model", "up", "3.5", "ready", "since", "nine"]
    assert second.split() == ["a" * 30, "down", "b" * 90]


def test_a_narrow_terminal_gets_some_lines_for_each_row_and_no_empty_values(printed):
    lines = printed(40)
    assert [line for line in lines if len(line) > 40] == []
    assert lines[:4] == [
        "embedding_model",
        "  status  up",
        "  ms      3.5",
        "  detail  ready since nine",
    ]
    assert lines[4:6] == ["a" * 30, "  status  down"]
    assert "".join(line.replace("detail", "").strip() for line in lines[6:]) == "b" * 90


EVIL = "pump\x1b[2J\x1b]52;c;cm0=\x07\x9b31m stopped"


def test_a_text_cannot_steer_the_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    print_line(EVIL)
    print_table(("name", "text"), [(EVIL, EVIL)])
    report(InvalidInput(EVIL, hint=EVIL))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert [code for code in "\x1b\x07\x9b" if code in shown] == []
    assert shown.count("pump") == shown.count("stopped") == 5


def test_json_has_no_control_character_that_a_terminal_obeys(capsys):
    print_json({"text": EVIL})
    shown = capsys.readouterr().out
    assert shown.rstrip("\n").isprintable()
    assert json.loads(shown) == {"text": EVIL}


@pytest.mark.parametrize(("width", "expected"), [(12 + 2 + 12, True), (12 + 2 + 11, False)])
def test_a_long_column_needs_twelve_columns_to_be_readable(width, expected):
    assert fits(("name", "text"), [("a" * 12, "b" * 50)], width) is expected


@pytest.mark.parametrize(("width", "expected"), [(12 + 2 + 6, True), (12 + 2 + 5, False)])
def test_a_short_column_needs_its_own_width_and_that_of_its_name(width, expected):
    assert fits(("name", "status"), [("a" * 12, "up")], width) is expected


def test_a_table_without_rows_says_so_to_a_person(printed, capsys):
    assert printed(80, rows=[]) == ["component  status  ms  detail", "none"]
    print_table(COLUMNS, [])
    assert capsys.readouterr().out.split() == list(COLUMNS)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-11-30T23:51:01.123456+00:00", "2026-11-30 23:51:01 UTC"),
        ("2026-12-01T01:51:01+02:00", "2026-11-30 23:51:01 UTC"),
        ("2026-11-30T23:51:01.123456789Z", "2026-11-30 23:51:01 UTC"),
        ("2026-11-30T23:51:01", "2026-11-30 23:51:01 UTC"),
        ("", ""),
    ],
)
def test_a_time_is_shown_with_its_zone(given, shown):
    assert format_time(given) == shown
