"""Which files are changed for each domain, and which tests may notice it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COPIED = (
    "src", "tests", "rules", "library", "schemas", "docs", "benchmarks", "requirements",
    "pyproject.toml", "gates.yaml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
    "NOTICE", "Makefile", "mkdocs.yml",
)  # fmt: skip


@dataclass(frozen=True)
class Domain:
    """Patterns of the files that are mutated and of the test files that are run."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


def _of_package(name: str, *tests: str) -> Domain:
    return Domain((f"src/trimtab/{name}/**/*.py",), (f"tests/{name}/**/test_*.py", *tests))


DOMAINS = {
    "rules": Domain(
        ("rules/*.yml",),
        (
            "tests/monitoring/test_rule*.py",
            "tests/monitoring/test_shipped*.py",
            "tests/monitoring/test_boundaries.py",
            "tests/answers/test_alerts.py",
            "tests/knowledge/test_escalations.py",
        ),
    ),
    "incidents": Domain(
        ("src/trimtab/incidents/**/*.py", "src/trimtab/incidents/*.yaml"),
        (
            "tests/incidents/test_*.py",
            "tests/incidents/anomaly/test_*.py",
            "tests/incidents/intake/test_bounds.py",
            "tests/incidents/intake/test_merging.py",
            "tests/incidents/intake/test_receiving.py",
            "tests/incidents/intake/test_reporting.py",
            "tests/incidents/intake/test_store.py",
            "tests/incidents/intake/test_suppression.py",
            "tests/incidents/intake/test_webhooks.py",
            "tests/incidents/intake/test_windows.py",
            "tests/incidents/oncall/test_*.py",
            "tests/incidents/rca/test_*.py",
            "tests/api/test_incidents.py",
            "tests/drills/test_shipped_proofs.py",
        ),
    ),
    "audit": Domain(
        ("src/trimtab/infra/audit*.py",),
        ("tests/infra/test_audit*.py", "tests/infra/test_trust.py"),
    ),
    "gates": _of_package("gates"),
    "evaluator": Domain(("src/trimtab/monitoring/*.py",), ("tests/monitoring/test_*.py",)),
    "models": Domain(
        (
            "src/trimtab/models/monitoring/*.py",
            "src/trimtab/models/retraining/*.py",
        ),
        ("tests/models/monitoring/test_*.py", "tests/models/retraining/test_*.py"),
    ),
    "pages": Domain(
        ("library/*.md",),
        (
            "tests/runbooks/test_*.py",
            "tests/knowledge/test_library.py",
            "tests/gates/test_operable.py",
            "tests/answers/test_operable.py",
            "tests/app/test_procedures.py",
        ),
    ),
    "settings": Domain(
        ("src/trimtab/infra/settings/sections/*.py",),
        ("tests/infra/test_settings.py", "tests/knowledge/test_settings.py"),
    ),
    "answers": _of_package("answers", "tests/api/test_streaming.py"),
    "knowledge": _of_package("knowledge"),
    "guardrails": _of_package("guardrails", "tests/text/test_*.py"),
    "notify": Domain(("src/trimtab/infra/notify/*.py",), ("tests/infra/test_notify.py",)),
    "runbooks": _of_package("runbooks"),
    "cli": _of_package("cli"),
    "api": _of_package("api"),
}
CAMPAIGNS = ("torture", "test_browser")
"""Tests that are long campaigns of their own, or need a browser: never run for a mutant."""
INJECTIONS = ("/faults.py", "/selftest/")
"""Code that breaks things on purpose: the drills and the self-test judge it, and no feature is made of it."""


def _matching(patterns: tuple[str, ...], root: Path) -> list[str]:
    found = {
        str(path.relative_to(root))
        for pattern in patterns
        for path in root.glob(pattern)
        if path.is_file()
    }
    return sorted(path for path in found if not any(part in path for part in CAMPAIGNS))


def source_files(domain: str, root: Path = ROOT) -> list[str]:
    """Return the files of the domain that are mutated, relative to the root."""
    found = _matching(DOMAINS[domain].sources, root)
    return [path for path in found if not any(part in path for part in INJECTIONS)]


def files_of_tests(domain: str, root: Path = ROOT) -> list[str]:
    """Return the test files of the domain, relative to the root."""
    return _matching(DOMAINS[domain].tests, root)


def helper_files(root: Path = ROOT) -> list[str]:
    """Return what the tests are made of beside themselves: modules, cases and inputs, relative to the root."""
    left_out = {"__pycache__", "mutation"}
    return sorted(
        str(path.relative_to(root))
        for path in (root / "tests").rglob("*")
        if path.is_file()
        and not path.name.startswith("test_")
        and left_out.isdisjoint(path.relative_to(root).parts)
    )


def helpers_of(test: str, helpers: list[str], root: Path = ROOT) -> list[str]:
    """Return the helpers of one test file: modules that it imports, conftest files, and data in the folders of both."""
    folders = [str(parent) for parent in Path(test).parents]
    found = {path for path in helpers if path.endswith("conftest.py")}
    found = {path for path in found if str(Path(path).parent) in folders}
    todo, modules = [test, *found], set(helpers)
    while todo:
        for path in _imported(todo.pop(), root):
            if path in modules and path not in found:
                found.add(path)
                todo.append(path)
    beside = {"/".join(path.split("/")[:2]) + "/" for path in (test, *found)}
    data = {path for path in helpers if not path.endswith(".py")}
    return sorted(found | {path for path in data if path.startswith(tuple(beside))})


def _imported(path: str, root: Path) -> Iterator[str]:
    """Yield where the modules that a file imports would lie below the root."""
    for node in ast.walk(ast.parse((root / path).read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.startswith("tests."):
                base = name.replace(".", "/")
                yield from (f"{base}.py", f"{base}/__init__.py")
