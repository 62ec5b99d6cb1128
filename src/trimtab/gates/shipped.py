"""Where the files live that ship with the package but are not code."""

from pathlib import Path

from trimtab.gates.errors import EvidenceMissing


def shipped(folder: str) -> Path:
    """Return the folder, from the installed package or from the source tree.

    Raises:
        EvidenceMissing: Neither has it: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent.parent
    for place in (package / "_shipped" / folder, package.parent.parent / folder):
        if place.is_dir():
            return place
    raise EvidenceMissing(f"The shipped folder {folder!r} is missing.", hint="Reinstall trimtab.")
