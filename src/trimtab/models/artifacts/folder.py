"""The folder of artifacts: staged, checked, then published by one rename."""

import hashlib
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from trimtab.infra.storage import DataDirectory, translate_errors
from trimtab.models.artifacts.content import check_file, files_below
from trimtab.models.errors import ArtifactCorrupt, ArtifactRefused, ArtifactTooLarge

_STAGED = "staged-"
_LEFT = re.compile(r"(staged|upload)-.*|[0-9a-f]{64}")
"""Names of what this program puts there; anything else is not ours to remove."""
_MAX_FILES = 1000


@dataclass(frozen=True, slots=True)
class Staged:
    """A checked copy of an artifact that is not published yet."""

    folder: Path
    files: Mapping[str, str]
    """SHA-256 by relative path."""


class ArtifactFolder:
    """Artifacts below the data directory, one folder for each digest.

    Args:
        directory: The data directory; the folder is ``model-artifacts`` in it.
        max_bytes: The largest artifact, unpacked.
    """

    def __init__(self, directory: DataDirectory, max_bytes: int) -> None:
        self.root = directory.folder("model-artifacts")
        self.max_bytes = max_bytes

    def path(self, digest: str) -> Path:
        """Return the folder of a published artifact."""
        return self.root / digest

    @contextmanager
    def stage(self, source: Path) -> Iterator[Staged]:
        """Copy a file or folder into a temporary folder and check it; removed at the end.

        Raises:
            ArtifactRefused, ArtifactTooLarge: By the content; see `check_file`.
        """
        with self.empty() as folder:
            with translate_errors(self.root):
                staged = self._copy(source, folder)
            yield staged

    @contextmanager
    def empty(self) -> Iterator[Path]:
        """Make a temporary folder to stage files in; removed at the end."""
        folder = Path(mkdtemp(prefix=_STAGED, dir=self.root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, staged: Staged, digest: str) -> None:
        """Make the staged files those of the digest; durable on return.

        What is there of an earlier, interrupted publication is replaced.
        """
        final = self.path(digest)
        with translate_errors(self.root):
            if final.exists():
                shutil.rmtree(final)
            for name in staged.files:
                _sync(staged.folder / name)
            _sync(staged.folder)
            staged.folder.rename(final)
            _sync(self.root)

    def remove(self, digest: str) -> None:
        """Delete a published artifact, if it is there."""
        shutil.rmtree(self.path(digest), ignore_errors=True)

    def verify(self, digest: str, files: Mapping[str, str]) -> None:
        """Check that the folder holds exactly these files with these hashes.

        Raises:
            ArtifactCorrupt: A file is missing, changed or not in the manifest.
        """
        folder = self.path(digest)
        try:
            found = dict(files_below(folder)) if folder.is_dir() else {}
        except ArtifactRefused as error:
            raise ArtifactCorrupt(f"The artifact {digest[:12]} was changed: {error}") from error
        for name, expected in files.items():
            if name not in found:
                raise ArtifactCorrupt(f"{name} of the artifact {digest[:12]} is missing.")
            if hash_file(found[name]) != expected:
                raise ArtifactCorrupt(
                    f"{name} of the artifact {digest[:12]} was changed: its SHA-256 is not that of"
                    " the manifest."
                )
        if extra := sorted(set(found) - set(files)):
            raise ArtifactCorrupt(
                f"{extra[0]} is in the folder of the artifact {digest[:12]}, but not in its"
                " manifest."
            )

    def clean(self, known: set[str], before: float = math.inf) -> int:
        """Remove what an interrupted registration left; return the number of folders.

        Args:
            known: Digests of registered versions.
            before: Only what was last changed before that time, in seconds since 1970: another
                process that shares the folder may be registering now.
        """
        left = [
            path
            for path in self.root.iterdir()
            if path.name not in known and _LEFT.fullmatch(path.name) and _changed_at(path) < before
        ]
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)

    def _copy(self, source: Path, folder: Path) -> Staged:
        if source.is_dir():
            named = list(files_below(source))
        elif source.is_file() and not source.is_symlink():
            named = [(source.name, source)]
        else:
            raise ArtifactRefused(f"{source.name} is neither a file nor a folder.")
        if not named:
            raise ArtifactRefused(f"The folder {source.name} is empty.")
        if len(named) > _MAX_FILES:
            raise ArtifactRefused(f"The folder {source.name} has more than {_MAX_FILES} files.")
        left = self.max_bytes
        files = {}
        for name, path in named:
            if path.stat().st_size > left:
                raise ArtifactTooLarge(f"{name} is larger than the {left} bytes that are left.")
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            # The copy is checked, so that the source cannot change between check and use.
            shutil.copyfile(path, target)
            left -= check_file(target, left)
            files[name] = hash_file(target)
        return Staged(folder, files)


def _changed_at(path: Path) -> float:
    """Return when a path was last changed, in seconds since 1970; infinity when it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf  # Another process has published or removed it meanwhile.


def check_hashes(staged: Staged) -> None:
    """Check staged files against their hashes; raises `ArtifactCorrupt`."""
    for name, expected in staged.files.items():
        file = staged.folder / name
        if not file.is_file() or hash_file(file) != expected:
            raise ArtifactCorrupt(f"{name} is not the file that was registered.")


def hash_file(file: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
