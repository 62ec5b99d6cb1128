"""Docs gate: checks links, anchors, commands and empty sections of all pages.

Threat: a guide with a dead link during an incident, a command that was renamed, a schema version
without a migration guide. Limits: external addresses are not fetched (the gate works offline), and
the correctness of the text is not checked.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from trimtab.gates.case import Case
from trimtab.gates.codes import finding
from trimtab.gates.evidence_files import read_text
from trimtab.gates.records import Finding, GateResult, GateState
from trimtab.gates.schema.versions import available

GUIDE = "SCHEMA_MIGRATION_GUIDE.md"
_OUTSIDE = re.compile(r"^[a-z][a-z0-9+.-]*:|^//", re.IGNORECASE)
_SHELL = {"sh", "bash", "shell", "console", "sh evidence", "sh fix", "sh verify", "sh drill"}
_UNFINISHED = re.compile(r"\b(TODO|TBD|FIXME|to be written)\b")
_ANCHOR_TAG = re.compile(r"<a\s+(?:id|name)=[\"']([^\"']+)[\"']", re.IGNORECASE)
_MAKE_TARGET = re.compile(r"^([A-Za-z0-9_.-]+)\s*:(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """Headings, links and commands of a Markdown page."""

    path: Path
    anchors: frozenset[str]
    links: tuple[tuple[int, str], ...]
    """Line and address."""
    commands: tuple[tuple[int, str], ...]
    """Line and shell line."""
    unclear: tuple[tuple[int, str], ...]
    """Line and description of the unfinished text."""


def slug(heading: str) -> str:
    """Return the anchor of a heading, like GitHub."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def read_page(path: Path) -> Page:
    """Return the headings, links and commands of a page."""
    text = read_text(path)
    tokens = MarkdownIt("commonmark").enable("table").parse(_without_front_matter(text))
    return Page(
        path=path,
        anchors=frozenset([*_anchors(tokens), *_ANCHOR_TAG.findall(text)]),
        links=tuple(_links(tokens)),
        commands=tuple(_commands(tokens)),
        unclear=tuple(_unclear(tokens)),
    )


def _without_front_matter(text: str) -> str:
    """Replace the front matter with empty lines, to keep line numbers correct."""
    match = re.match(r"---\n.*?\n---\n", text, re.DOTALL)
    return text if match is None else "\n" * match[0].count("\n") + text[match.end() :]


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1


