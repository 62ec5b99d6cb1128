"""The bar of long work shows how many files a second and how much time is left."""

import io

import pytest
from rich.console import Console

from trimtab.cli.runtime import console as module


@pytest.fixture
def bar(monkeypatch):
    """A bar on a terminal of 100 columns whose clock the test moves."""
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(module, "console", lambda **_: terminal)
    made = module.rate_bar()
    made.seconds = 0.0
    made.get_time = lambda: made.seconds
    return made


def _shown(bar):
    terminal = Console(file=io.StringIO(), width=100)
    terminal.print(bar.get_renderable())
    return terminal.file.getvalue()


def test_rate_and_time_left_follow_the_files_that_are_done(bar):
    task = bar.add_task("notes.md", total=1000, files=0, of=20)
    bar.seconds = 2.0
    bar.update(task, advance=250, files=5)
    bar.seconds = 4.0
    bar.update(task, advance=250, files=10)
    shown = _shown(bar)
    assert "notes.md" in shown
    assert "10/20 files" in shown
    assert "2.5 files/s" in shown
    assert "0:00:04" in shown


def test_before_the_first_file_there_is_no_rate(bar):
    bar.add_task("notes.md", total=1000, files=0, of=20)
    shown = _shown(bar)
    assert "0/20 files" in shown
    assert "files/s" not in shown


def test_without_a_terminal_there_is_no_bar():
    assert module.rate_bar().disable


@pytest.fixture
def lines():
    """Lines of twenty files whose clock the test moves."""
    seconds = [0.0]
    made = module.ProgressLines(20, enabled=True, now=lambda: seconds[0])

    def update(at, done):
        seconds[0] = at
        made.update(done)

    return update


def test_without_a_terminal_a_line_each_ten_seconds_says_how_far_it_is(lines, capsys):
    for at, done in ((5, 3), (12, 6), (15, 9), (21.9, 10), (25, 15), (40, 20)):
        lines(at, done)
    shown = capsys.readouterr()
    assert shown.err.splitlines() == ["6/20 files, 0.5 files/s", "15/20 files, 0.6 files/s"]
    assert not shown.out


def test_silent_lines_print_nothing(capsys):
    seconds = iter([0.0, 60.0])
    module.ProgressLines(20, enabled=False, now=lambda: next(seconds)).update(5)
    assert not capsys.readouterr().err
