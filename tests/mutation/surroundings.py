"""What a result holds for: the function or the rule that was changed, else the whole file."""

import ast
import hashlib

from tests.mutation.data_mutants import HEADING
from tests.mutation.mutant import Mutant

Span = tuple[int, int]
"""First and last line, from 1."""


class Surroundings:
    """The functions of a module, or the rules of a data file.

    Args:
        file: Its name.
        content: What it holds.
    """

    def __init__(self, file: str, content: bytes) -> None:
        self._lines = content.splitlines(keepends=True)
        self._spans = _functions(ast.parse(content)) if file.endswith(".py") else _rules(content)

    def digest(self, mutant: Mutant) -> str:
        """Return a digest of the function or the rule around a mutant, or of the file when there is none."""
        whole = (1, len(self._lines))
        spans = [(a, b) for a, b in self._spans if a <= mutant.line <= b] or [whole]
        # What is built while a module is imported may be used by all of it.
        imported = mutant.file.endswith(".py") and mutant.name
        first, last = whole if imported else spans[0]
        return hashlib.sha256(b"".join(self._lines[first - 1 : last])).hexdigest()[:16]


def _functions(node: ast.AST) -> list[Span]:
    """Return where functions and methods stand, without those inside others."""
    found: list[Span] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
            found.append((first, child.end_lineno or first))
        else:
            found += _functions(child)
    return found


def _rules(content: bytes) -> list[Span]:
    text = content.decode()
    starts = [text.count("\n", 0, found.start("name")) + 1 for found in HEADING.finditer(text)]
    ends = [start - 1 for start in starts[1:]] + [text.count("\n") + 1]
    return list(zip(starts, ends, strict=True))
