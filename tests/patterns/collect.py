"""Collects every regular expression of the package and how it is applied: run as a program, prints JSON.

Module-level patterns are recorded as they are compiled while every module is imported; those inside functions are read
from the source. How a pattern is applied (``match`` from one place, or a search from every place) is read from the
calls on the name that it is bound to.
"""

import ast
import collections
import functools
import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path

import trimtab

ROOT = Path(trimtab.__file__).parent
_FUNCTIONS = {
    "compile",
    "match",
    "fullmatch",
    "search",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}
_ANCHORED = {"match", "fullmatch"}


def main() -> None:
    """Print a list of `[where, pattern, flags, anchored, full]`."""
    found = {}
    for where, pattern, flags, methods in [*_compiled(), *_inline()]:
        anchored = bool(methods) and methods <= _ANCHORED
        full = anchored and methods == {"fullmatch"}
        key = (pattern, flags)
        if key not in found or not anchored:
            found[key] = [where, pattern, flags, anchored, full]
    json.dump(sorted(found.values()), sys.stdout)


def _compiled():
    """Yield what the modules compile while they are imported."""
    seen = []
    original = re._compile

    def record(pattern, flags):
        compiled = original(pattern, flags)
        frame = sys._getframe(2)
        if isinstance(compiled.pattern, str) and Path(frame.f_code.co_filename).is_relative_to(
            ROOT
        ):
            seen.append((frame.f_code.co_filename, frame.f_lineno, compiled))
        return compiled

    re._compile = record
    for module in pkgutil.walk_packages(trimtab.__path__, "trimtab."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)  # noqa: TID251 - to see every pattern.
    re._compile = original
    for file, line, compiled in seen:
        name, methods = _applied(Path(file), compiled)
        yield (
            f"{Path(file).relative_to(ROOT)}:{name or line}",
            compiled.pattern,
            compiled.flags,
            methods,
        )


def _applied(file, compiled):
    """Return the name that a module binds the pattern to, and the methods called on it in the package."""
    module = sys.modules.get(".".join(("trimtab", *file.relative_to(ROOT).with_suffix("").parts)))
    names = [name for name, value in vars(module).items() if value is compiled] if module else []
    methods = set()
    for name in names:
        users = [file] if name.startswith("_") else _files()
        methods |= {method for user in users for method in _methods(user, name)}
    return (names or [""])[0], methods


@functools.cache
def _files():
    return list(ROOT.rglob("*.py"))


@functools.cache
def _tree(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def _methods(file, name):
    for attribute in _uses(file).get(name, ()):
        yield (
            attribute
            if attribute in _FUNCTIONS
            else "search"
            if attribute != "pattern"
            else "match"
        )


@functools.cache
def _uses(file):
    """Return the attributes that a file takes of each name: `find` of `_WORD.find` and of `words._WORD.find`."""
    found = collections.defaultdict(set)
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = getattr(owner, "id", None) or getattr(owner, "attr", None)
            found[name].add(node.attr)
    return found


def _inline():
    """Yield the patterns that functions give to the module `re` as a literal."""
    for file in _files():
        for node in ast.walk(_tree(file)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if getattr(node.func.value, "id", "") != "re" or node.func.attr not in _FUNCTIONS:
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and node.func.attr != "compile":
                yield (
                    f"{file.relative_to(ROOT)}:{node.lineno}",
                    first.value,
                    int(re.compile(first.value, _flags(node)).flags),
                    {node.func.attr},
                )


def _flags(call):
    """Return the flags that the call names, as `re.IGNORECASE | re.DOTALL`."""
    attributes = (node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute))
    return functools.reduce(
        lambda flags, name: flags | int(getattr(re, name)), filter(str.isupper, attributes), 0
    )


if __name__ == "__main__":
    main()
