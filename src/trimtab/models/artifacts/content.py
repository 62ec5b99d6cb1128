"""Refuses artifact files that could run code or exhaust memory, judged by their content.

Nothing here loads a model: archives are only listed, and array headers only read.
"""

import bz2
import gzip
import io
import lzma
import pickletools
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import orjson
from numpy.lib import format as npy

from trimtab.models.errors import ArtifactRefused, ArtifactTooLarge

SUFFIXES = (".skops", ".npz", ".npy", ".json", ".onnx", ".md")
_MAX_MEMBERS = 100_000
_RATIO = 200
"""Unpacked to packed size of a large archive; trees and vectors compress 2 to 20 times."""
_SMALL_BYTES = 10 * 1024 * 1024
_HEAD = 4096
_MIN_OPCODES = 3
_PICKLE_PROTOCOLS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")

_DECOMPRESSORS: tuple[Callable[[bytes], bytes], ...] = (
    lambda head: zlib.decompressobj().decompress(head, _HEAD),
    lambda head: gzip.GzipFile(fileobj=io.BytesIO(head)).read1(_HEAD),
    lambda head: bz2.BZ2Decompressor().decompress(head, _HEAD),
    lambda head: lzma.LZMADecompressor().decompress(head, _HEAD),
)


def check_file(file: Path, max_bytes: int) -> int:
    """Check one file of an artifact; return its unpacked size in bytes.

    Raises:
        ArtifactRefused: It is a pickle under any name, no file of its kind, or of no known kind.
        ArtifactTooLarge: It is larger than allowed, packed or unpacked.
    """
    size = file.stat().st_size
    if size > max_bytes:
        raise _too_large(file.name, size, max_bytes)
    head = _head(file)
    if kind := _pickled(head):
        raise ArtifactRefused(
            f"{file.name} is {kind}; loading a pickle can run any program.",
            hint=(
                "Load it once where you trust it, and save it with"
                " `skops.io.dump(model, 'model.skops')`."
            ),
        )
    suffix = file.suffix.lower()
    if suffix in (".skops", ".npz"):
        return _check_archive(file, max_bytes)
    if suffix == ".npy":
        _check_array(io.BytesIO(head), file.name)
    elif suffix == ".json":
        _check_json(file)
    elif suffix not in SUFFIXES:
        raise ArtifactRefused(
            f"{file.name} is of no kind that a model may have.",
            hint=f"Allowed: {', '.join(SUFFIXES)}.",
        )
    return size


def _too_large(name: str, size: int, max_bytes: int) -> ArtifactTooLarge:
    return ArtifactTooLarge(
        f"{name} has {size / 1e6:.0f} MB unpacked; {max_bytes / 1e6:.0f} MB are allowed."
    )


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_HEAD)


def _pickled(head: bytes) -> str:
    """Return what kind of pickle the bytes begin, or an empty text."""
    if head.startswith(_PICKLE_PROTOCOLS):
        return "a pickle"
    if head.startswith(b"PK\x03\x04"):
        return ""
    for unpack in _DECOMPRESSORS:
        try:
            inner = unpack(head)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
            continue
        if inner.startswith(_PICKLE_PROTOCOLS):
            return "a compressed pickle (joblib)"
    return "a pickle" if _is_old_pickle(head) else ""


def _is_old_pickle(head: bytes) -> bool:
    """Return whether the bytes begin a pickle of protocol 0 or 1, which have no mark."""
    if not head.startswith((b"(", b"c", b"]", b"}", b"i")):
        return False
    opcodes = 0
    try:
        for _ in pickletools.genops(head):
            opcodes += 1
            if opcodes > _MIN_OPCODES:
                return True
    except ValueError:
        return False
    return opcodes > 1


def _check_archive(file: Path, max_bytes: int) -> int:
    """Check a zip archive: its members' names, sizes and kinds; return the unpacked size."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            total = _check_sizes(file, members, max_bytes)
            for member in members:
                _check_member(file.name, archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArtifactRefused(
            f"{file.name} is not an intact {file.suffix} file: {error}."
        ) from error
    names = [member.filename for member in members]
    if file.suffix.lower() == ".skops" and "schema.json" not in names:
        raise ArtifactRefused(f"{file.name} is a zip archive, but no skops file.")
    if len(set(names)) != len(names):
        raise ArtifactRefused(f"{file.name} has two members of one name.")
    return total


def _check_sizes(file: Path, members: list[zipfile.ZipInfo], max_bytes: int) -> int:
    # A reader stops at the declared size, so a false one cannot exceed it.
    total = sum(member.file_size for member in members)
    packed = file.stat().st_size
    if len(members) > _MAX_MEMBERS:
        raise ArtifactTooLarge(f"{file.name} has {len(members)} members.")
    if total > max_bytes:
        raise _too_large(file.name, total, max_bytes)
    if total > _SMALL_BYTES and total > _RATIO * packed:
        raise ArtifactTooLarge(
            f"{file.name} unpacks to {total // packed} times its size, as archives made to exhaust"
            " memory do.",
            hint="Save the model again; a real one compresses up to about 20 times.",
        )
    return total


def _check_member(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
        raise ArtifactRefused(f"{name} has a member outside of its folder.")
    if member.is_dir():
        return
    with archive.open(member) as stream:
        head = stream.read(_HEAD)
    if path.suffix == ".npy":
        _check_array(io.BytesIO(head), f"{name}: {member.filename}")
    elif path.suffix == ".pkl" or (path.suffix != ".bin" and _pickled(head)):
        raise ArtifactRefused(f"{name} holds a pickle: {member.filename}.")


def _check_array(head: io.BytesIO, name: str) -> None:
    """Read the header of a numpy array; an array of objects is a pickle."""
    try:
        version = npy.read_magic(head)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        _, _, dtype = read(head)
    except (ValueError, EOFError) as error:
        raise ArtifactRefused(f"{name} is not a numpy array.") from error
    if dtype.hasobject:
        raise ArtifactRefused(f"{name} is an array of objects, which is stored as a pickle.")


def _check_json(file: Path) -> None:
    try:
        orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ArtifactRefused(f"{file.name} is not JSON: {error}.") from error


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the relative name and path of each file, sorted by name; links are refused.

    Raises:
        ArtifactRefused: The folder holds a link or a special file.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ArtifactRefused(f"{path.name} is a link or a special file.")
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path
