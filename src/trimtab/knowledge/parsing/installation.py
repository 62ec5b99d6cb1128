"""The environment of the parser's process, and whether the packages that it loads are intact."""

import base64
import hashlib
from importlib import metadata
from pathlib import Path

PACKAGES = ("pypdfium2", "kreuzberg", "selectolax", "openpyxl", "striprtf")


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of the parser's process: no secrets, no shared folders.

    Args:
        folder: Created if missing, for the service's user only. Nothing is written there: a library
            that searches caches or temporary files must not find those of other users.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = str(folder)
    names = ("TMPDIR", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "KREUZBERG_CACHE_DIR")
    return {**dict.fromkeys(names, home), "LANG": "C.UTF-8"}


def damage() -> str:
    """Return which installed package is damaged and where, or nothing."""
    for package in PACKAGES:
        if found := damaged_file(package):
            return f"the installed package {package} is damaged: {found}"
    return ""


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
