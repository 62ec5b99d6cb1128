"""The log from the command line, also while no service runs."""

import json

import pytest

from trimtab.kernel.clock import SystemClock


@pytest.fixture
def written(data_dir):
    """A log with a line of now, one of two days ago, and an error."""
    folder = data_dir / "logs"
    folder.mkdir(parents=True)
    now = SystemClock().now()
    lines = [
        {"time": "2026-01-01T00:00:00+00:00", "level": "ERROR", "logger": "trimtab.x", "message": "long ago"},
        {"time": now.isoformat(), "level": "INFO", "logger": "trimtab.knowledge.y", "message": "served"},
        {"time": now.isoformat(), "level": "ERROR", "logger": "trimtab.knowledge.y", "message": "broke", "error_type": "OSError"},
    ]  # fmt: skip
    (folder / "trimtab.log").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.feature("F414")
def test_errors_of_the_last_day_are_printed_as_they_were_written(trimtab, written):
    words = ("logs", "--since", "24h", "--level", "error", "--component", "knowledge", "--json")
    (line,) = [json.loads(line) for line in trimtab(*words).out.splitlines()]
    assert (line["message"], line["error_type"]) == ("broke", "OSError")


def test_without_options_it_is_the_last_24_hours_for_people(trimtab, written):
    out = trimtab("logs").out
    assert ("served" in out, "broke" in out, "long ago" in out) == (True, True, False)
    assert "long ago" in trimtab("logs", "--since", "9999d").out


@pytest.mark.parametrize("words", [("--since", "soon"), ("--level", "loud")])
def test_what_it_does_not_understand_is_refused_with_the_right_form(trimtab, written, words):
    assert trimtab("logs", *words, "--json").code == 2
