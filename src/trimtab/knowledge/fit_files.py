"""Fitted weights on disk, each with a checksum: what cannot be read is fitted again."""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from secrets import token_hex

from trimtab.kernel.ids import sha256_hex
from trimtab.knowledge.ranking import UNFITTED, Fit

_log = logging.getLogger(__name__)


def write_fit(file: Path, fitted: Fit) -> None:
    """Replace the file whole or not at all."""
    text = json.dumps(asdict(fitted))
    partial = file.with_suffix(f".{token_hex(4)}.partial")  # Processes may share a folder.
    try:
        partial.write_text(f"{text}\n{sha256_hex(text.encode())}\n", encoding="utf-8")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def read_fit(file: Path) -> Fit:
    """Return what `write_fit` wrote; the usual weights when it is missing or damaged."""
    try:
        text, checksum = file.read_text(encoding="utf-8").splitlines()
        if checksum != sha256_hex(text.encode()):
            raise ValueError("its checksum is wrong")
        return Fit(**json.loads(text))
    except FileNotFoundError:
        return UNFITTED
    except (OSError, ValueError, TypeError) as error:
        _log.info("%s is made again: %s", file.name, error)
        return UNFITTED
