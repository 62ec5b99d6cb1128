"""Errors of the Kubernetes client as errors of the adapter."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from trimtab.kernel.errors import TrimtabError
from trimtab.kubernetes.errors import (
    ChangeRefused,
    CredentialsRefused,
    KubernetesTimeout,
    KubernetesUnavailable,
    ObjectChanged,
    ObjectUnknown,
    VerbForbidden,
)


@contextmanager
def client_errors(what: str, seconds: float) -> Iterator[None]:
    """Raise the errors of the client as ours.

    Args:
        what: The thing that is asked for.
        seconds: The limit of one request.
    """
    import httpx2
    from lightkube import ApiError
    from msgspec import MsgspecError

    try:
        yield
    except ApiError as error:
        raise _refusal(what, error.status.code or 0, error.status.message or "") from None
    except httpx2.TimeoutException:
        raise KubernetesTimeout(
            f"The API server did not answer for {what} in {seconds:g} s."
        ) from None
    except httpx2.HTTPStatusError as error:
        raise _refusal(what, error.response.status_code, error.response.text[:200]) from None
    except (httpx2.HTTPError, MsgspecError, LookupError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise KubernetesUnavailable(
            f"The API server cannot be asked for {what}: {reason}"
        ) from None


_REFUSALS: Mapping[int, tuple[type[TrimtabError], str]] = {
    401: (CredentialsRefused, "The API server refused the credentials for"),
    403: (VerbForbidden, "The role in the cluster does not allow"),
    404: (ObjectUnknown, "The cluster does not have"),
    408: (KubernetesTimeout, "The API server did not answer in time for"),
    409: (ObjectChanged, "The cluster cannot change now"),
    410: (ObjectUnknown, "The cluster no longer has"),
    429: (ObjectChanged, "The cluster cannot change now"),
    504: (KubernetesTimeout, "The API server did not answer in time for"),
}


def _refusal(what: str, code: int, message: str) -> TrimtabError:
    """Return the error for a status of the API server."""
    text = message.splitlines()[0][:500] if message else f"HTTP {code}"
    fallback: tuple[type[TrimtabError], str] = (
        (KubernetesUnavailable, "The API server failed for")
        if code >= 500
        else (ChangeRefused, "The API server refused")
    )
    error, words = _REFUSALS.get(code, fallback)
    return error(f"{words} {what}: {text}")
