"""The manual is complete: what a user can meet stands on the page of its domain."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import trimtab
from trimtab.infra.settings import Settings, rows
from trimtab.kernel.errors import TrimtabError

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def _all_errors():
    for module in pkgutil.walk_packages(trimtab.__path__, "trimtab."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)  # noqa: TID251 - the test looks at every module.
    found, waiting = set(), [TrimtabError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if error.__module__.startswith("trimtab."):
            found.add(error.code)
    return sorted(found)


@pytest.fixture(scope="module")
def manual():
    return "\n".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md")))


def test_every_setting_is_in_the_manual(manual):
    assert [row.name for row in rows(Settings) if f"`{row.name}`" not in manual] == []


def test_every_error_code_is_in_the_manual(manual):
    assert [code for code in _all_errors() if f"`{code}`" not in manual] == []


def test_every_page_is_in_the_navigation_once():
    listed = re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert sorted(listed) == sorted(pages)


def test_every_dependency_has_a_reason():
    table = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = project.split("dependencies = [")[1].split("\n]")[0]
    names = [
        re.split(r">=|\[", line.strip().strip('",'))[0]
        for line in declared.splitlines()
        if line.strip()
    ]
    assert [name for name in names if f"{name} |" not in table and f"{name}," not in table] == []


def test_no_lock_file_holds_an_address():
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert len(locks) >= 3
    assert [lock.name for lock in locks if "://" in lock.read_text(encoding="utf-8")] == []
