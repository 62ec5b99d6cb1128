import pytest
from promql_parser import parse

from trimtab.monitoring.errors import ExpressionRefused
from trimtab.monitoring.promql.patterns import compile_anchored


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
        ("[[:alpha:]]+", "ab"),
        (r"\pN+", "12"),
        (r"\Qa.b\E", "a.b"),
        (r"\x{41}", "A"),
        ("a(?i)b", "aB"),
        (r"\\C", r"\C"),
    ],
)
def test_a_pattern_of_prometheus_matches_the_whole_text(pattern, text):
    assert compile_anchored("x", pattern).fullmatch(text)
    assert not compile_anchored("x", pattern).fullmatch(text + "\n")


@pytest.mark.parametrize(
    "pattern",
    [
        r"\C",
        "(?<n>a)",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        r"(a)\1",
        "(?P=a)",
        "(?>a)",
        "(?#a)",
        "a*+",
        "[a--b]",
        "(",
        "(a{100}){100}",
        "a" * 1001,
        "\ud800",
    ],
)
def test_a_pattern_that_prometheus_would_not_accept_is_refused(pattern):
    with pytest.raises(ExpressionRefused):
        compile_anchored("x", pattern)


def test_digits_are_ascii_digits_as_in_prometheus():
    assert not compile_anchored("x", r"\d").fullmatch("\u0663")


def test_the_parser_refuses_broken_patterns_of_selectors():
    with pytest.raises(ValueError, match="regex"):
        parse('a{x=~"("}')
