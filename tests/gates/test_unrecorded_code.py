"""Installed code that no RECORD lists is part of the bill of materials: editable sources, loose modules, .pth files."""

import orjson
import pytest

from trimtab.gates.selftest.sample_project import add_package
from trimtab.gates.supply_chain import Installed, make_sbom, unrecorded, verify_sbom


@pytest.fixture
def site(world):
    return world.root / "site"


@pytest.fixture
def editable(world, site, tmp_path):
    """Installs the package `delta` as editable; returns its project directory."""
    project = tmp_path / "delta project"
    code = project / "src" / "delta"
    code.mkdir(parents=True)
    (code / "__init__.py").write_text("x = 1\n")
    add_package(site, "delta", "1.0+local.1")
    (site / "delta" / "__init__.py").unlink()
    (site / "delta").rmdir()
    about = site / "delta-1.0+local.1.dist-info"
    pth = site / "__editable__.delta.pth"
    pth.write_text(f"{project / 'src'}\n")
    (about / "RECORD").write_text(f"{pth.name},,\n{about.name}/METADATA,,\n")
    url = project.as_uri()
    (about / "direct_url.json").write_bytes(orjson.dumps({"dir_info": {"editable": True}, "url": url}))  # fmt: skip
    return project


def _listed(world, site):
    bom = make_sbom(world.project, Installed([site]), world.clock.now())
    world.project.sbom.write_bytes(orjson.dumps(bom))
    return bom


def _found(world, site):
    return {f"{f.path} {f.message}" for f in verify_sbom(world.project, Installed([site]))}


def test_a_changed_source_of_an_editable_package_is_found(world, site, editable):
    _listed(world, site)
    assert _found(world, site) == set()
    (editable / "src" / "delta" / "__init__.py").write_text("x = 2\n")
    (found,) = _found(world, site)
    assert "pkg:pypi/delta@1.0%2Blocal.1 has another hash than listed" in found


@pytest.mark.parametrize("name", ["src/delta/new.py", "src/delta/native.so", "src/delta/data.json"])
def test_a_new_file_of_an_editable_package_is_found(world, site, editable, name):
    _listed(world, site)
    (editable / name).write_text("1")
    assert any("another hash" in line for line in _found(world, site))


def test_byte_code_and_environments_beside_the_sources_do_not_count(world, site, editable):
    (site / "__editable__.delta.pth").write_text("")
    _listed(world, site)
    for name in (".venv/x.py", "env/x.py", "build/x.py", "src/__pycache__/x.pyc", ".git/config"):
        path = editable / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    (editable / "env" / "pyvenv.cfg").touch()
    assert _found(world, site) == set()


def test_the_sources_of_a_finder_are_hashed(world, site, editable):
    (site / "__editable__.delta.pth").write_text("import __editable___delta_finder\n")
    finder = site / "__editable___delta_finder.py"
    finder.write_text(
        f"MAPPING: dict[str, str] = {{'delta': {str(editable / 'src' / 'delta')!r}}}\n"
    )
    record = site / "delta-1.0+local.1.dist-info" / "RECORD"
    record.write_text(record.read_text() + f"{finder.name},,\n")
    _listed(world, site)
    (editable / "unrelated.py").write_text("1")
    assert _found(world, site) == set()
    (editable / "src" / "delta" / "__init__.py").write_text("x = 2\n")
    assert any("another hash" in line for line in _found(world, site))


def test_an_editable_package_whose_sources_are_gone_says_that_it_is_not_covered(
    world, site, editable
):
    editable.rename(editable.with_name("elsewhere"))
    bom = _listed(world, site)
    (component,) = [c for c in bom["components"] if c["name"] == "delta"]
    assert "trimtab:not-covered" in {entry["name"] for entry in component["properties"]}
    assert any("delta is not covered" in line for line in _found(world, site))


