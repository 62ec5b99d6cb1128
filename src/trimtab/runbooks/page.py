"""Parses a Markdown page: front matter, headings, prose and ``sh`` blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from trimtab.infra.yaml_loader import SafeLoader
from trimtab.runbooks.commands import Act, Break, Check, Command, Read, parse_command
from trimtab.runbooks.errors import RunbookRefused
from trimtab.runbooks.model import Cause, Nature, Page, Procedure, Runbook

_FRONT = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
_MAX_FRONT = 8_000
"""Characters, and so levels: the C parser has no limit of its own, and 100,000 end the process."""
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_KEYS = {"id", "alerts", "severity", "system", "ladder", "kind", "source", "needs"}
_NEEDS = ("", "kubernetes", "postgresql")
_ROLES = ("evidence", "fix", "verify", "drill")
_CAUSE = "cause:"


def parse_page(text: str, path: str) -> Page:
    """Parse a page into a runbook or procedure.

    Args:
        text: The whole page.
        path: Path of the page, for messages.

    Raises:
        RunbookRefused: The page is invalid; the message begins with ``path:line``.
    """
    text = text.replace("\r\n", "\n")
    head, body_line = _front_matter(text, path)
    page_id = _text(head, "id", path)
    if not _ID.fullmatch(page_id):
        raise RunbookRefused(
            path, 1, f"id {page_id!r} is malformed.", hint="Use lower-case words joined by '-'."
        )
    sections = _sections(text, body_line, path)
    title = sections[0].title
    if not title:
        raise RunbookRefused(
            path, body_line, "the page has no title.", hint="Begin with `# Title`."
        )
    if head.get("kind") == "procedure":
        alerts = _alerts(head, path) if "alerts" in head else ()
        return replace(_procedure(page_id, title, sections, path, text), alerts=alerts)
    return _runbook(page_id, head, sections, path, text)


@dataclass
class _Block:
    role: str
    options: dict[str, str]
    commands: list[Command]
    line: int


@dataclass
class _Section:
    title: str
    line: int
    prose: list[str] = field(default_factory=list)
    blocks: list[_Block] = field(default_factory=list)


def _front_matter(text: str, path: str) -> tuple[dict[str, Any], int]:
    found = _FRONT.match(text)
    if not found:
        raise RunbookRefused(
            path, 1, "the page has no front matter.", hint="Begin with `---`, `id: ...`, `---`."
        )
    if len(found[1]) > _MAX_FRONT:
        raise RunbookRefused(
            path, 1, "the front matter is too long.", hint=f"Use at most {_MAX_FRONT} characters."
        )
    try:
        head = yaml.load(found[1], SafeLoader)  # noqa: S506 - it is one.
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise RunbookRefused(
            path, line, "the front matter is not valid YAML.", hint="Write `key: value` lines."
        ) from None
    if not isinstance(head, dict):
        raise RunbookRefused(path, 1, "the front matter is empty.", hint="Give at least `id:`.")
    unknown = sorted(str(key) for key in head if key not in _KEYS)
    if unknown:
        raise RunbookRefused(
            path, 1, f"front matter key {unknown[0]!r} is unknown.", hint=f"Keys: {sorted(_KEYS)}."
        )
    return head, found[0].count("\n")


def _text(head: dict[str, Any], key: str, path: str) -> str:
    value = head.get(key)
    if not isinstance(value, str) or not value.strip():
        raise RunbookRefused(
            path, 1, f"front matter lacks {key!r} as text.", hint=f"Add `{key}: ...`."
        )
    return value.strip()


def _sections(text: str, body_line: int, path: str) -> list[_Section]:
    body = "\n" * body_line + "\n".join(text.split("\n")[body_line:])
    lines = body.split("\n")
    sections = [_Section("", body_line + 1)]
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    for token, heading in _top_level(tokens):
        first, last = token.map or [body_line, body_line]
        if token.type == "heading_open" and token.tag in {"h1", "h2"}:
            title = heading.strip()
            if token.tag == "h1" and not sections[0].title:
                sections[0].title = title
            else:
                sections.append(_Section(title, first + 1))
        elif token.type == "fence" and token.info.split()[:1] == ["sh"]:
            sections[-1].blocks.append(_block(token, first + 1, path))
        else:
            sections[-1].prose.append("\n".join(lines[first:last]).strip("\n"))
    _refuse_hidden_blocks(tokens, path)
    return sections


def _top_level(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    for position, token in enumerate(tokens):
        if token.level == 0 and token.nesting >= 0:
            following = tokens[position + 1].content if token.type == "heading_open" else ""
            yield token, following


def _refuse_hidden_blocks(tokens: list[Token], path: str) -> None:
    for token in tokens:
        if token.type == "fence" and token.level > 0 and token.info.split()[:1] == ["sh"]:
            raise RunbookRefused(
                path,
                (token.map or [0])[0] + 1,
                "an sh block is inside a list or quote, where it would not run.",
                hint="Move it to the left margin, or make it a `text` block.",
            )


def _block(token: Token, line: int, path: str) -> _Block:
    words = token.info.split()[1:]
    role = words.pop(0) if words and "=" not in words[0] else ""
    options = dict(word.partition("=")[::2] for word in words)
    commands = [
        parse_command(text.strip(), path, line + offset)
        for offset, text in enumerate(token.content.split("\n"), start=1)
        if text.strip() and not text.strip().startswith("#")
    ]
    if not commands:
        raise RunbookRefused(path, line, "the sh block is empty.", hint="Remove it or fill it.")
    return _Block(role, options, commands, line)


def _procedure(
    page_id: str, title: str, sections: list[_Section], path: str, text: str
) -> Procedure:
    for section in sections:
        for block in section.blocks:
            if any(isinstance(command, Act | Break) for command in block.commands):
                raise RunbookRefused(
                    path,
                    block.line,
                    "a procedure only reads: it may not act or break.",
                    hint="Make it a runbook with causes, or show the command in a `text` block.",
                )
    prose = "\n\n".join(part for section in sections for part in section.prose)
    return Procedure(page_id, title, prose, path, text)


def _runbook(
    page_id: str, head: dict[str, Any], sections: list[_Section], path: str, text: str
) -> Runbook:
    causes: list[Cause] = []
    gather: tuple[Read | Check, ...] = ()
    escalate = ""
    escalate_when: tuple[Check, ...] = ()
    for section in sections:
        name = section.title.lower()
        if name.startswith(_CAUSE) and section is not sections[0]:
            causes.append(_cause(page_id, section, path))
        elif name == "gather":
            gather = _only(section, (Read, Check), path)
        elif name.startswith("escalate"):
            escalate = "\n\n".join(section.prose)
            escalate_when = _escalations(section, path)
        elif section.blocks:
            raise RunbookRefused(
                path,
                section.blocks[0].line,
                f"an sh block is under {section.title!r}, where it would not run.",
                hint="Blocks belong under Gather, `Cause: ...` or Escalate.",
            )
    ladder = _text(head, "ladder", path)
    needs = str(head.get("needs", ""))
    if needs not in _NEEDS:
        raise RunbookRefused(
            path, 1, f"needs {needs!r} is unknown.", hint="Write `needs: kubernetes`, or nothing."
        )
    return Runbook(
        id=page_id,
        title=sections[0].title,
        alerts=_alerts(head, path),
        severity=_text(head, "severity", path),
        system=str(head.get("system", "")),
        ladder=ladder,
        prose="\n\n".join(sections[0].prose),
        gather=gather,
        causes=tuple(causes),
        escalate=escalate,
        escalate_when=escalate_when,
        path=path,
        text=text,
        needs=needs,
    )


def _escalations(section: _Section, path: str) -> tuple[Check, ...]:
    for block in section.blocks:
        event = block.options.get("event", "")
        block.commands = [
            replace(command, event=event) if isinstance(command, Check) else command
            for command in block.commands
        ]
    return _only(section, (Check,), path)


def _alerts(head: dict[str, Any], path: str) -> tuple[str, ...]:
    alerts = head.get("alerts")
    if (
        not isinstance(alerts, list)
        or not alerts
        or not all(isinstance(name, str) for name in alerts)
    ):
        raise RunbookRefused(
            path,
            1,
            "front matter lacks a list of `alerts`.",
            hint="Write `alerts: [Name]`, or `kind: procedure` for a page that only people follow.",
        )
    return tuple(alerts)


def _cause(page_id: str, section: _Section, path: str) -> Cause:
    title = section.title[len(_CAUSE) :].strip()
    blocks: dict[str, _Block] = {}
    for block in section.blocks:
        if block.role not in _ROLES or block.role in blocks:
            raise RunbookRefused(
                path,
                block.line,
                f"block role {block.role!r} is unknown or appears twice under this cause.",
                hint=f"Write ```sh ROLE with one of: {', '.join(_ROLES)}.",
            )
        blocks[block.role] = block
    nature = blocks["evidence"].options.get("nature", "software") if "evidence" in blocks else ""
    if nature and nature not in set(Nature):
        raise RunbookRefused(
            path,
            section.line,
            f"nature {nature!r} is unknown.",
            hint=f"Choose one of: {', '.join(Nature)}.",
        )
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return Cause(
        id=f"{page_id}/{slug}",
        title=title,
        prose="\n\n".join(section.prose),
        evidence=_of(blocks.get("evidence"), (Check,), path),
        fix=_of(blocks.get("fix"), (Act,), path),
        verify=_of(blocks.get("verify"), (Check,), path),
        drill=_of(blocks.get("drill"), (Break,), path),
        nature=Nature(nature or "software"),
        line=section.line,
    )


_Kind = TypeVar("_Kind", Read, Check, Act, Break, Read | Check)


def _only(section: _Section, kinds: tuple[type[_Kind], ...], path: str) -> tuple[_Kind, ...]:
    return tuple(command for block in section.blocks for command in _of(block, kinds, path))


def _of(block: _Block | None, kinds: tuple[type[_Kind], ...], path: str) -> tuple[_Kind, ...]:
    if block is None:
        return ()
    kept: list[_Kind] = []
    for command in block.commands:
        if not isinstance(command, kinds):
            raise RunbookRefused(
                path,
                command.line,
                f"`{command}` does not belong in this block.",
                hint=(
                    "evidence, verify and Escalate hold checks, fix holds acts, drill holds faults."
                ),
            )
        kept.append(command)
    return tuple(kept)
