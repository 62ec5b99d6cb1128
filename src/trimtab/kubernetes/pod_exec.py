"""Runs a command in a container over a websocket to the API server, as `kubectl exec` does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from trimtab.kubernetes.api_errors import client_errors
from trimtab.kubernetes.changing import ObjectReference
from trimtab.kubernetes.errors import PodCommandTimeout, ProgramMissing

_MAX_BYTES = 100_000
"""Output beyond it is dropped."""
_NOT_FOUND = "executable file not found"
"""What container runtimes say, as an error or as output of exit code 126 or 127."""
_NOT_RUN = (126, 127)


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """Exit code and output of a command; standard output and errors in the order of arrival."""

    exit_code: int
    text: str


class _BoundedOutput:
    """Keeps the first bytes that are written to it."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def write(self, data: bytes) -> int:
        """Take the bytes that still fit; the rest is dropped."""
        self.kept += data[: _MAX_BYTES - len(self.kept)]
        return len(data)


def run_in_pod(
    pod: ObjectReference, container: str, command: Sequence[str], seconds: float
) -> CommandOutput:
    """Run a program with its arguments; no shell reads them.

    Args:
        pod: The pod; it was read before, so its namespace is an allowed one.
        container: Empty for the only one.
        command: The program and its arguments.
        seconds: The longest wait for its end.

    Raises:
        PodCommandTimeout: It did not end in time.
        ProgramMissing: The container does not have the program.
        KubernetesUnavailable: The API server or the node cannot be asked.
    """
    output, what = _BoundedOutput(), f"a command in {pod}"
    shown = " ".join(command)
    try:
        with client_errors(what, seconds), _websocket_errors(command[0], str(pod)):
            done = pod.cluster.client().exec(
                pod.name, namespace=pod.namespace, container=container or None,
                command=list(command), stdout=output, stderr=output, timeout=seconds,
            )  # fmt: skip
    except _NotEnded:
        raise PodCommandTimeout(f"`{shown}` in {pod} did not end in {seconds:g} s.") from None
    text = output.kept.decode("utf-8", "replace")
    if done.exit_code in _NOT_RUN and _NOT_FOUND in text:
        raise ProgramMissing(f"{pod} has no program {command[0]}.")
    return CommandOutput(done.exit_code, text)


class _NotEnded(Exception):
    """The command is still running."""


@contextmanager
def _websocket_errors(program: str, pod: str) -> Iterator[None]:
    """Raise what is particular to commands; the rest as errors of any other call."""
    import httpx2
    from httpx2.websockets import HTTPXWSException, WebSocketUpgradeError
    from lightkube import ApiError
    from lightkube.models.meta_v1 import Status

    try:
        yield
    except WebSocketUpgradeError as refused:
        # The body, which has the reason, is gone by now.
        code = refused.response.status_code
        raise ApiError(status=Status(code=code, message=f"HTTP {code}")) from None
    except HTTPXWSException as broken:
        reason = getattr(broken, "reason", "") or "it was closed before the command ended"
        raise httpx2.RemoteProtocolError(f"the connection broke: {reason}") from None
    except TimeoutError:
        raise _NotEnded from None
    except ApiError as error:
        if _NOT_FOUND in (error.status.message or ""):
            raise ProgramMissing(f"{pod} has no program {program}.") from None
        raise
