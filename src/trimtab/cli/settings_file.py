"""The settings file of an earlier commit, for `rollback configuration --commit`."""

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from trimtab.kernel.errors import InvalidInput

_GIT_SECONDS = 30.0
NAME = "trimtab.toml"


@dataclass(frozen=True, slots=True)
class FormerSettings:
    """The settings file as it is, and as it was in a commit."""

    file: Path
    commit: str
    text: str
    """Of the file in the commit."""

    @classmethod
    def of(cls, file: Path, commit: str) -> "FormerSettings":
        """Read the file from git, and check that the settings in it can be loaded.

        Raises:
            InvalidInput: There is no git, no such commit, or no such file in it.
            Misconfigured: The settings of that commit cannot be loaded either.
        """
        git = which("git")
        if git is None:
            raise InvalidInput("git is not installed.", hint=f"Put the former {file} back by hand.")
        # A commit that begins with a dash would be an option.
        found = subprocess.run(  # noqa: S603 - git without a shell.
            [git, "show", "--end-of-options", f"{commit}:./{file.name}"],
            cwd=file.absolute().parent,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
        if found.returncode:
            reason = (found.stderr.strip().splitlines() or ["unknown"])[0]
            raise InvalidInput(
                f"{file.name} cannot be read from the commit {commit!r}: {reason}",
                hint=f"`git log -- {file.name}` lists the commits that have it.",
            )
        _check(found.stdout)
        return cls(file, commit, found.stdout)

    def changes(self) -> list[str]:
        """Return the names of the settings that differ; their values may be secret."""
        try:
            now = _flat(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            now = {}  # It is missing or broken, which is why it is rolled back.
        before = _flat(self.text)
        return sorted(name for name in now | before if now.get(name) != before.get(name))

    def write(self) -> Path:
        """Replace the file and keep the present one next to it; return that one."""
        kept = self.file.with_name(f"{self.file.name}.before-rollback")
        if self.file.exists():
            kept.write_bytes(self.file.read_bytes())
            kept.chmod(0o600)
        fresh = self.file.with_name(f".{self.file.name}.new")
        fresh.touch(mode=0o600)
        fresh.write_text(self.text, encoding="utf-8")
        fresh.replace(self.file)
        return kept


def _check(text: str) -> None:
    from trimtab.infra.settings import load

    with TemporaryDirectory() as folder:
        file = Path(folder) / NAME
        file.write_text(text, encoding="utf-8")
        load(file, environment={})


def _flat(text: str) -> dict[str, object]:
    return {
        f"{section}.{name}": value
        for section, body in tomllib.loads(text).items()
        for name, value in (body.items() if isinstance(body, dict) else {"": body}.items())
    }
