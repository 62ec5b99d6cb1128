"""The repository as an operator has it, and its Compose stack under the engine of the tests."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.image.engine import Engine

ROOT = Path(__file__).parents[2]
OVERRIDE = """\
# No registry is at hand that has Qdrant, so the vectors stay in the service. Its port is one that is free.
services:
  pipeline:
    ports: !override ["127.0.0.1:{port}:8000"]
    environment:
      TRIMTAB_KNOWLEDGE_ENGINE: embedded
      TRIMTAB_KNOWLEDGE_QDRANT_URL: ""
    depends_on: !reset []
  qdrant:
    profiles: [qdrant]
"""


class Project:
    """A clone with an override file, and the container of its service `pipeline`."""

    def __init__(self, engine: Engine, folder: Path, port: int):
        self.engine, self.folder = engine, folder
        self._clone()
        (folder / "docker-compose.override.yaml").write_text(OVERRIDE.format(port=port))

    def _clone(self):
        """Copy what is under version control as it is now, so that changes are tested before their commit."""
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)
        self.git("init", "--quiet")
        # No checkout of a tag may take the override file away.
        (self.folder / ".git" / "info" / "exclude").write_text("docker-compose.override.yaml\n")
        self.commit("former")

    def git(self, *words):
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)

    def commit(self, tag):
        """Commit everything, and tag it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)

    def type(self, line, **variables):
        """Type a documented line in the clone."""
        return self.engine.type(line, self.folder, **variables)

    @property
    def container(self):
        """Return the name of the container of the service."""
        label = "label=com.docker.compose.service=pipeline"
        listed = self.engine.run("ps", "--all", "--filter", label, "--format", "{{.Names}}")
        (name,) = listed.stdout.split()
        return name

    def trimtab(self, *words, check=True):
        """Run the command in the container."""
        return self.engine.run("exec", self.container, "trimtab", *words, check=check).stdout

    def wait(self):
        """Wait until the service answers; return its health."""
        return json.loads(self.engine.wait(self.container, "trimtab", "status", "--json"))

    def put(self, path, content):
        """Write a file in the container."""
        words = (
            "exec",
            "-i",
            self.container,
            "bash",
            "-c",
            f"mkdir -p {path.parent}; cat > {path}",
        )
        done = subprocess.run(
            ["podman", *words], input=content, capture_output=True, env=self.engine.environment,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def remove(self):
        self.type("docker compose down --volumes")
