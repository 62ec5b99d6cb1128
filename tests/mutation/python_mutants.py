"""Mutants of Python: thresholds, comparisons, names in outputs, dropped guards and calls."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.mutation.mutant import Mutant
from tests.mutation.numbers import moved

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_HIGHER: dict[type[ast.cmpop], bool] = {
    ast.Lt: True,
    ast.LtE: False,
    ast.Gt: False,
    ast.GtE: True,
}
"""Whether a higher number at the right lets more pass, or less, wherever the changed comparison does."""
_NAMED = re.compile(r"(?:--)?[a-zA-Z][\w./-]{2,60}")
_NAMING_CALLS = {
    "Counter", "Gauge", "Histogram", "Summary", "Signal", "Signals", "Action", "Fault", "Option",
    "command", "Typer", "add_typer",
}  # fmt: skip
_UNOBSERVED = {"indent", "stacklevel", "timeout", "width", "maxsize", "min_width", "max_width"}
"""Arguments whose numbers decide how long something takes or how it is laid out, not what comes out."""
_LOGGERS = {"log", "_log", "logger", "_logger", "LOG", "_LOG"}
_TRIVIAL = {"append", "extend", "add"}
"""Calls whose loss nearly every test sees; trying each would cost the time that thresholds need."""
_FINDINGS = re.compile(r"^(?:Iterator|list|tuple)\[(?:Finding|Finding, \.\.\.)\]$")
"""What a validator returns: its early return finds nothing."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


