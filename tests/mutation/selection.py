"""Which tests run for a mutant: those that execute its line, or a line that uses the constant it changes."""

import ast
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.mutant import Mutant

LONGEST_TEST = 15.0
"""Seconds; a longer test is left out when shorter ones reach the line."""
ALL_TESTS = 20
"""So many times as long as the first tests may those take that a mutant is shown when the first do not notice it."""


@dataclass(frozen=True)
class Choice:
    """The tests for a mutant, the quickest first, and whether one of them proves a feature."""

    tests: list[str]
    seconds: float
    marked: bool
    more: tuple[str, ...] = ()
    """Tests that run when those before have noticed nothing."""
    times: dict[str, float] = field(default_factory=dict, compare=False)
    """Recorded seconds of each of these tests."""


class Selection:
    """Looks up tests in what was recorded."""

    def __init__(self, record: Path, root: Path, seconds: float) -> None:
        recorded = json.loads(record.read_text())
        self._tests = {name: test for name, test in recorded["tests"].items() if test["passed"]}
        self._lines = recorded["lines"]
        self._root, self._seconds = root, seconds
        self._users = self._uses()
        self._text = {
            file: (root / file).read_text(encoding="utf-8")
            for file in {_file(name) for name in self._tests}
        }
        self._bodies: dict[str, dict[str, str]] = {}
        """The text of each function, by file and name."""

    def choose(self, mutant: Mutant) -> Choice:
        """Return the tests that may notice the mutant, within its time, and those to run after them."""
        if mutant.file.endswith(".py"):
            # A statement over several lines may have no code on its first one.
            names = self._at(mutant.file, mutant.line) or self._at(
                mutant.file, self._line_at(mutant.file, mutant.start)
            )
            if mutant.name:
                names = self._of_constant(mutant)
                names |= {name for name in self._tests if self._writes(name, mutant)}
        else:
            names = self._of_data(mutant)
        return self._within_time(names, mutant)

    def _at(self, file: str, line: int) -> set[str]:
        return {n for n in self._lines.get(file, {}).get(str(line), ()) if n in self._tests}

    def _line_at(self, file: str, offset: int) -> int:
        return (self._root / file).read_bytes().count(b"\n", 0, offset) + 1

    def _of_data(self, mutant: Mutant) -> set[str]:
        """Return the tests that open the file, bear its name, or lie in a file that names the rule."""
        base = mutant.file.rpartition("/")[2]
        word = re.compile(rf"\b{re.escape(mutant.scope)}\b") if mutant.scope else None
        naming = {file for file, text in self._text.items() if word and word.search(text)}
        return {
            name
            for name, test in self._tests.items()
            if mutant.file in test["opened"]
            or base in name
            or _file(name) in naming
            or (word and word.search(name))
        }

    def _of_constant(self, mutant: Mutant) -> set[str]:
        names: set[str] = set()
        seen, todo = {mutant.name}, [mutant.name]
        while todo:
            for file, line, owner in self._users.get(todo.pop(), ()):
                names |= self._at(file, line)
                if owner and owner not in seen:
                    seen.add(owner)
                    todo.append(owner)
        word = re.compile(rf"\b{re.escape(mutant.name)}\b")
        # A text is searched many times faster than a pattern.
        texts = {file: text for file, text in self._text.items() if mutant.name in text}
        naming = {file for file, text in texts.items() if word.search(text)}
        names |= {name for name in self._tests if _file(name) in naming}
        if not names:
            names = {n for line in self._lines.get(mutant.file, {}).values() for n in line}
        return names & set(self._tests)

    def _within_time(self, names: set[str], mutant: Mutant) -> Choice:
        short = {n for n in names if self._tests[n]["seconds"] <= LONGEST_TEST}
        word = mutant.name or mutant.scope.rsplit(".", 1)[-1]
        mentioning = {file for file, text in self._text.items() if word and word in text}

        cases: Counter[str] = Counter()

        def rank(name: str) -> tuple[bool, bool, bool, float]:
            """Those that write a renamed text, those that bear the name, those in a file that mentions it; then the quickest.

            Further cases of one test mostly notice the same: each counts as longer than the one before.
            """
            mentions = _file(name) in mentioning
            test = name.partition("[")[0]
            cases[test] += 1
            cost = max(self._tests[name]["seconds"], 0.005) * cases[test] ** 0.5
            named = bool(word) and word in name
            return (not self._writes(name, mutant), not named, not mentions, cost)

        quickest = sorted(short or names, key=lambda name: (self._tests[name]["seconds"], name))
        ranked = sorted(quickest, key=rank)
        chosen, total = self._first(ranked, self._seconds)
        others = [name for name in ranked if name not in set(chosen)]
        more, _ = self._first(others, ALL_TESTS * self._seconds) if others else ([], 0.0)
        data = not mutant.file.endswith(".py")
        marked = data or any(self._tests[name]["features"] for name in names)
        times = {name: self._tests[name]["seconds"] for name in (*chosen, *more)}
        return Choice(chosen, total, marked, tuple(more), times)

    def _writes(self, test: str, mutant: Mutant) -> bool:
        """Tell whether a test writes the text that a mutant renames."""
        return mutant.kind == "name" and mutant.change.partition(" -> ")[0] in self._body(test)

    def _body(self, test: str) -> str:
        """Return the text of a test function with its cases."""
        file = _file(test)
        if file not in self._bodies:
            lines, bodies = self._text[file].splitlines(), self._bodies.setdefault(file, {})
            for node in ast.walk(ast.parse(self._text[file])):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                    bodies[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
        return self._bodies[file].get(test.partition("[")[0].rpartition("::")[2], "")

    def _first(self, ranked: list[str], limit: float) -> tuple[list[str], float]:
        """Return the first tests that fit into the time, at least one, and their time."""
        chosen, total = [], 0.0
        for name in ranked:
            seconds = self._tests[name]["seconds"]
            if chosen and total + seconds > limit:
                continue
            chosen.append(name)
            total += seconds
        return chosen, total

    def _uses(self) -> dict[str, list[tuple[str, int, str]]]:
        """Return where each name is used: file, line, and the constant that is made of it outside functions."""
        users: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        for file in self._lines:
            if not file.endswith(".py"):
                continue
            tree = ast.parse((self._root / file).read_bytes())
            inside = {
                id(inner)
                for node in ast.walk(tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                for inner in ast.walk(node)
                if inner is not node
            }
            for statement in ast.walk(tree):
                if not isinstance(statement, ast.stmt):
                    continue
                owner = _owner(statement) if id(statement) not in inside else ""
                for name, line in _names(statement):
                    users[name].append((file, line, owner))
        return users


def _file(test: str) -> str:
    return test.partition("::")[0]


def _owner(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return ""


def _names(statement: ast.stmt) -> list[tuple[str, int]]:
    found = []
    todo = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.append((node.id, node.lineno))
        elif isinstance(node, ast.Attribute):
            found.append((node.attr, node.lineno))
        elif isinstance(node, ast.keyword) and node.arg:
            found.append((node.arg, node.value.lineno))
        todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
    return found
