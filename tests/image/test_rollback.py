"""Rollbacks of a release with an engine: by a checkout that is built, and by a tagged image of a registry."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path, PurePosixPath

import httpx
import pytest

from tests.image.project import ROOT

pytestmark = pytest.mark.timeout(3000)  # Two images are built of a hundred packages each.
FOLDER = PurePosixPath("/tmp/in")
BASE = "localhost/debian-python:bookworm"
"""A base of Debian's packages under its own name: no registry is at hand that has the Containerfile's."""
DEBIAN = (
    "python3", "python3-pip", "python3-venv", "python-is-python3", "libgomp1", "ca-certificates",
)  # fmt: skip
FORMER, NEXT = "0.1.0", "0.2.0"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
GUIDE = (ROOT / "docs" / "how-to" / "run-the-image.md").read_text(encoding="utf-8")


def documented(heading):
    """Return the lines of the code block that follows the words."""
    (block,) = re.findall(rf"{heading}.*?^```bash\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    return block


@pytest.fixture(scope="module")
def base(engine):
    """Put the base together: Debian with its Python, and the certificates that this machine trusts."""
    if engine.run("image", "exists", BASE, check=False).returncode == 0:
        return BASE
    archive = engine.folder / "python.tar"
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("man", "doc", "locale")]
    words = ["mmdebstrap", "--variant=apt", f"--include={','.join(DEBIAN)}", *excluded, "bookworm"]
    subprocess.run([*words, archive, *filter(Path.exists, [sources])], check=True)
    change = ("--change", "ENV PIP_BREAK_SYSTEM_PACKAGES=1")
    engine.run("import", *change, archive, "localhost/debian-python:plain")
    archive.unlink()
    folder = engine.folder / "base"
    folder.mkdir()
    shutil.copy(CERTIFICATES, folder / "ca.crt")
    (folder / "Containerfile").write_text(
        f"FROM localhost/debian-python:plain\nCOPY ca.crt {CERTIFICATES}\nENV PIP_CERT={CERTIFICATES}\n"
    )
    engine.run("build", "--tag", BASE, folder)
    return BASE


@pytest.fixture(scope="module")
def registry(engine, registry_port):
    """Start a registry on loopback; return its address."""
    data = engine.folder / "registry"
    config = engine.folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {data}}}}}\n"
        f"http: {{addr: 127.0.0.1:{registry_port}}}\n"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"127.0.0.1:{registry_port}"
    end = time.monotonic() + 60
    while True:
        try:
            assert httpx.get(f"http://{address}/v2/").status_code == 200
            break
        except httpx.TransportError:
            assert time.monotonic() < end
            time.sleep(0.2)
    yield address
    process.terminate()
    process.wait(30)


def version(project):
    return json.loads(project.trimtab("status", "--json"))["version"]


def know(project, name, text):
    project.put(FOLDER / f"{name}.txt", text.encode())
    project.trimtab("ingest", "ship", str(FOLDER))


def answers(project, question):
    return project.trimtab("ask", "ship", question, check=False)


@pytest.fixture(scope="module")
def released(project, base):
    """Release a next version over the former one, by a checkout that is built."""
    for name in ("pyproject.toml", "src/trimtab/__init__.py"):
        file = project.folder / name
        text = file.read_text()
        assert FORMER in text
        file.write_text(text.replace(f'"{FORMER}"', f'"{NEXT}"', 1))
    project.commit("next")
    project.type("docker compose up -d --build pipeline", PIPELINE_BASE=base)
    project.wait()
    project.trimtab("projects", "create", "ship")
    know(project, "keel", "The keel is made of 4 tons of lead.")
    return project


@pytest.mark.feature("F481")
def test_a_checkout_of_the_tag_before_is_built_and_finds_the_data(released, base):
    assert version(released) == NEXT
    released.type(documented("To build it from the tag"), PIPELINE_BASE=base)
    released.wait()
    assert version(released) == FORMER
    assert "4 tons of lead" in answers(released, "What is the keel made of?")


def test_a_tagged_image_of_a_registry_replaces_the_running_one(released, base, engine, registry):
    there = f"{registry}/knowledgebeast"
    for tag in ("former", "next"):
        released.git("checkout", "--quiet", tag)
        released.type("docker compose build pipeline", PIPELINE_BASE=base)
        engine.run("push", "knowledgebeast:latest", f"{there}:{tag}")
    commands = documented("From a registry").replace("registry.example", registry)
    released.type(commands.replace("=former", "=next"))
    released.wait()
    assert version(released) == NEXT
    know(released, "mast", "The mast is 21 metres high.")
    released.type(commands)
    released.wait()
    assert version(released) == FORMER
    image = engine.inspect(released.container, "{{.ImageName}}")
    assert image == f"{there}:former"
    assert "4 tons of lead" in answers(released, "What is the keel made of?")
    assert "21 metres" in answers(released, "How high is the mast?")
