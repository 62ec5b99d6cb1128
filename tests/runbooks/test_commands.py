from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.runbooks import Act, Check, Read
from trimtab.runbooks.commands import Break, parse_command
from trimtab.runbooks.errors import RunbookRefused


def parse(text):
    return parse_command(text, "page.md", 7)


def test_each_of_the_four_commands_is_read_into_its_own_type():
    assert parse("trimtab read a.b c.d") == Read(("a.b", "c.d"), 7)
    assert parse("trimtab check 'a > 1' --for 1h30m --give-up 90s") == Check("a > 1", 5400, 90, 7)
    assert parse('trimtab act a.b x=1 y="two words"') == Act("a.b", {"x": "1", "y": "two words"}, 7)
    assert parse("trimtab fault a.b") == Break("a.b", {}, 7)


@pytest.mark.parametrize(
    "text",
    [
        "rm -rf /",
        "trimtab",
        "trimtab serve",
        "trimtab read",
        "trimtab act a.b; reboot",
        "trimtab act a.b x=$(id)",
        "trimtab act a.b x=`id`",
        "trimtab read a.b | tail",
        "trimtab read a.b > file",
        "trimtab read --list",
        "trimtab check",
        "trimtab check a > 1",
        "trimtab check 'a > 1' --for",
        "trimtab check 'a > 1' --for soon",
        "trimtab check 'a > 1' --for 10",
        "trimtab check 'a > 1' --always 3m",
        "trimtab act a.b x",
        "trimtab act a.b x=1 x=2",
        "trimtab check 'a > 1",
    ],
)
def test_everything_else_is_refused_with_page_line_and_next_step(text):
    with pytest.raises(RunbookRefused) as refused:
        parse(text)
    assert refused.value.message.startswith("page.md:7: ")
    assert refused.value.hint()


names = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z][a-z0-9_]{0,8}){1,2}", fullmatch=True)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20)
# The printed form quotes with single quotes; a quote inside a value leaves plain text between two quotes.
plain_values = values.filter(lambda value: "'" not in value)
durations = st.integers(0, 100_000).map(float)


@given(names, st.dictionaries(keys, plain_values, max_size=4))
def test_what_an_act_prints_is_read_back_as_the_same_act(name, arguments):
    act = Act(name, arguments, 7)
    assert parse(str(act)) == act


@given(plain_values.filter(lambda text: text and text[0] != "-"), durations, durations)
def test_what_a_check_prints_is_read_back_as_the_same_check(expression, hold, give_up):
    check = Check(expression, hold, give_up, 7)
    assert parse(str(check)) == check


@given(st.text(max_size=60))
def test_no_line_whatsoever_makes_the_parser_fail_otherwise(text):
    with suppress(RunbookRefused):
        parse("trimtab " + text)
