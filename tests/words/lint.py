"""Checks of names and prose in Python files, documents and templates."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.words.terms import (
    IRREGULAR,
    KEPT_NAMES,
    NAME_PREFIXES,
    NAMES,
    NOT_PARTICIPLES,
    OPENINGS,
    PARTICIPLE,
    PHRASES,
)

MAX_COLUMNS = 100
_PHRASE = re.compile(
    r"(?<![\w`-])("
    + "|".join(re.escape(p).replace(r"\ ", r"\s+") for p in PHRASES)
    + r")(?![\w`-])",
    re.IGNORECASE,
)
_PRAGMA = re.compile(r"\s+#\s*(?:type|noqa|fmt).*$")
_RAW = re.compile(r"""^[^"']*(?:r|rf|fr)["']|^\s*"\[?\\u""", re.IGNORECASE)
"""A regular expression, which no line break makes clearer."""
_CODE = re.compile(r"```.*?```|``[^`]*``|`[^`\n]*`", re.DOTALL)
_THERE = re.compile(r"\b(?:there|it)\s+$", re.IGNORECASE)
Function = ast.FunctionDef | ast.AsyncFunctionDef
_PURE = {"property", "cached_property", "staticmethod", "contextmanager"}


@dataclass(frozen=True, order=True)
class Finding:
    """One place that does not follow the rules of names and prose."""

    file: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.text}"


def check_prose(text: str, file: str, first_line: int = 1) -> Iterator[Finding]:
    """Yield the banned phrases of a text; code in backticks is not prose."""
    plain = _CODE.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), text)
    for found in _PHRASE.finditer(plain):
        phrase = re.sub(r"\s+", " ", found[0].lower())
        if phrase in {"is no", "are no"} and (
            _THERE.search(plain[: found.start()]) or plain[found.end() :].startswith(" longer")
        ):
            continue
        line = first_line + plain.count("\n", 0, found.start())
        yield Finding(file, line, "phrase", f"{found[0]!r}: write {PHRASES[phrase]}")


class Module:
    """The findings of one Python file."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self._text = file, text
        self.tree = ast.parse(text)

    def findings(self) -> Iterator[Finding]:
        """Yield every finding in the file."""
        yield from self._columns()
        yield from self._prose()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef | Function | ast.Module):
                yield from self._docstring(node)
            if isinstance(node, Function):
                yield from self._participle(node)
            yield from self._names(node)

    def classes(self) -> Iterator[tuple[str, int]]:
        """Yield the public classes at the top of the file, with their lines."""
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, node.lineno

    def _columns(self) -> Iterator[Finding]:
        tables = self._tables()
        for number, line in enumerate(self._text.splitlines(), 1):
            length = len(_PRAGMA.sub("", line))
            exempt = "://" in line or number in tables or _RAW.match(line)
            if length > MAX_COLUMNS and not exempt:
                yield Finding(self.file, number, "columns", f"{len(line)} columns")

    def _tables(self) -> set[int]:
        """Return the lines of statements and modules that the formatter leaves as tables."""
        lines = self._text.splitlines()
        if any(line.startswith("# fmt: off") for line in lines):
            first = next(n for n, line in enumerate(lines, 1) if line.startswith("# fmt: off"))
            last = next(
                (n for n, line in enumerate(lines, 1) if line.startswith("# fmt: on")), len(lines)
            )
            return set(range(first, last + 1))
        return {
            number
            for node in ast.walk(self.tree)
            if isinstance(node, ast.stmt)
            and lines[(node.end_lineno or 1) - 1].endswith("# fmt: skip")
            for number in range(node.lineno, (node.end_lineno or 1) + 1)
        }

    def _prose(self) -> Iterator[Finding]:
        for token in tokenize.generate_tokens(io.StringIO(self._text).readline):
            if token.type == tokenize.COMMENT or (
                token.type in {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)}
                and " " in token.string
            ):
                yield from check_prose(token.string, self.file, token.start[0])

    def _docstring(self, node: "ast.ClassDef | Function | ast.Module") -> Iterator[Finding]:
        text = ast.get_docstring(node)
        if not text:
            return
        line = node.body[0].lineno
        words = text.split("\n\n")[0].split()
        if len(words) < 3:
            yield Finding(self.file, line, "docstring", f"{text!r} has fewer than three words")
        first = words[0].strip("`,.;:'\"").lower() if words else ""
        if first in OPENINGS and words[0][0] != "`":
            yield Finding(
                self.file, line, "opening", f"{' '.join(words[:6])}...: {OPENINGS[first]}"
            )

    def _participle(self, node: Function) -> Iterator[Finding]:
        found = PARTICIPLE.match(node.name)
        if not found or any(_decorator(d) in _PURE for d in node.decorator_list):
            return
        first, rest = found["first"], found["rest"]
        checks = first == "checked"
        if not is_participle(first) or (rest and not checks) or not acts(node):
            return
        yield Finding(self.file, node.lineno, "participle", f"{node.name} acts: use a verb")

    def _names(self, node: ast.AST) -> Iterator[Finding]:
        names: list[tuple[str, int]] = []
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append((node.id, node.lineno))
        elif isinstance(node, ast.arg):
            names.append((node.arg, node.lineno))
        elif isinstance(node, Function | ast.ClassDef):
            names.append((node.name, node.lineno))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.append((node.attr, node.lineno))
        for name, line in names:
            yield from self._name(name, line)

    def _name(self, name: str, line: int) -> Iterator[Finding]:
        bare = name.strip("_").lower()
        if bare in KEPT_NAMES:
            return
        if bare in NAMES:
            yield Finding(self.file, line, "name", f"{name}: use {NAMES[bare]}")
        first = bare.split("_")[0]
        if first in NAME_PREFIXES and "_" in bare:
            yield Finding(self.file, line, "name", f"{name}: use {NAME_PREFIXES[first]}_...")


def _decorator(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_participle(word: str) -> bool:
    """Return whether a word is a past participle."""
    return word not in NOT_PARTICIPLES and (
        word in IRREGULAR or (word.endswith("ed") and len(word) > 4)
    )


def acts(node: Function) -> bool:
    """Return whether a function returns nothing, raises, or changes its object."""
    if isinstance(node.returns, ast.Constant) and node.returns.value is None:
        return True
    for inner in ast.walk(node):
        if isinstance(inner, ast.Raise):
            return True
        if isinstance(inner, ast.Assign | ast.AugAssign):
            targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
            if any(_is_of_self(target) for target in targets):
                return True
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
            function = inner.value.func
            if isinstance(function, ast.Attribute) and _is_of_self(function):
                return True
    return False


def _is_of_self(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
        if isinstance(node, ast.Name) and node.id == "self":
            return True
    return False


def duplicate_classes(modules: Iterable[Module]) -> Iterator[Finding]:
    """Yield the public class names that are defined in more than one module."""
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for module in modules:
        for name, line in module.classes():
            places[name].append((module.file, line))
    for name, found in sorted(places.items()):
        if len(found) > 1:
            for file, line in found:
                others = ", ".join(other for other, _ in found if other != file)
                yield Finding(file, line, "class", f"{name} is also defined in {others}")


def check_file(path: Path, root: Path) -> list[Finding]:
    """Return the findings of one file."""
    file, text = str(path.relative_to(root)), path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return list(Module(file, text).findings())
    return list(check_prose(text, file))
