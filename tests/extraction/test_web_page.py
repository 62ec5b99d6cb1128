"""Of a web page its own text is read, with its structure."""

import pytest

from trimtab.extraction.records import Refusal
from trimtab.extraction.web_page import read_html, read_page

LONG = "Whales sing to each other through the whole ocean and nobody knows quite why. " * 6


def text_of(body):
    return read_html(f"<html><body>{body}</body></html>").text


@pytest.mark.parametrize(
    "around",
    [
        "<nav><a href='a.html'>Home</a><a href='b.html'>Docs</a></nav>",
        "<header><a href='/'>ACME</a> <a href='/shop'>Shop</a></header>",
        "<footer>Copyright ACME</footer>",
        "<div class='cookie-banner'>We use cookies. <button>Accept</button></div>",
        "<div id='consentBox'>This page stores data about you.</div>",
        "<ul class='breadcrumbs'><li><a href='/'>Home</a></li><li>Docs</li></ul>",
        "<div role='navigation'><a href='x'>Up</a></div>",
        "<p><a href='p.html'>Prev</a> | <a href='n.html'>Next</a></p>",
        "<table><tr><td><a href='1'>&lt;&lt;</a></td><td><a href='2'>Up</a></td></tr></table>",
        "<ul><li><a href='a.html'>First part</a></li><li><a href='b.html'>Second</a></li></ul>",
        "<p style='display: none'>ghost</p>",
        "<p hidden>ghost</p>",
        "<script>steal()</script><style>p{}</style><template>x</template>",
    ],
)
def test_what_surrounds_a_text_is_left_out(around):
    assert text_of(f"{around}<h1>Whales</h1><p>{LONG}</p>") == f"# Whales\n\n{LONG.strip()}"


@pytest.mark.parametrize(
    "part",
    [
        f"<section id='navigation'><p>{LONG}</p></section>",
        f"<div class='cookie'><p>{LONG}</p></div>",
        "<p>See <a href='a.html'>part one</a> and, before that, <a href='b.html'>part two</a>.</p>",
        (
            "<ul><li><a href='https://a.example.org/'>One</a></li>"
            "<li><a href='https://b.example.org/'>Two</a></li></ul>"
        ),
    ],
)
def test_a_text_that_only_looks_like_it_stays(part):
    assert len(text_of(f"{part}<p>{LONG}</p>")) > len(LONG)


def test_a_page_of_links_alone_is_not_emptied():
    links = "".join(f"<li><a href='{n}.html'>Chapter {n}</a></li>" for n in range(5))
    assert "Chapter 3" in text_of(f"<ul>{links}</ul>")


def test_lists_code_and_line_breaks_keep_their_form():
    text = text_of(
        "<p>Do\n this:</p><ol><li>Stop it</li><li>Run <code>make</code><ul><li>as root</li></ul></li></ol>"
        "<pre>a = 1\n  b = 2</pre><p>one<br>two</p>"
    )
    assert text == (
        "Do this:\n\n1. Stop it\n2. Run `make`\n   - as root\n\n```\na = 1\n  b = 2\n```\n\none\ntwo"
    )


def test_a_term_stands_before_its_definition():
    text = text_of(
        "<dl><dt>upgrade</dt><dd>Gets newer ones.</dd><dt>Why?</dt><dd><p>So.</p></dd></dl>"
    )
    assert text == "upgrade: Gets newer ones.\n\nWhy? So."


def test_a_table_is_read_by_rows_with_its_header_and_spans():
    text = text_of(
        "<table><caption>Tanks</caption><tr><th>Hall</th><th>Tank</th><th>Bar</th></tr>"
        "<tr><td rowspan=2>North</td><td>Q-1</td><td>4</td></tr><tr><td>Q-2</td><td>5</td></tr></table>"
    )
    assert text.split("\n\n") == [
        "Tanks",
        "Hall: North; Tank: Q-1; Bar: 4",
        "Hall: North; Tank: Q-2; Bar: 5",
    ]


def test_a_table_that_only_arranges_a_page_is_read_cell_by_cell():
    text = text_of(
        "<table><tr><td><h2>Whales</h2><p>Sing.</p></td><td><ul><li>x</li></ul></td></tr></table>"
    )
    assert text == "## Whales\n\nSing.\n\n- x"


def test_the_head_is_metadata():
    found = read_html(
        "<head><title>Of\n whales</title><meta name=keywords content=ghost></head><p>Sing."
    )
    assert (found.title, found.text) == ("Of whales", "Sing.")


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("iso-8859-1", "cp1252"),
        ("utf-8", "utf-8"),
        ("iso-8859-1", "utf-8"),
        ("utf-8", "cp1252"),
        ("", "cp1252"),
        ("no-such-set", "utf-8"),
    ],
)
def test_a_page_is_decoded_as_it_is_written(declared, written):
    page = f"<meta charset='{declared}'><p>Die Br\u00fccke bei K\u00f6ln ist gr\u00fcn.</p>"
    assert "Br\u00fccke bei K\u00f6ln ist gr\u00fcn" in read_page(page.encode(written)).text


def test_a_page_in_an_encoding_that_cannot_be_detected_is_refused():
    with pytest.raises(Refusal) as caught:
        read_page(b"<p>" + bytes(range(0x80, 0x100)) * 3)
    assert caught.value.kind == "encoding"


def test_elements_nested_deeper_than_the_stack_are_still_read():
    assert text_of("<div>" * 5000 + "deep" + "</div>" * 5000) == "deep"
