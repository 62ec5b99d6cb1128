"""The import contracts name every package that they are about, also one that is added later."""

import tomllib
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
    assert set(contract.get("skip_descendants", ())) <= {"trimtab.knowledge"}
    assert "ignore_imports" not in contract
