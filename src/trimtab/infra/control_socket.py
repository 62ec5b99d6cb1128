"""The control socket: a Unix socket in the data directory whose callers are admin by file permission."""

import hashlib
import os
import socket
import stat
from pathlib import Path

from trimtab.kernel.errors import Misconfigured

LABELS_HEADER = "X-Access-Labels"
"""Labels, with commas between them, that a caller on the control socket takes; nobody else may say which it has."""
_LONGEST_PATH = 100
"""A Unix socket's path holds 107 bytes on Linux and 103 on macOS."""


class ControlSocketUnusable(Misconfigured):
    """The control socket cannot be made where it belongs."""

    code = "api.control_socket_unusable"


def control_path(data_dir: Path) -> Path:
    """Return where the control socket of that data directory is.

    A path that is too long for a socket is replaced by one in a private folder under ``/tmp``, named
    by a hash of the path, so that server and client agree without asking each other.
    """
    path = data_dir.absolute() / "control.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path("/tmp") / f"trimtab-{os.getuid()}" / f"{digest}.sock"  # noqa: S108 - checked below.


def bind_control(data_dir: Path) -> socket.socket:
    """Return the listening control socket, readable and writable by this user only.

    The caller holds the data directory's lock, so a socket file that is there was left by a process
    that ended, and is replaced.

    Raises:
        ControlSocketUnusable: Its folder belongs to somebody else or is open to others.
    """
    path = control_path(data_dir)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent != data_dir.absolute():
        _require_private(path.parent)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    former = os.umask(0o177)  # The file must never exist with wider permissions, however briefly.
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise ControlSocketUnusable(
            f"The control socket {path} cannot be made: {error.strerror}."
        ) from error
    finally:
        os.umask(former)
    listener.listen(64)
    return listener


def is_answering(data_dir: Path) -> bool:
    """Return whether a service listens on the control socket of that data directory."""
    path = control_path(data_dir)
    if not path.is_socket():
        return False
    if path.parent != data_dir.absolute():
        _require_private(path.parent)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _require_private(folder: Path) -> None:
    found = folder.lstat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ControlSocketUnusable(
            f"The folder {folder} is open to other users.",
            hint="Remove it, or choose a data directory with a shorter path.",
        )
