"""Hashes installed code that no RECORD lists: editable sources, modules, `.pth` files.

Python can import or run this code, so the SBOM must include it.
"""

import ast
import hashlib
import os
import site
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson

from trimtab.gates.datasets import hash_files

MAX_FILES = 20_000
"""A larger source tree is not hashed; its component is marked as not covered."""
_NO_CODE = {"__pycache__", "build", "dist", "node_modules"}


def site_directories() -> list[Path]:
    """Return the site directories of the running interpreter."""
    named = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if site.ENABLE_USER_SITE and site.USER_SITE in sys.path:
        named.add(site.USER_SITE)
    return sorted(Path(path) for path in named if path and Path(path).is_dir())


def editable_root(distribution: metadata.Distribution) -> Path | None:
    """Return the project directory of an editable package (PEP 660); None otherwise."""
    try:
        stated = orjson.loads(distribution.read_text("direct_url.json") or "null")
        editable = bool(stated["dir_info"]["editable"])
        parts = urlsplit(str(stated["url"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return Path(unquote(parts.path)) if editable and parts.scheme == "file" else None


def source_hashes(root: Path, distribution: metadata.Distribution) -> dict[str, str] | None:
    """Return the SHA-256 of an editable package's source files, by relative path.

    None when the sources are missing or too many: the code is then not covered.
    """
    code_paths = [
        code_path for code_path in _import_roots(distribution) if code_path.is_relative_to(root)
    ] or [root]
    files: list[Path] = []
    for path in _code_files(code_paths):
        files.append(Path(path))
        if len(files) > MAX_FILES:
            return None
    if not files:
        return None
    names = [path.relative_to(root).as_posix() for path in files]
    return dict(zip(names, hash_files(files), strict=True))


def _import_roots(distribution: metadata.Distribution) -> Iterator[Path]:
    """Yield the folders that the package adds to the import path."""
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if len(file.parts) != 1 or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if file.suffix == ".pth":
            lines = [line.strip() for line in text.splitlines()]
            yield from (Path(line) for line in lines if line.startswith("/"))
        elif file.name.startswith("__editable__") and file.suffix == ".py":
            yield from _finder_paths(text)


def _finder_paths(finder: str) -> Iterator[Path]:
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


def _code_files(code_paths: Iterable[Path]) -> Iterator[str]:
    """Yield the paths of code files; as texts, because environments have tens of thousands."""
    for code_path in sorted(set(code_paths)):
        if code_path.is_file():
            yield str(code_path)
        for directory, folders, names in os.walk(code_path):
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith(".")
                and name not in _NO_CODE
                and not os.path.exists(f"{directory}/{name}/pyvenv.cfg")  # noqa: PTH110 - see above.
            )
            for name in sorted(names):
                if not name.endswith(".pyc") and _is_plain_file(path := f"{directory}/{name}"):
                    yield path


def _is_plain_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def loose_hashes(sites: Sequence[Path], recorded: Mapping[Path, frozenset[str]]) -> dict[str, str]:
    """Return the SHA-256 of each top-level entry with files outside every RECORD.

    Args:
        sites: The site directories.
        recorded: Paths in RECORD files, by site directory.
    """
    found: dict[str, list[Path]] = {}
    for folder in sites:
        known, before = recorded.get(folder, frozenset()), len(f"{folder}/")
        for path in _code_files([folder]):
            name = path[before:]
            if name not in known and ".dist-info/" not in name:
                found.setdefault(name.partition("/")[0], []).append(Path(path))
    return {name: _hash_files(name, paths) for name, paths in sorted(found.items())}


def _hash_files(top: str, paths: Sequence[Path]) -> str:
    lines = sorted(
        f"{sha}  {path.as_posix()[path.as_posix().rindex('/' + top) + 1 :]}\n"
        for path, sha in zip(paths, hash_files(list(paths)), strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
