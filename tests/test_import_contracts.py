"""The import contracts name every package that they are about, also one that is added later."""

import ast
import tomllib
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "trimtab"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


def dotted(path):
    return ".".join(("trimtab", *path.relative_to(PACKAGE).with_suffix("").parts))


def protectors(module):
    """Return who may import the module, by every contract that protects it."""
    return [
        contract["allowed_importers"]
        for contract in CONTRACTS
        if contract["type"] == "protected"
        and any(fnmatch(module, pattern) for pattern in contract["protected_modules"])
    ]


def test_every_store_is_protected_for_its_own_domain_alone():
    stores = [path for path in PACKAGE.rglob("store*") if path.name in ("store", "store.py")]
    assert len(stores) >= 6
    for store in map(dotted, stores):
        domain = ".".join(store.split(".")[:2])
        assert protectors(store) == [[domain]], store


def test_the_faults_of_every_domain_are_protected():
    faults = [dotted(path) for path in PACKAGE.glob("*/faults.py") if path.parent.name != "api"]
    assert len(faults) >= 4
    for module in faults:
        assert protectors(module), module


def test_no_package_is_left_out_of_the_search_for_circles():
    (contract,) = (one for one in CONTRACTS if one["type"] == "acyclic_siblings")
    assert contract["ancestors"] == ["trimtab"]
    assert not {"skip_descendants", "ignore_imports"} & set(contract)


ADDRESSES = {("SpanExporter", "redirect")}
"""A setting that takes effect without a restart: a drill points it to a server of its own and back."""


def users_by_name():
    """Return, for each name that the package uses, the files that use it."""
    users = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                users[node.attr].add(path)
            elif isinstance(node, ast.Name):
                users[node.id].add(path)
    return users


def is_for_drills(path):
    return path.stem.endswith("faults") or "drill" in path.as_posix()


def methods(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    yield node.name, part.name


def test_no_class_of_the_service_has_a_method_that_only_faults_call():
    users = users_by_name()
    production = [path for path in PACKAGE.rglob("*.py") if not is_for_drills(path)]
    found = {
        (owner, name)
        for path in production
        for owner, name in methods(path)
        if users[name] and all(map(is_for_drills, users[name]))
    }
    assert found == ADDRESSES


def test_the_map_of_contributing_names_every_package():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    words = set(text.partition("## Map")[2].partition("```text")[2].partition("```")[0].split())
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert packages - words == set()
