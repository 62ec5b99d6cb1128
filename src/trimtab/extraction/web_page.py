"""Reads HTML pages: the page's own text as Markdown, without what surrounds it.

Headings become ``#`` lines, lists ``-`` and ``1.`` lines, ``pre`` a fenced block, rows of tables
paragraphs with their header, definitions ``term: text``. Navigation is left out; see
``boilerplate.py``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from trimtab.extraction.boilerplate import Boilerplate
from trimtab.extraction.encodings import decode_declared
from trimtab.extraction.html_tables import render_html_table
from trimtab.extraction.records import Extracted, Refusal

_CHARSET = re.compile(
    rb"<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_.:-]+)",
    re.IGNORECASE,
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "label",
        "mark",
        "q",
        "s",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "u",
        "var",
        "wbr",
    ]
)
_CODE = frozenset({"code", "kbd", "samp", "tt"})
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_LINE_BREAK = "\x1f"
"""Stands for ``br`` until the paragraph is written."""
_ONE_BLOCK = 0.7
"""A ``pre`` with more than this share of the page's text is the page's text, not code."""
_FOLLOWED = 200
"""A term of at most this many characters stands in front of its definition."""


def read_page(data: bytes) -> Extracted:
    """Return the page's text and title.

    Raises:
        Refusal: Its character encoding cannot be detected.
    """
    declared = _CHARSET.search(data[:4096])
    text = decode_declared(data, declared[1].decode("ascii") if declared else "")
    if text is None:
        raise Refusal("encoding")
    return read_html(text)


def read_html(source: str) -> Extracted:
    """Return the text and title of a page that is decoded already."""
    parser = LexborHTMLParser(source)
    title = _title(parser)
    body = parser.body
    if body is None:
        return Extracted("", title)
    try:
        text = _Page(body, Boilerplate(body)).text() or _Page(body, None).text()
    except RecursionError:
        text = "\n\n".join(
            " ".join(line.split()) for line in body.text().splitlines() if line.strip()
        )
    return Extracted(text, title)


def _title(parser: LexborHTMLParser) -> str:
    for selector, attribute in (("title", ""), ("meta[property='og:title']", "content")):
        node = parser.css_first(selector)
        if node is not None:
            found = (node.attributes.get(attribute) or "") if attribute else node.text()
            if found.strip():
                return " ".join(found.split())
    return ""


@dataclass
class _Page:
    """Writes the elements of a page in order."""

    body: LexborNode
    boilerplate: Boilerplate | None
    """What to leave out; None keeps all."""
    _blocks: list[str] = field(default_factory=list)
    _line: list[str] = field(default_factory=list)
    """The inline text that is open."""
    _indent: str = ""
    _marker: str = ""
    """Of the list item whose first block is not written yet."""
    _length: int = 0

    def text(self) -> str:
        self._length = len(self.body.text())
        self._children(self.body)
        self._close()
        return "\n\n".join(self._blocks).replace("\x00", "")

    def _children(self, node: LexborNode) -> None:
        self._siblings(node.first_child)

    def _node(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._line.append(node.text_content or "")
        elif tag[:1] in "-_" or (self.boilerplate is not None and self.boilerplate.covers(node)):
            return
        elif tag in _INLINE:
            self._children(node)
        elif tag == "br":
            self._line.append(_LINE_BREAK)
        elif tag in _CODE:
            self._inline_code(node)
        else:
            self._close()
            self._block(tag, node)
            self._close()

    def _inline_code(self, node: LexborNode) -> None:
        code = " ".join(node.text().split())
        inside = "".join(self._line).count("`") % 2
        self._line.append(f"`{code}`" if code and "`" not in code and not inside else code)

    def _block(self, tag: str, node: LexborNode) -> None:
        if tag in _HEADINGS:
            self._heading(_HEADINGS[tag], node)
        elif tag == "pre":
            self._write_code(node)
        elif tag in _LISTS:
            self._list(node, ordered=tag == "ol")
        elif tag == "dl":
            self._definitions(node)
        elif tag == "table":
            self._table(node)
        elif tag not in ("head", "option", "select", "textarea", "button", "input"):
            self._children(node)

    def _close(self) -> None:
        """Write the open inline text as a paragraph; line breaks inside it stay."""
        if not self._line:
            return
        lines = (" ".join(line.split()) for line in "".join(self._line).split(_LINE_BREAK))
        self._line.clear()
        self._write([line for line in lines if line])

    def _write(self, lines: list[str]) -> None:
        if not lines:
            return
        first = self._marker or self._indent
        self._marker = ""
        self._blocks.append(
            "\n".join((first if at == 0 else self._indent) + line for at, line in enumerate(lines))
        )

    def _heading(self, level: int, node: LexborNode) -> None:
        text = " ".join(self._inner(node).split())
        if text:
            self._marker = ""
            self._blocks.append(f"{'#' * level} {text}")

    def _inner(self, node: LexborNode) -> str:
        """Return the inline text of an element without boilerplate such as permanent links."""
        held, self._line = self._line, []
        blocks, self._blocks = self._blocks, []
        self._children(node)
        text = " ".join([*self._blocks, "".join(self._line).replace(_LINE_BREAK, " ")])
        self._line, self._blocks = held, blocks
        return text

    def _write_code(self, node: LexborNode) -> None:
        code = node.text().strip("\n").rstrip()
        if not code.strip():
            return
        if len(code) > _ONE_BLOCK * self._length and code.count("\n\n") > 3:
            self._blocks.append(code)
            return
        fence = "```"
        while fence in code:
            fence += "`"
        self._write([fence, *code.split("\n"), fence])

    def _list(self, node: LexborNode, *, ordered: bool) -> None:
        outer, number = self._indent, 0
        start = node.attributes.get("start") or ""
        number = int(start) - 1 if start.isascii() and start.isdigit() and len(start) < 6 else 0
        parts: list[str] = []
        for item in _elements(node):
            if self.boilerplate is not None and self.boilerplate.covers(item):
                continue
            if item.tag != "li":
                self._node(item)
                continue
            number += 1
            mark = f"{number}. " if ordered else "- "
            held, self._blocks = self._blocks, []
            self._marker, self._indent = outer + mark, outer + " " * len(mark)
            self._children(item)
            self._close()
            written, self._blocks = self._blocks, held
            if written:
                parts.append(
                    "\n".join(written)
                    if all("\n" not in part for part in written)
                    else "\n\n".join(written)
                )
            self._marker, self._indent = "", outer
        if parts:
            self._blocks.append("\n".join(parts))

    def _definitions(self, node: LexborNode) -> None:
        term = ""
        for part in _elements(node):
            if self.boilerplate is not None and self.boilerplate.covers(part):
                continue
            if part.tag == "dt":
                self._write([term] if term else [])
                term = " ".join(self._inner(part).split())
            elif part.tag == "dd":
                self._definition(term, part)
                term = ""
            else:
                self._node(part)
        self._write([term] if term else [])

    def _definition(self, term: str, node: LexborNode) -> None:
        """Write a definition; its term is in front of its first paragraph."""
        if term and term[-1] not in ".:?!":
            term += ":"
        first = next(_elements(node), None)
        begins = _starts_with_text(node) or first is None or first.tag in ("p", *_INLINE, *_CODE)
        if term and not (begins and len(term) <= _FOLLOWED):
            self._write([term])
        elif term:
            self._line.append(f"{term} ")
        if first is not None and first.tag == "p" and not _starts_with_text(node):
            self._children(first)
            self._close()
            self._siblings(first.next)
        else:
            self._children(node)
        self._close()

    def _siblings(self, node: LexborNode | None) -> None:
        while node is not None:
            self._node(node)
            node = node.next

    def _table(self, node: LexborNode) -> None:
        rendered = render_html_table(node, self._inner)
        if rendered is None:
            self._children(node)
        elif rendered:
            self._marker, marker = "", self._marker
            self._blocks.append((marker or self._indent) + rendered)


def _elements(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        if (child.tag or "-")[0] not in "-_":
            yield child
        child = child.next


def _starts_with_text(node: LexborNode) -> bool:
    child = node.first_child
    return child is not None and child.tag == "-text" and bool((child.text_content or "").strip())
