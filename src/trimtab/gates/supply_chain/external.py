"""Detached signatures with GnuPG or cosign, if installed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trimtab.gates.errors import SignatureWrong, ToolMissing

ToolName = Literal["gpg", "cosign"]
_SUFFIX = {"gpg": ".asc", "cosign": ".sigstore.json"}
TIMEOUT_S = 120


def find_tool(name: str) -> ToolName:
    """Return the tool's name if it is known and installed.

    Raises:
        ToolMissing: It is unknown or not installed.
    """
    if name not in ("gpg", "cosign"):
        raise ToolMissing(f"There is no signing tool {name!r}.", hint="Use ed25519, gpg or cosign.")
    if shutil.which(name) is None:
        raise ToolMissing(
            f"{name} is not installed.", hint="Install it, or sign with the built-in ed25519 keys."
        )
    return name  # type: ignore[return-value]  # one of the two, see above.


@dataclass(frozen=True, slots=True)
class ExternalSigner:
    """Signs and verifies files with GnuPG or cosign."""

    tool: ToolName

    def sign(self, path: Path) -> Path:
        """Write a detached signature next to a file and return its path.

        Raises:
            SignatureWrong: The program did not sign, for example without a key.
        """
        target = path.with_name(path.name + _SUFFIX[self.tool])
        if self.tool == "gpg":
            command = [
                "gpg",
                "--batch",
                "--yes",
                "--armor",
                "--detach-sign",
                "--output",
                str(target),
                str(path),
            ]
        else:
            command = ["cosign", "sign-blob", "--yes", "--bundle", str(target), str(path)]
        done = self._run(command)
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()[-300:]
            raise SignatureWrong(
                f"{self.tool} did not sign {path.name}: {reason}",
                hint=f"Check the {self.tool} setup and its keys.",
            )
        return target

    def verify(self, path: Path) -> bool:
        """Return whether the file's detached signature is valid and its key known."""
        signature = path.with_name(path.name + _SUFFIX[self.tool])
        if not signature.is_file():
            return False
        if self.tool == "gpg":
            command = ["gpg", "--batch", "--verify", str(signature), str(path)]
        else:
            command = ["cosign", "verify-blob", "--bundle", str(signature), str(path)]
        return self._run(command).returncode == 0

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - fixed programs, no shell.
                command, capture_output=True, check=False, timeout=TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SignatureWrong(f"{self.tool} could not run: {error}") from error
