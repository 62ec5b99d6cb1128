import pytest
from promql_parser import parse

from trimtab.infra.rules.errors import ExpressionRefused
from trimtab.infra.rules.patterns import anchored


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a|b", "b"),
        ("2..", "204"),
        (r"\d+\.\d*", "12.5"),
        ("(?i)get", "GET"),
        ("(?:a|b)+", "abba"),
        ("[^/]+/.*", "x/y"),
        (r"\++", "++"),
        ("[*+]+", "*+"),
        (r"[\]\[]", "["),
        ("a{2,3}", "aa"),
        ("", ""),
    ],
)
def test_a_portable_pattern_matches_the_whole_text(pattern, text):
    assert anchored("x", pattern).fullmatch(text)
    assert not anchored("x", pattern).fullmatch(text + "\n")


@pytest.mark.parametrize(
    "pattern",
    [
        r"\pN",
        r"\z",
        r"\Qa\E",
        r"\x{10}",
        "[[:alpha:]]",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        r"(a)\1",
        "(?P=a)",
        "(?>a)",
        "(?#a)",
        "a*+",
        "a{,3}",
        "[a--b]",
        "a(?i)b",
        "(",
    ],
)
def test_a_pattern_that_the_engines_read_differently_is_refused(pattern):
    with pytest.raises(ExpressionRefused):
        anchored("x", pattern)


def test_digits_are_ascii_digits_as_in_prometheus():
    assert not anchored("x", r"\d").fullmatch("\u0663")


def test_the_parser_refuses_broken_patterns_of_selectors():
    with pytest.raises(ValueError, match="regex"):
        parse('a{x=~"("}')
