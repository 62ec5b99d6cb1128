"""Register of this user's running services, so that commands find them from any folder.

A service writes one small file while it runs. A file whose service has ended without removing it is
recognised by its control socket, on which nothing answers.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_state_path

from trimtab.infra.control_socket import is_answering, is_of_another_user
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)


def register_folder() -> Path:
    """Return the folder of the register, in the user's state directory."""
    return user_state_path("trimtab", appauthor=False) / "running"


@contextmanager
def registered(data_dir: Path) -> Iterator[None]:
    """List the service of the data directory while it runs; ignore a read-only home."""
    path = data_dir.absolute()
    file = register_folder() / hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(str(path), encoding="utf-8")
    except (OSError, RuntimeError) as error:
        _log.info("commands find this service only by its data directory: %s", error)
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def running_services() -> list[Path]:
    """Return the data directories of the services of this user that answer, sorted."""
    found = []
    try:
        files = sorted(register_folder().iterdir())
    except (OSError, RuntimeError):
        return []
    for file in files:
        try:
            path = Path(file.read_text(encoding="utf-8"))
            # With sudo the register may be that of the user whose home it keeps.
            if path.is_absolute() and is_answering(path) and not is_of_another_user(path):
                found.append(path)
        except (OSError, ValueError, TrimtabError):
            continue
    return sorted(found)