def _headings(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            plain = [
                child.content
                for child in inline.children or []
                if child.type in ("text", "code_inline")
            ]
            yield opening, "".join(plain)


def _anchors(tokens: list[Token]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for _, text in _headings(tokens):
        anchor = slug(text)
        yield anchor if not seen[anchor] else f"{anchor}-{seen[anchor]}"
        seen[anchor] += 1


def _links(tokens: list[Token]) -> Iterator[tuple[int, str]]:
    for token in tokens:
        for child in token.children or []:
            address = child.attrGet("href" if child.type == "link_open" else "src")
            if child.type in ("link_open", "image") and address:
                yield _line(token), unquote(str(address))


def _commands(tokens: list[Token]) -> Iterator[tuple[int, str]]:
    for token in tokens:
        if token.type == "fence" and token.info.strip() in _SHELL:
            for offset, line in enumerate(token.content.splitlines(), start=1):
                yield _line(token) + offset, line.strip().removeprefix("$ ")


def _unclear(tokens: list[Token]) -> Iterator[tuple[int, str]]:
    for token in tokens:
        if token.type == "inline" and _UNFINISHED.search(token.content):
            yield _line(token), f"unfinished: {token.content[:60]!r}"
    blocks = [token for token in tokens if token.level == 0 and token.type != "inline"]
    headings = {id(opening): text for opening, text in _headings(tokens)}
    for index, token in enumerate(blocks):
        if token.type != "heading_open":
            continue
        following = blocks[index + 2] if index + 2 < len(blocks) else None
        if following is None or (following.type == "heading_open" and following.tag <= token.tag):
            yield _line(token), f"the section {headings[id(token)]!r} is empty"


def pages_of(case: Case) -> tuple[Page, ...]:
    """Return the pages that the policy names, sorted by path."""
    found: set[Path] = set()
    for name in case.policy.docs.paths:
        place = case.project.root / name
        found |= (
            set(place.rglob("*.md"))
            if place.is_dir()
            else {place} & {p for p in [place] if p.is_file()}
        )
    return tuple(read_page(path) for path in sorted(found))


def check(case: Case) -> GateResult:
    """Check every documentation page of the project."""
    pages = pages_of(case)
    if not pages:
        return GateResult("docs", GateState.SKIPPED, reason="there is no documentation")
    by_path = {page.path.resolve(): page for page in pages}
    found: list[Finding] = []
    for page in pages:
        where = page.path.relative_to(case.project.root).as_posix()
        found += _link_findings(case, page, where, by_path)
        found += _command_findings(case, page, where)
        found += [finding("docs.unclear", f"{where}:{line}", what) for line, what in page.unclear]
    found += _guide_findings(case, pages)
    return GateResult(
        "docs",
        GateState.RAN,
        tuple(found),
        {"pages": len(pages), "links": sum(len(p.links) for p in pages)},
    )


def _link_findings(
    case: Case, page: Page, where: str, pages: Mapping[Path, Page]
) -> Iterator[Finding]:
    for line, address in page.links:
        if _OUTSIDE.match(address):
            continue
        target, _, anchor = address.partition("#")
        base = case.project.root if target.startswith("/") else page.path.parent
        path = (base / target.lstrip("/")).resolve() if target else page.path.resolve()
        if not path.exists():
            yield finding("docs.link_dead", f"{where}:{line}", address)
        elif anchor and path.suffix == ".md":
            known = pages[path] if path in pages else read_page(path)
            if anchor not in known.anchors:
                yield finding("docs.anchor_dead", f"{where}:{line}", address)


def _command_findings(case: Case, page: Page, where: str) -> Iterator[Finding]:
    makefile = case.project.root / "Makefile"
    targets = set(_MAKE_TARGET.findall(read_text(makefile))) if makefile.is_file() else None
    for line, text in page.commands:
        words = text.split()
        if (
            words[:1] == ["trimtab"]
            and case.commands is not None
            and not known_command(words[1:], case.commands)
        ):
            yield finding(
                "docs.command_unknown", f"{where}:{line}", f"`{' '.join(words[:3])}` does not exist"
            )
        if words[:1] == ["make"] and targets is not None:
            unknown = [w for w in words[1:] if re.fullmatch(r"[a-z][\w-]*", w) and w not in targets]
            if unknown:
                yield finding(
                    "docs.command_unknown", f"{where}:{line}", f"`make {unknown[0]}` does not exist"
                )
        script = words[1] if words[:1] == ["python"] and len(words) > 1 else ""
        if (
            script.startswith("scripts/")
            and (case.project.root / "scripts").is_dir()
            and not (case.project.root / script).is_file()
        ):
            yield finding("docs.command_unknown", f"{where}:{line}", f"{script} does not exist")


def known_command(words: list[str], commands: frozenset[str]) -> bool:
    """Return whether a command line names an existing command.

    Args:
        words: Words after ``trimtab``.
        commands: All commands (``gates run``), without the names of groups.
    """
    named = []
    for word in words:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", word):
            break
        named.append(word)
    if not named:
        return True
    return any(" ".join(named[:length]) in commands for length in range(1, len(named) + 1))


def _guide_findings(case: Case, pages: tuple[Page, ...]) -> Iterator[Finding]:
    """Yield a finding for each schema migration missing in the guide."""
    if not list((case.project.root / "schemas").glob("report-*.json")):
        return
    guide = next((page for page in pages if page.path.name == GUIDE), None)
    anchors = " ".join(guide.anchors) if guide else ""
    for older, newer in pairwise(available("report")):
        step = slug(f"from {older} to {newer}")
        if step not in anchors:
            yield finding(
                "docs.migration_guide_missing", GUIDE, f"no heading `From {older} to {newer}`"
            )