@pytest.mark.parametrize("name", ["evil.pth", "loose.py", "sitecustomize.py", "folder/module.py", "native.so"])  # fmt: skip
def test_a_loose_file_in_the_site_directory_is_found_when_it_comes_changes_and_goes(
    world, site, name
):
    path = site / name
    top = f"site-packages/{name.split('/')[0]}"
    path.parent.mkdir(exist_ok=True)
    path.write_text("one")
    assert any(f"{top} is there, but not listed" in line for line in _found(world, site))
    _listed(world, site)
    assert _found(world, site) == set()
    path.write_text("two")
    assert any(f"{top} has another hash" in line for line in _found(world, site))
    path.unlink()
    assert any(f"{top} is listed, but not there" in line for line in _found(world, site))


def test_a_file_added_to_an_installed_package_is_found(world, site):
    (site / "alpha" / "extra.py").write_text("1")
    assert any(
        "site-packages/alpha is there, but not listed" in line for line in _found(world, site)
    )


@pytest.mark.parametrize(("limit", "covered"), [(2, True), (1, False)])
def test_sources_are_hashed_up_to_a_count_of_files(site, editable, monkeypatch, limit, covered):
    assert unrecorded.MAX_FILES == 20_000
    (editable / "src" / "delta" / "more.py").write_text("x = 1\n")
    monkeypatch.setattr(unrecorded, "MAX_FILES", limit)
    package = next(p for p in Installed([site]).packages if p.name == "delta")
    assert (package.sources is not None) is covered


def test_an_editable_package_without_a_source_file_is_not_covered(site, editable):
    (editable / "src" / "delta" / "__init__.py").unlink()
    package = next(p for p in Installed([site]).packages if p.name == "delta")
    assert (package.editable, package.sources) == (True, None)


@pytest.mark.parametrize(("enabled", "on_path", "named"), [(True, True, True), (True, False, False), (False, True, False)])  # fmt: skip
def test_the_users_own_site_directory_counts_when_python_searches_it(
    tmp_path, monkeypatch, enabled, on_path, named
):
    monkeypatch.setattr("site.ENABLE_USER_SITE", enabled)
    monkeypatch.setattr("site.USER_SITE", str(tmp_path))
    if on_path:
        monkeypatch.syspath_prepend(str(tmp_path))
    assert (tmp_path in unrecorded.site_directories()) is named


def test_only_path_files_at_the_top_that_are_there_point_at_sources(site, editable, tmp_path):
    before = next(p for p in Installed([site]).packages if p.name == "delta").sources
    about = site / "delta-1.0+local.1.dist-info"
    nested = about / "nested.pth"
    nested.write_text(f"{editable}\n")
    (editable / "setup.py").write_text("x = 1\n")
    record = about / "RECORD"
    record.write_text(record.read_text() + f"gone.pth,,\n{about.name}/nested.pth,,\n")
    after = next(p for p in Installed([site]).packages if p.name == "delta").sources
    assert after == before


def test_a_finder_may_point_at_a_single_module(site, editable):
    (site / "__editable__.delta.pth").write_text("import __editable___delta_finder\n")
    (editable / "delta.py").write_text("x = 1\n")
    finder = site / "__editable___delta_finder.py"
    finder.write_text(f"MAPPING: dict[str, str] = {{'delta': {str(editable / 'delta.py')!r}}}\n")
    record = site / "delta-1.0+local.1.dist-info" / "RECORD"
    record.write_text(record.read_text() + f"{finder.name},,\n")
    package = next(p for p in Installed([site]).packages if p.name == "delta")
    assert set(package.sources) == {"delta.py"}


def test_a_file_that_is_deleted_while_its_folder_is_read_does_not_count(tmp_path):
    for name in ("first.py", "second.py"):
        (tmp_path / name).write_text("")
    found = unrecorded._code_files([tmp_path])
    assert next(found) == str(tmp_path / "first.py")
    (tmp_path / "second.py").unlink()
    assert list(found) == []