class PythonMutants:
    """Finds the mutants of one module."""

    def __init__(self, file: str, content: bytes) -> None:
        self._file, self._content = file, content
        self._lines = content.splitlines(keepends=True)
        self._offsets = [0]
        for line in self._lines:
            self._offsets.append(self._offsets[-1] + len(line))
        self._tree = ast.parse(content)
        self._parents = {
            child: node for node in ast.walk(self._tree) for child in ast.iter_child_nodes(node)
        }

        self._finders: list[tuple[Any, Any]] = [
            (ast.Constant, self._constants),
            (ast.Compare, self._comparisons),
            (ast.If, self._guards),
            (ast.Expr, self._calls),
            (ast.BoolOp, self._boolean),
            (ast.UnaryOp, self._negations),
            (Function, self._early_return),
        ]

    def all(self) -> list[Mutant]:
        """Return every mutant in the order of the file."""
        found = [mutant for node in ast.walk(self._tree) for mutant in self._of(node)]
        return sorted(found, key=lambda mutant: (mutant.start, mutant.change))

    def _of(self, node: ast.AST) -> Iterator[Mutant]:
        if self._is_annotation(node):
            return
        for kinds, find in self._finders:
            if isinstance(node, kinds):
                yield from find(node)

    # What is changed

    def _constants(self, node: ast.Constant) -> Iterator[Mutant]:
        if isinstance(node.value, bool):
            yield from self._flipped(node)
        elif isinstance(node.value, int | float):
            yield from self._numbers(node)
        elif isinstance(node.value, str):
            yield from self._names(node)

    def _negations(self, node: ast.UnaryOp) -> Iterator[Mutant]:
        if isinstance(node.op, ast.Not):
            yield self._make(node, node, self._text(node.operand), "logic", "drop not")

    def _flipped(self, node: ast.Constant) -> Iterator[Mutant]:
        if isinstance(self._parents.get(node), ast.Return):
            yield self._make(node, node, str(not node.value), "return", f"return {not node.value}")

    def _numbers(self, node: ast.Constant) -> Iterator[Mutant]:
        parent = self._parents.get(node)
        whole: ast.AST = node
        if isinstance(parent, ast.UnaryOp):
            whole, parent = parent, self._parents.get(parent)
        if isinstance(parent, ast.Subscript | ast.Slice | ast.FormattedValue | None):
            return
        if isinstance(parent, ast.BinOp) and not self._is_constant(parent):
            return
        if isinstance(parent, ast.keyword) and parent.arg in _UNOBSERVED:
            return
        if isinstance(parent, ast.Call) and not isinstance(whole, ast.keyword):
            called = self._called(parent)
            if called in {"range", "round", "enumerate", "Depth"}:
                return
        both = isinstance(parent, ast.Compare) or self._scope(node)[1] != ""
        implied = self._implied_by_comparison(node, parent) if whole is node else None
        for value in moved(node.value, both=both):
            made = self._make(node, node, value, "threshold", f"{self._text(node)} -> {value}")
            higher = float(value) > node.value
            yield replace(made, implied=implied[1]) if implied and implied[0] is higher else made

    def _implied_by_comparison(
        self, node: ast.AST, parent: ast.AST
    ) -> tuple[bool, tuple[str, int]] | None:
        """Return whether the higher number, or the lower one, differs wherever the changed comparison does.

        Who notices `x >= 5` in place of `x > 5` tries 5, and notices `x > 4`, too.
        """
        if not isinstance(parent, ast.Compare) or len(parent.ops) != 1:
            return None
        right = node is parent.comparators[0]
        operator = type(parent.ops[0])
        if operator not in _HIGHER:
            return None
        return _HIGHER[operator] is right, ("comparison", self._end(parent.left))

    def _names(self, node: ast.Constant) -> Iterator[Mutant]:
        if not _NAMED.fullmatch(node.value) or not self._names_something(node):
            return
        text = self._text(node)
        if text[:1] not in "\"'" or text[:3] in ('"""', "'''"):
            return
        renamed = f"{text[:-1]}_renamed{text[-1]}"
        yield self._make(node, node, renamed, "name", f"{text} -> {renamed}")

    def _names_something(self, node: ast.Constant) -> bool:
        parent = self._parents.get(node)
        if isinstance(parent, ast.Dict):
            return node in parent.keys
        if isinstance(parent, ast.Call):
            return self._called(parent) in _NAMING_CALLS
        if isinstance(parent, ast.Assign | ast.AnnAssign):
            return isinstance(self._parents.get(parent), ast.ClassDef | ast.Module)
        return (
            isinstance(parent, ast.Subscript)
            and isinstance(parent.ctx, ast.Store)
            and parent.slice is node
        )

    def _comparisons(self, node: ast.Compare) -> Iterator[Mutant]:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            old, new = _COMPARISONS[type(operator)]
            start, end = self._end(left), self._start(right)
            between = self._content[start:end].decode()
            changed = re.sub(rf"(?<![\w<>=!]){re.escape(old)}(?![\w<>=])", new, between, count=1)
            if changed != between:
                made = self._span(node, start, end, changed, "comparison", f"{old} -> {new}")
                yield replace(made, implied=self._implied_by_guard(node))
            left = right

    def _implied_by_guard(self, node: ast.Compare) -> tuple[str, int] | None:
        """Return the guard whose loss is noticed only where the opposite of an equality differs, too."""
        parent = self._parents.get(node)
        guards = isinstance(parent, ast.If) and parent.test is node and list(self._guards(parent))
        if not guards or len(node.ops) != 1 or type(node.ops[0]) in _HIGHER:
            return None
        return ("guard", self._start(node))

    def _guards(self, node: ast.If) -> Iterator[Mutant]:
        leaves = isinstance(node.body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break)
        if leaves or not node.orelse:
            yield self._make(node, node.test, "False", "guard", f"never: {self._text(node.test)}")

    def _calls(self, node: ast.Expr) -> Iterator[Mutant]:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if not isinstance(call, ast.Call):
            return
        function = call.func
        if isinstance(function, ast.Attribute):
            root = function.value
            logs = isinstance(root, ast.Name) and root.id in _LOGGERS
            builds = isinstance(root, ast.Call) and self._called(root) == "super"
            if logs or builds or function.attr in _TRIVIAL:
                return
        yield self._make(node, node, "pass", "call", f"drop {self._text(node)}")

    def _boolean(self, node: ast.BoolOp) -> Iterator[Mutant]:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            start, end = self._end(left), self._start(right)
            between = self._content[start:end].decode()
            changed = re.sub(rf"\b{old}\b", new, between, count=1)
            if changed != between:
                yield self._span(left, start, end, changed, "logic", f"{old} -> {new}")

    def _early_return(self, node: Function) -> Iterator[Mutant]:
        body = node.body[1:] if ast.get_docstring(node) else node.body
        plain = isinstance(node.returns, ast.Constant) and node.returns.value is None
        finds = node.returns is not None and _FINDINGS.search(self._text(node.returns))
        yields = any(isinstance(x, ast.Yield | ast.YieldFrom) for x in ast.walk(node))
        if not body or not (finds or (plain and not yields)):
            return
        if not finds and len(body) == 1 and isinstance(body[0], ast.Expr | ast.Pass):
            return  # The call in it is dropped at its own line.
        start = self._start(body[0])
        if isinstance(body[0], Function | ast.ClassDef) and body[0].decorator_list:
            start = self._start(body[0].decorator_list[0]) - 1
        nothing = "return" if yields or not finds else "return ()"
        added = f"{nothing}\n{' ' * body[0].col_offset}"
        yield self._span(body[0], start, start, added, "return", f"return first in {node.name}")

    # Where it stands

    def _text(self, node: ast.AST) -> str:
        return self._content[self._start(node) : self._end(node)].decode()

    def _offset(self, line: int, column: int) -> int:
        return self._offsets[line - 1] + column

    def _start(self, node: ast.AST) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: ast.AST) -> int:
        return self._offset(node.end_lineno, node.end_col_offset)

    def _called(self, call: ast.Call) -> str:
        function = call.func
        if isinstance(function, ast.Attribute):
            return function.attr
        return function.id if isinstance(function, ast.Name) else ""

    def _is_constant(self, node: ast.AST) -> bool:
        return all(isinstance(x, ast.BinOp | ast.Constant | ast.operator) for x in ast.walk(node))

    def _is_annotation(self, node: ast.AST) -> bool:
        child, parent = node, self._parents.get(node)
        while parent is not None and not isinstance(parent, ast.stmt):
            if isinstance(parent, ast.arg):
                return True
            child, parent = parent, self._parents.get(parent)
        if isinstance(parent, ast.AnnAssign):
            return child is parent.annotation
        return isinstance(parent, Function) and child is parent.returns

    def _scope(self, node: ast.AST) -> tuple[str, str]:
        """Return the functions and classes around a node, and the constant it belongs to outside functions.

        Defaults and decorators run once, at the import: what they belong to is the function, wherever it is used.
        """
        names: list[str] = []
        constant, inside = "", False
        current: ast.AST | None = node
        below: ast.AST = node
        while current is not None:
            if isinstance(current, Function | ast.ClassDef):
                names.insert(0, current.name)
                inside = inside or (isinstance(current, Function) and below in current.body)
            elif isinstance(current, ast.Assign | ast.AnnAssign) and not inside:
                targets = current.targets if isinstance(current, ast.Assign) else [current.target]
                constant = next((t.id for t in targets if isinstance(t, ast.Name)), "")
            below, current = current, self._parents.get(current)
        if inside:
            constant = ""
        elif not constant:
            constant = names[-1] if names else "<module>"
        return ".".join(names), constant

    def _make(self, node: ast.AST, span: ast.AST, text: str, kind: str, change: str) -> Mutant:
        return self._span(node, self._start(span), self._end(span), text, kind, change)

    def _span(
        self, node: ast.AST, start: int, end: int, text: str, kind: str, change: str
    ) -> Mutant:
        scope, constant = self._scope(node)
        return Mutant(
            file=self._file,
            line=node.lineno,
            start=start,
            end=end,
            text=text,
            kind=kind,
            change=change,
            scope=scope,
            source=self._lines[node.lineno - 1].decode().strip(),
            name=constant,
        )
