"""The image: built without a container engine, unpacked, and started without a network."""

import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "run-the-image.md"
GUIDE_LINES = [
    line
    for block in re.findall(
        r"^```sh\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    for line in block.splitlines()
]
"""The commands of the guide, which create the project `ship`."""
ENTER = Path(__file__).with_name("enter.py")
pytestmark = pytest.mark.timeout(
    1800
)  # It is built of a hundred packages, maybe on a busy machine.


def read(folder, described):
    """Return a blob of the layout, whose digest must be that of its content."""
    data = (folder / "oci" / "blobs" / described["digest"].replace(":", "/")).read_bytes()
    assert described["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert described["size"] == len(data)
    return data


@pytest.fixture(scope="session")
def manifest(image):
    (listed,) = json.loads((image / "oci" / "index.json").read_bytes())["manifests"]
    assert listed["annotations"]["org.opencontainers.image.ref.name"] == "knowledgebeast:latest"
    return json.loads(read(image, listed))


@pytest.fixture(scope="session")
def config(image, manifest):
    return json.loads(read(image, manifest["config"]))


@pytest.fixture(scope="session")
def root(image, manifest, tmp_path_factory):
    """Unpack the layers into a folder, as an engine does."""
    folder = tmp_path_factory.mktemp("root")
    for layer in manifest["layers"]:
        blob = image / "oci" / "blobs" / layer["digest"].replace(":", "/")
        with tarfile.open(blob) as archive:
            archive.extractall(folder, numeric_owner=True, filter="fully_trusted")
    return folder


@pytest.mark.feature("F752")
def test_it_has_the_documented_name_and_is_a_valid_layout(image, manifest, config):
    assert json.loads((image / "oci" / "oci-layout").read_bytes()) == {
        "imageLayoutVersion": "1.0.0"
    }
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == 3
    for layer in manifest["layers"]:
        assert read(image, layer)[:2] == b"\x1f\x8b"
    assert config["config"]["User"] == "10001:10001"
    with tarfile.open(image / "knowledgebeast.tar") as archive:
        (listed,) = json.load(archive.extractfile("manifest.json"))
        assert listed["RepoTags"] == ["knowledgebeast:latest"]
        assert {listed["Config"], *listed["Layers"]} <= set(archive.getnames())


def test_no_layer_names_a_path_twice(image, manifest):
    """Podman refuses a layer that does."""
    for layer in manifest["layers"]:
        blob = image / "oci" / "blobs" / layer["digest"].replace(":", "/")
        with tarfile.open(blob) as archive:
            names = [name.removeprefix("./") for name in archive.getnames()]
        assert len(names) == len(set(names))


def test_nothing_of_the_machine_that_built_it_is_in_it(root):
    assert not (root / "etc" / "apt").exists()
    assert not (root / "etc" / "resolv.conf").exists()
    left = list(root.rglob("direct_url.json"))
    assert left == []
    own = root / "opt" / "trimtab" / "site-packages" / "trimtab"
    compiled = list(own.rglob("*.pyc"))
    assert len(compiled) > 500
    assert str(ROOT).encode() not in b"".join(file.read_bytes() for file in compiled)


def test_the_containerfile_makes_the_same_settings(config):
    text = (ROOT / "deploy" / "image" / "Containerfile").read_text().replace("\\\n", " ")
    last = text.rsplit("\nFROM ", 1)[1]
    variables = dict(
        word.split("=", 1)
        for line in re.findall(r"^ENV (.+)$", last, re.MULTILINE)
        for word in shlex.split(line)
    )
    ours = dict(each.split("=", 1) for each in config["config"]["Env"])
    ours.pop("PATH")
    assert variables == ours
    for name, key in (("ENTRYPOINT", "Entrypoint"), ("CMD", "Cmd")):
        (value,) = re.findall(rf"^{name} (.+)$", last, re.MULTILINE)
        assert json.loads(value) == config["config"][key]
    assert f"\nUSER {config['config']['User']}\n" in last
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert copied
    words = {each for line in copied for each in line.split()}
    assert [each for each in words if not (ROOT / each).exists()] == []
    # What the wheel is made of has to be there, and has to be sent to the engine.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = {"src", *project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]}
    assert parts <= words
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert {each.split("/")[0] for each in words} <= {each[1:] for each in sent if each[:1] == "!"}


class Container:
    """The command of the image in namespaces of its own."""

    def __init__(self, root, config):
        self._root, self._config = root, config["config"]
        user = self._config["User"].partition(":")[0]
        command = [*self._config["Entrypoint"], *self._config["Cmd"]]
        self.process = subprocess.Popen(
            [
                *("unshare", "--mount", "--net", "--ipc", "--pid", "--fork"),
                *(sys.executable, ENTER, root, user, *command),
            ],
            stderr=subprocess.PIPE, text=True, env=self._environment(),
        )  # fmt: skip
        self.said, self._ready = [], threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _environment(self):
        return dict(each.split("=", 1) for each in self._config["Env"])

    def _listen(self):
        for line in self.process.stderr:
            self.said.append(line)
            if "Console:" in line:
                self._ready.set()
        self._ready.set()

    def wait(self):
        assert self._ready.wait(600), "".join(self.said)
        assert self.process.poll() is None, "".join(self.said)

    @property
    def first(self):
        """Return the process id that the first process of the container has outside of it."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(task.read_text().split()[0])

    def run(self, *words):
        """Run another command in the container."""
        done = subprocess.run(
            [
                *("nsenter", f"--target={self.first}", "--mount", "--net", "--pid"),
                *(shutil.which("chroot"), "--userspec=10001:10001", self._root, *words),
            ],
            capture_output=True, text=True, check=False, env=self._environment(), timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self):
        """Ask it to stop, as an engine does, and return its exit code."""
        os.kill(self.first, signal.SIGTERM)
        return self.process.wait(120)


@contextlib.contextmanager
def started(root, config):
    container = Container(root, config)
    try:
        container.wait()
        yield container
    finally:
        # The first process of the namespace ends all others; `unshare` alone would leave them, as they changed their user.
        if container.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(container.first, signal.SIGKILL)
            container.process.wait(60)
        container._listener.join(10)
        container.process.stderr.close()


@pytest.mark.feature("F667", "F752")
def test_it_starts_without_a_network_and_answers_a_question(root, config):
    with started(root, config) as container:
        health = json.loads(container.run("trimtab", "status", "--json"))
        assert health["components"]["embedding_model"]["status"] == "up"
        for line in GUIDE_LINES:
            container.run(*line.split())
        text = "The rudder turns the ship. The trimtab turns the rudder with little force."
        container.run("bash", "-c", f"mkdir /tmp/in && echo '{text}' > /tmp/in/rudder.txt")
        container.run("trimtab", "ingest", "ship", "/tmp/in")
        said = container.run("trimtab", "ask", "ship", "What turns the rudder?")
        assert "trimtab" in said
        assert "rudder.txt" in said
        listed = json.loads(container.run("trimtab", "kubernetes", "manifests", "--json"))
        assert listed["manifests"]
        assert container.stop() == 0
