"""Installed code that no RECORD lists: sources of editable packages, loose modules and `.pth` files.

All of it is imported or run at the start of Python, so a bill of materials that leaves it out says nothing about it.
"""

import ast
import hashlib
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson

from trimtab.gates.datasets import hash_files

MAX_FILES = 20_000
"""A source tree with more files is not hashed; its component then says that the code is not covered."""
_NO_CODE = {"__pycache__", "build", "dist", "node_modules"}


def site_directories() -> list[Path]:
    """Return the site directories of the running interpreter."""
    named = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if site.ENABLE_USER_SITE and site.USER_SITE in sys.path:
        named.add(site.USER_SITE)
    return sorted(Path(path) for path in named if path and Path(path).is_dir())


def editable_root(distribution: metadata.Distribution) -> Path | None:
    """Return the project directory of an editable package (PEP 660, direct_url.json); None for any other."""
    try:
        stated = orjson.loads(distribution.read_text("direct_url.json") or "null")
        editable = bool(stated["dir_info"]["editable"])
        parts = urlsplit(str(stated["url"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return Path(unquote(parts.path)) if editable and parts.scheme == "file" else None


def source_hashes(root: Path, distribution: metadata.Distribution) -> dict[str, str] | None:
    """Return the SHA-256 of each source file of an editable package, by its path in the project.

    None when the sources are gone or are too many: the code is then not covered.
    """
    places = [place for place in _import_roots(distribution) if place.is_relative_to(root)] or [
        root
    ]
    files: list[Path] = []
    for path in _code_files(places):
        files.append(path)
        if len(files) > MAX_FILES:
            return None
    if not files:
        return None
    names = [path.relative_to(root).as_posix() for path in files]
    return dict(zip(names, hash_files(files), strict=True))


def _import_roots(distribution: metadata.Distribution) -> Iterator[Path]:
    """Yield the folders that the package's `.pth` files and finder modules put on the import path."""
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if len(file.parts) != 1 or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if file.suffix == ".pth":
            lines = [line.strip() for line in text.splitlines()]
            yield from (Path(line) for line in lines if line.startswith("/"))
        elif file.name.startswith("__editable__") and file.suffix == ".py":
            yield from _mapped(text)


def _mapped(finder: str) -> Iterator[Path]:
    """Yield the folders in the `MAPPING` of a setuptools finder module."""
    try:
        nodes = ast.parse(finder).body
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in nodes:
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and target.id == "MAPPING" and node.value is not None:  # type: ignore[attr-defined]  # an AnnAssign has one.
            mapping = ast.literal_eval(node.value)  # type: ignore[attr-defined]  # as above.
            yield from (Path(str(path)) for path in mapping.values())


def _code_files(places: Iterable[Path]) -> Iterator[Path]:
    for place in sorted(set(places)):
        if place.is_file():
            yield place
        for directory, folders, names in os.walk(place):
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith(".")
                and name not in _NO_CODE
                and not (Path(directory) / name / "pyvenv.cfg").exists()
            )
            for name in sorted(names):
                path = Path(directory) / name
                if not name.endswith(".pyc") and path.is_file() and not path.is_symlink():
                    yield path


def loose_hashes(sites: Sequence[Path], recorded: Mapping[Path, frozenset[str]]) -> dict[str, str]:
    """Return one SHA-256 for each top-level entry of the site directories with files that no RECORD lists.

    Args:
        sites: The site directories.
        recorded: For each of them the paths that some RECORD lists.
    """
    found: dict[str, list[Path]] = {}
    for folder in sites:
        known = recorded.get(folder, frozenset())
        for path in _code_files([folder]):
            name = path.relative_to(folder).as_posix()
            if name not in known and ".dist-info/" not in name:
                found.setdefault(name.partition("/")[0], []).append(path)
    return {name: _combined(name, paths) for name, paths in sorted(found.items())}


def _combined(top: str, paths: Sequence[Path]) -> str:
    lines = sorted(
        f"{sha}  {path.as_posix()[path.as_posix().rindex('/' + top) + 1 :]}\n"
        for path, sha in zip(paths, hash_files(list(paths)), strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
