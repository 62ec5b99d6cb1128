"""Puts a changed constant into the modules of a process that have imported it.

Only a constant that nothing used while modules were imported can be exchanged: neither a module, a class, a default
or a decorator, nor a function that was called then.
"""

import ast
import dataclasses
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

Binding = tuple[dict, str, object]
"""A module's names, the name of a constant and its new value."""
_BUILDERS = (dict, frozenset, list, set, tuple, re.compile, timedelta, Path)
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Constants:
    """The names that a folder's modules used while they were imported, and where constants are imported from."""

    def __init__(self, folder: Path, called: set[tuple[str, int]]) -> None:
        self._called = called
        self._modules: dict[str, ModuleType] = {}
        self._imports: list[tuple[str, ast.ImportFrom]] = []
        self._used: set[str] = set()
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file.startswith(f"{folder}/") and file.endswith(".py"):
                tree = ast.parse(Path(file).read_bytes())
                self._modules[name] = module
                found = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
                self._imports += [(name, node) for node in found]
                self._used |= set(self._names(file, tree))

    def change(self, path: Path, old: str, new: str) -> list[Binding] | None:
        """Return where to put the new value of the one constant that differs, or None when that is not all."""
        changed = _changed(old, new)
        module = next((m for m in self._modules.values() if m.__file__ == str(path)), None)
        if changed is None or module is None or changed[0] in self._used:
            return None
        name, expression = changed
        holders = self._holders(module.__name__, name)
        if holders is None or not _is_plain(expression, vars(module)):
            return None
        code = compile(ast.Expression(expression), str(path), "eval", dont_inherit=True)
        try:
            value = eval(code, dict(vars(module)))
        except Exception:  # noqa: BLE001 - it fails as the import would: let the import be tried.
            return None
        return [(vars(holder), name, value) for holder in holders]

    def _names(self, file: str, node: ast.AST) -> Iterator[str]:
        """Yield the names that the import of a file has looked up."""
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, _FUNCTIONS):
            decorators = getattr(node, "decorator_list", [])
            line = decorators[0].lineno if decorators else node.lineno
            if (file, line) not in self._called:
                body = node.body if isinstance(node.body, list) else [node.body]
                children = [child for child in children if child not in body]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        for child in children:
            yield from self._names(file, child)

    def _holders(self, source: str, name: str) -> list[ModuleType] | None:
        """Return the modules that have the constant of a module; None when one of them renames it."""
        found = {source}
        while True:
            more = set(found)
            for holder, node in self._imports:
                if node.module not in found:
                    continue
                names = {alias.name: alias.asname for alias in node.names}
                if names.get(name) or "*" in names:
                    return None
                if name in names and name in vars(self._modules[holder]):
                    more.add(holder)
            if more == found:
                return [self._modules[holder] for holder in sorted(found)]
            found = more


def _changed(old: str, new: str) -> tuple[str, ast.expr] | None:
    """Return the name and the new value of the one assignment of the module that differs."""
    before, after = ast.parse(old).body, ast.parse(new).body
    if len(before) != len(after):
        return None
    pairs = zip(before, after, strict=True)
    differing = [(a, b) for a, b in pairs if ast.dump(a) != ast.dump(b)]
    if len(differing) != 1:
        return None
    (first, second) = differing[0]
    target = _target(first)
    if target is None or target != _target(second):
        return None
    return target, second.value


def _target(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _is_plain(expression: ast.expr, names: dict) -> bool:
    """Tell whether an expression only builds a value, so that it may be built twice."""
    calls = [node.func for node in ast.walk(expression) if isinstance(node, ast.Call)]
    if any(isinstance(node, ast.Lambda) for node in ast.walk(expression)):
        return False
    return all(_builds(_looked_up(function, names)) for function in calls)


def _looked_up(function: ast.expr, names: dict) -> object:
    if isinstance(function, ast.Name):
        builtins = names.get("__builtins__", {})
        return names.get(function.id, builtins.get(function.id))
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return getattr(names.get(function.value.id), function.attr, None)
    return None


def _builds(called: object) -> bool:
    if called in _BUILDERS:
        return True
    if not isinstance(called, type):
        return False
    record = dataclasses.is_dataclass(called) and not hasattr(called, "__post_init__")
    return record or (issubclass(called, tuple) and hasattr(called, "_fields"))
