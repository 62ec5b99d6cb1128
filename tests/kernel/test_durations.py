import pytest

from trimtab.kernel.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("5s", 5),
        (" 1.5 s ", 1.5),
        ("30m", 1800),
        ("1h30m", 5400),
        ("7d", 604_800),
    ],
)
def test_a_duration_is_parsed(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 days", "5sx", "1.2.3s", "1h 30", "1.s"])
def test_any_other_text_is_not_a_duration(text):
    assert parse_duration(text) is None
