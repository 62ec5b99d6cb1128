"""Which modules of a package never import a changed one, so that a process may import them before the change."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path


def independent(package: Path, changed: list[str]) -> list[str]:
    """Return the modules that do not import any of the changed files, even by others, while they are imported.

    Args:
        package: The folder of the package.
        changed: Files that may be changed, relative to the folder above ``package``'s parent.
    """
    files = {_name(path, package): path for path in package.rglob("*.py")}
    users: dict[str, set[str]] = defaultdict(set)
    for name, path in files.items():
        for used in _imported(ast.parse(path.read_bytes())):
            for module in _with_parents(used):
                users[module].add(name)
        for module in _with_parents(name.rpartition(".")[0]):
            users[module].add(name)
    root = package.parent.parent
    unsafe = {name for name, path in files.items() if str(path.relative_to(root)) in set(changed)}
    todo = list(unsafe)
    while todo:
        more = (users[todo.pop()] & set(files)) - unsafe
        unsafe |= more
        todo += more
    return sorted(set(files) - unsafe)


def _name(path: Path, package: Path) -> str:
    parts = [*path.relative_to(package.parent).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]


def _imported(node: ast.AST) -> Iterator[str]:
    """Yield what is imported outside functions: a module or, maybe, a name in one."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from _imported(child)
