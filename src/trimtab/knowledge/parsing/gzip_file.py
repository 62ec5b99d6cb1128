"""Unpacks a single gzip-compressed file, within a limit."""

import gzip
import io
import zlib
from pathlib import PurePath

from trimtab.knowledge.errors import DocumentTooLarge, DocumentUnreadable
from trimtab.knowledge.parsing.content import Content

GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20


def unpack(name: str, data: Content, max_mb: int) -> tuple[str, Content]:
    """Return the name without ``.gz``, and the content.

    Raises:
        DocumentTooLarge: It unpacks to more than the limit; it is not unpacked further.
        DocumentUnreadable: It is damaged.
    """
    whole = io.BytesIO()
    data.stream.seek(0)
    try:
        # The mode is given: that of the temporary file of an upload is for writing.
        with gzip.GzipFile(fileobj=data.stream, mode="rb") as packed:
            while block := packed.read(_BLOCK):
                if whole.write(block) and whole.tell() > max_mb << 20:
                    raise DocumentTooLarge(
                        f"{name} unpacks to more than {max_mb} MB (knowledge.max_document_mb)."
                    )
    except (EOFError, OSError, zlib.error) as error:
        raise DocumentUnreadable(f"{name} cannot be unpacked: {error}.") from error
    inner = PurePath(name)
    return (str(inner.with_suffix("")) if inner.suffix.lower() == ".gz" else name), Content(whole)
