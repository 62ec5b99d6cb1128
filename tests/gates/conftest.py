"""A sound project, built once for each test process and copied for each test."""

import pytest

from trimtab.gates.schema import check_report
from trimtab.gates.selftest.sample_project import build_sample_project


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    return build_sample_project(tmp_path_factory.mktemp("gates") / "sound")


@pytest.fixture
def world(sound, tmp_path, monkeypatch):
    copy = sound.copy_to(tmp_path / "project")
    # The commands look for the user's key ring.
    monkeypatch.setenv("TRIMTAB_GATES_KEYS", str(copy.project.keys))
    return copy


@pytest.fixture
def codes_of(world):
    """Runs one gate over the world as it is now and returns the codes of its findings."""

    def codes(check, **options):
        case = world.case(check_report(world.report_path.read_bytes()).report)
        return {found.code for found in check(case, **options).findings}

    return codes
