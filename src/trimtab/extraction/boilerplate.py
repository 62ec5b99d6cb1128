"""Finds what surrounds a page's own text: navigation, headers, footers, cookie notices."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

_NEVER = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "canvas",
        "iframe",
        "object",
        "embed",
        "nav",
        "dialog",
        "form",
        "map",
        "audio",
        "video",
        "math-annotation",
        "head",
        "title",
    ]
)
_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "menu", "menubar", "dialog"})
_NAMES = frozenset(
    [
        "docnav",
        "cookie",
        "cookies",
        "consent",
        "gdpr",
        "breadcrumb",
        "breadcrumbs",
        "crumbs",
        "navbar",
        "nav",
        "navi",
        "navigation",
        "navheader",
        "navfooter",
        "navlinks",
        "topnav",
        "sidebar",
        "sphinxsidebar",
        "sidenav",
        "menu",
        "topmenu",
        "skip",
        "skiplink",
        "pagination",
        "pager",
        "toc",
        "tableofcontents",
        "contents",
        "related",
        "footer",
        "header",
        "masthead",
        "banner",
        "headerlink",
        "permalink",
        "social",
        "share",
        "sharing",
        "advert",
        "ads",
        "newsletter",
        "subscribe",
        "search",
        "searchbox",
    ]
)
_TITLED = frozenset(
    [
        "section",
        "article",
        "main",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "body",
        "dt",
        "a",
        "p",
        "span",
    ]
)
"""Elements whose id comes from a title in the text."""
_BLOCKS = frozenset(
    [
        "div",
        "ul",
        "ol",
        "table",
        "p",
        "center",
        "td",
        "tr",
        "dl",
        "menu",
        "aside",
        "header",
        "footer",
        "section",
    ]
)
_WORDS = re.compile(r"[a-z]+|[A-Z][a-z]*")
_STEP = re.compile(
    r"\W*(?:prev(?:ious)?|next|up|home|top|index|(?:table of )?contents|back(?: to top)?|skip to .{1,40}|first|last)?\W*",
    re.IGNORECASE,
)
"""Names of links that lead through a manual."""
_LINKED = 0.8
_NAMED_LINKED = 0.4
_SHORT = 300
_MOST = 0.4
"""An element with more than this share of the page's text is not around the text."""
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class Boilerplate:
    """Judges the elements of one page.

    Args:
        body: The page's body.
    """

    def __init__(self, body: LexborNode) -> None:
        self._length = len(body.text()) or 1

    def covers(self, node: LexborNode) -> bool:
        """Return whether the element and all in it is left out."""
        tag = node.tag or ""
        if tag in _NEVER or _is_hidden(node, tag):
            return True
        if tag in ("a", "span"):
            permanent = "headerlink" in (node.attributes.get("class") or "")
            return permanent or node.text().strip() == "\u00b6"
        return tag in _BLOCKS and self._surrounds(node, tag)

    def _surrounds(self, node: LexborNode, tag: str) -> bool:
        named = tag in ("footer", "aside") or (tag == "header" and node.css_first("h1") is None)
        named = named or not _NAMES.isdisjoint(_names(node, tag))
        links = node.css("a[href]")
        if not named and len(links) < 2:
            return False
        text = node.text()
        length = len("".join(text.split()))
        if (
            length < _SHORT
            and links
            and all(_STEP.fullmatch(link.text().strip()) for link in links)
        ):
            return True
        if length > _MOST * self._length:
            return False
        linked = sum(len("".join(link.text().split())) for link in links)
        if named:
            return linked >= _NAMED_LINKED * length or length < _SHORT
        return linked >= _LINKED * length and _stays_inside(links)


def _is_hidden(node: LexborNode, tag: str) -> bool:
    """Return whether readers do not see the element, or its role says that it is no text."""
    attributes = node.attributes
    if "hidden" in attributes or (attributes.get("role") or "").lower() in _ROLES:
        return True
    if attributes.get("aria-hidden") == "true" and tag != "pre":
        return True
    return bool(_HIDDEN.search(attributes.get("style") or ""))


def _names(node: LexborNode, tag: str) -> Iterator[str]:
    """Yield the words of the element's classes, and of its id where that is not from a title."""
    attributes = node.attributes
    classes = attributes.get("class") or ""
    titled = tag in _TITLED or "sect" in classes
    for value in (classes, "" if titled else attributes.get("id") or ""):
        for word in value.split():
            yield word.lower()
            yield from (part.lower() for part in _WORDS.findall(word))


def _stays_inside(links: list[LexborNode]) -> bool:
    """Return whether no link leaves the site: a list of other sites is a text's own."""
    return all("://" not in (link.attributes.get("href") or "") for link in links)
