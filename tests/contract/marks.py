"""Which features the tests say they prove, read from their sources: no test has to run for it."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent.parent
_FEATURE = re.compile(r"F\d{3}")


@cache
def marked_features(folder: Path = TESTS) -> set[str]:
    """Return the numbers of all features that a test below the folder is marked with."""
    found: set[str] = set()
    for file in sorted(folder.rglob("test_*.py")):
        found |= _marked_in(ast.parse(file.read_text(encoding="utf-8")))
    return found


def _marked_in(module: ast.Module) -> set[str]:
    marks = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "feature"
    ]
    arguments = [argument for mark in marks for argument in mark.args]
    constants = {arg.value for arg in arguments if isinstance(arg, ast.Constant)}
    if len(constants) == len({ast.dump(argument) for argument in arguments}):
        return constants
    # A table gives the numbers: every number that the module names is taken to be in it.
    return constants | {
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _FEATURE.fullmatch(node.value)
    }
