"""The tests here build the image, which takes minutes; `make test-image` runs them."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.image.engine import PACKAGES, Engine, missing_programs
from tests.image.project import Project
from tests.monitoring.real_prometheus import free_port

ROOT = Path(__file__).parents[2]


def pytest_ignore_collect(collection_path, config):
    if collection_path.name.startswith("test_") and not config.getoption("--image"):
        return True
    return None


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """Return the folder of the built image; TRIMTAB_IMAGE names one that `make image` has built."""
    if given := os.environ.get("TRIMTAB_IMAGE"):  # noqa: TID251 - says where the image is.
        return Path(given)
    folder = tmp_path_factory.mktemp("image")
    command = [sys.executable, ROOT / "deploy" / "image" / "build.py", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def registry_port():
    return free_port()


@pytest.fixture(scope="session")
def engine(registry_port):
    """Return Podman with a storage of its own; its paths are short, as sockets below it need."""
    lacking = missing_programs()
    assert not lacking, f"{lacking} are missing: apt-get install --no-install-recommends {PACKAGES}"
    folder = Path(tempfile.mkdtemp(prefix="pm", dir="/tmp"))
    engine = Engine(folder, f"127.0.0.1:{registry_port}")
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def loaded(engine, image):
    """Load the image by the documented command."""
    engine.type(f"docker load -i {image}/knowledgebeast.tar", ROOT)
    return engine


@pytest.fixture(scope="module")
def project(engine, tmp_path_factory):
    """Return a clone of the repository for Compose, whose containers and volumes go with the module."""
    project = Project(engine, tmp_path_factory.mktemp("clone") / "trimtab", free_port())
    yield project
    project.remove()
    shutil.rmtree(project.folder)
