"""Writes an estimator as a skops file whose bytes depend on the estimator alone.

skops names the members of its archive by memory addresses, and zip archives hold the time of
writing: two equal estimators give different files. Both are replaced here, so that a training can
be repeated and compared by hash.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

_ADDRESS = re.compile(r'"__id__": (\d+)|"(\d+)\.npy"')


@dataclass(frozen=True, slots=True)
class SkopsContent:
    """Bytes of a skops file."""

    bytes: bytes
    trusted_types: tuple[str, ...]
    """Types outside of those that skops trusts by itself."""

    @property
    def sha256(self) -> str:
        """Return the checksum of the bytes."""
        return sha256(self.bytes).hexdigest()


def estimator_to_bytes(estimator: Any) -> SkopsContent:
    """Return the skops file of a fitted estimator."""
    from skops.io import dumps, get_untrusted_types

    content = _stable(dumps(estimator))
    return SkopsContent(content, tuple(sorted(get_untrusted_types(data=content))))


def _stable(content: bytes) -> bytes:
    """Number addresses in order of appearance, and drop the time stamps."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        schema = source.read("schema.json").decode()
        numbers: dict[str, str] = {}
        for match in _ADDRESS.finditer(schema):
            numbers.setdefault(match[1] or match[2], str(len(numbers) + 1))
        schema = _ADDRESS.sub(lambda match: _numbered(match, numbers), schema)
        members = {numbers.get(n.removesuffix(".npy"), ""): n for n in source.namelist()}
        for number in sorted((key for key in members if key), key=int):
            member = zipfile.ZipInfo(f"{number}.npy")
            archive.writestr(member, source.read(members[number]), zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo("schema.json"), schema, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _numbered(match: re.Match[str], numbers: dict[str, str]) -> str:
    return f'"__id__": {numbers[match[1]]}' if match[1] else f'"{numbers[match[2]]}.npy"'
