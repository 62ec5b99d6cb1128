"""What a worker imports before a change: nothing that the change concerns."""

import pytest

from tests.mutation import worker
from tests.mutation.domains import ROOT, source_files
from tests.mutation.imports import independent

MODULES = {
    "__init__.py": "",
    "plain.py": "import json\n",
    "changed.py": "from trimtab.plain import x\n",
    "user.py": "from trimtab import changed\n",
    "far.py": "import trimtab.user\n",
    "named.py": "from trimtab.changed import LIMIT\n",
    "late.py": "def f():\n    from trimtab import changed\n",
    "typed.py": "class A:\n    import trimtab.far\n",
    "part/__init__.py": "import trimtab.changed\n",
    "part/inner.py": "",
}


def test_what_never_imports_a_changed_module_is_independent_of_it(tmp_path):
    package = tmp_path / "src" / "trimtab"
    for name, text in MODULES.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    found = independent(package, ["src/trimtab/changed.py"])
    assert found == ["trimtab", "trimtab.late", "trimtab.plain"]


@pytest.mark.parametrize("domain", ["incidents", "audit", "gates"])
def test_most_of_the_package_is_independent_of_a_domain(domain):
    changed = source_files(domain)
    found = independent(ROOT / "src" / "trimtab", changed)
    own = {file.removeprefix("src/").removesuffix(".py").replace("/", ".") for file in changed}
    assert not own & set(found)
    assert "trimtab.kernel.clock" in found
    assert "trimtab.cli.main" not in found


@pytest.mark.parametrize(
    ("outcomes", "asked", "outcome"),
    [
        (["killed"], [["a::1", "b::1", "a::2"]], "killed"),
        (["survived", "killed"], [["a::1", "b::1", "a::2"], ["c::1", "d::1"]], "killed"),
        (["survived", "survived"], [["a::1", "b::1", "a::2"], ["c::1", "d::1"]], "survived"),
        (["error", "survived"], [["a::1", "b::1", "a::2"], ["c::1", "d::1"]], "survived"),
        (["survived", "error"], [["a::1", "b::1", "a::2"], ["c::1", "d::1"]], "survived"),
    ],
)
def test_few_test_files_are_imported_before_the_others(monkeypatch, outcomes, asked, outcome):
    seen = []

    def run_child(tests, limit):
        seen.append(tests)
        return {"outcome": outcomes[len(seen) - 1], "seconds": 1.0, "by": "", "limit": limit}

    monkeypatch.setattr(worker, "run_child", run_child)
    answer = worker.run_fresh(["a::1", "b::1", "c::1", "a::2", "d::1"], 60)
    assert (seen, answer["outcome"]) == (asked, outcome)
    assert answer["seconds"] in (1.0, float(len(asked)))
