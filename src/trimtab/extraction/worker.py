"""The parser's process: reads one file after another from standard input and answers with its text.

Run with ``python -I -m``; it imports only this package of trimtab, so that it starts fast and stays
small. Each message is a length (8 bytes, big-endian) and that many bytes: first a JSON header, then
the file; the answer is one JSON object. The kernel enforces the limits (setrlimit), so that no
library can evade them.
"""

import io
import json
import resource
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from typing import IO, Any

from trimtab.extraction.characters import cleaned_pages
from trimtab.extraction.records import Extracted, Refusal

_OFFICE = "application/vnd.openxmlformats-officedocument"


def main() -> None:
    """Serve until standard input closes."""
    limits = json.loads(sys.argv[1])
    memory = limits["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    while (header := _received(incoming)) is not None:
        _limit_cpu(limits["cpu_seconds"])
        data = _received(incoming) or b""
        answer = json.dumps(_answer(json.loads(header), data)).encode()
        outgoing.write(len(answer).to_bytes(8, "big") + answer)
        outgoing.flush()


def _received(stream: IO[bytes]) -> bytes | None:
    size = stream.read(8)
    return stream.read(int.from_bytes(size, "big")) if len(size) == 8 else None


def _limit_cpu(seconds: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent + seconds) + 1, resource.RLIM_INFINITY))


def _answer(header: dict[str, Any], data: bytes) -> dict[str, Any]:
    try:
        if header["media_type"].startswith(_OFFICE):
            _refuse_bomb(data, header["max_inflated_bytes"])
        found = _read(data, header["media_type"])
    except MemoryError:
        return {"error": "memory", "detail": ""}
    except Refusal as refusal:
        return {"error": refusal.kind, "detail": refusal.detail}
    except zipfile.BadZipFile as error:
        return {"error": "unreadable", "detail": str(error)}
    if len(found.text) > header["max_text_characters"]:
        return {"error": "text", "detail": ""}
    return {
        "text": found.text,
        "title": found.title,
        "pages": found.pages,
        "warnings": found.warnings,
    }


def _refuse_bomb(data: bytes, most: int) -> None:
    """Refuse an archive that unpacks to too much; counts real bytes, as a directory can lie."""
    total = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if entry.flag_bits & 1:
                raise Refusal("encrypted")
            with archive.open(entry) as stream:
                while block := stream.read(1 << 20):
                    total += len(block)
                    if total > most:
                        raise Refusal("inflated")


def _read(data: bytes, media_type: str) -> Extracted:
    try:
        reader = _reader(media_type)
    except (ImportError, OSError) as error:
        raise Refusal("installation", str(error)) from error
    found = reader(data)
    text, pages = cleaned_pages(found.text, found.pages)
    return Extracted(text, found.title, pages, found.warnings)


def _reader(media_type: str) -> Callable[[bytes], Extracted]:
    """Import and return the function that reads the format; each library only when it is needed."""
    match media_type:
        case "application/pdf":
            from trimtab.extraction.pdf import read_pdf as reader
        case "application/rtf":
            from trimtab.extraction.rtf import read_rtf as reader
        case "application/mbox":
            from trimtab.extraction.mail import read_mailbox as reader
        case "message/rfc822":
            from trimtab.extraction.mail import read_mail as reader
        case "text/html":
            from trimtab.extraction.web_page import read_page as reader
        case _ if media_type == f"{_OFFICE}.spreadsheetml.sheet":
            from trimtab.extraction.spreadsheet import read_workbook as reader
        case _:
            from trimtab.extraction.office import read_office

            return partial(read_office, media_type=media_type)
    return reader


if __name__ == "__main__":
    main()
