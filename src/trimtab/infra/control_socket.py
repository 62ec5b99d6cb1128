"""Control socket: a Unix socket whose callers are admin by file permission."""

import hashlib
import os
import socket
import stat
from pathlib import Path

from trimtab.kernel.errors import Misconfigured

LABELS_HEADER = "X-Access-Labels"
"""Comma-separated access labels of a caller on the control socket; ignored for all other callers.
"""
AGENT_HEADER = "X-Agent"
"""Name of the agent for whom a program on the control socket calls; ignored for all others."""
AGENT_ROLE_HEADER = "X-Agent-Role"
"""The role of that agent; reader when it is left out."""
_LONGEST_PATH = 100
"""The limit of a Unix socket's path is 107 bytes on Linux and 103 on macOS."""


class ControlSocketUnusable(Misconfigured):
    """The control socket cannot be created at its path."""

    code = "api.control_socket_unusable"


def control_path(data_dir: Path, suffix: str = "") -> Path:
    """Return the path of the control socket of a data directory.

    A path that is too long for a socket is replaced with one in a private folder under ``/tmp``,
    named by a hash of the path, so that server and client derive the same path.

    Args:
        data_dir: The data directory.
        suffix: That of the process, when several share the directory.
    """
    path = data_dir.absolute() / f"control{suffix}.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path("/tmp") / f"trimtab-{os.getuid()}" / f"{digest}.sock"  # noqa: S108 - checked below.


def bind_control(data_dir: Path, suffix: str = "") -> socket.socket:
    """Return the listening control socket, accessible to this user only.

    The caller holds the data directory's lock, so an existing socket file is from a process that
    has ended, and is replaced.

    Raises:
        ControlSocketUnusable: Its folder belongs to another user or is open to others.
    """
    path = control_path(data_dir, suffix)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent != data_dir.absolute():
        _require_private(path.parent)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    former = os.umask(0o177)  # The file must never exist with wider permissions, even briefly.
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise ControlSocketUnusable(
            f"The control socket {path} cannot be created: {error.strerror}."
        ) from error
    finally:
        os.umask(former)
    listener.listen(64)
    return listener


def is_answering(data_dir: Path) -> bool:
    """Return whether a service listens on the control socket of a data directory."""
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


def is_of_another_user(data_dir: Path) -> bool:
    """Return whether the control socket of a data directory belongs to another user.

    Any user who may write in a folder can listen there, and would get all that a command sends.
    """
    try:
        return control_path(data_dir).stat().st_uid != os.getuid()
    except OSError:
        return False


def _require_private(folder: Path) -> None:
    found = folder.lstat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ControlSocketUnusable(
            f"The folder {folder} is open to other users.",
            hint="Remove it, or choose a data directory with a shorter path.",
        )
