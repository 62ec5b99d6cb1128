"""Retry rules: background work tries three times, requests only within their deadline."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from trimtab.kernel.clock import Clock

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")
Errors = type[Exception] | tuple[type[Exception], ...]
_ATTEMPTS = 3
"""Attempts of background work in all, as the incident runbook's `stop_after_attempt(3)`."""
_MIN_WAIT_SECONDS = 1.0
_MAX_WAIT_SECONDS = 10.0
_REQUEST_ATTEMPTS = 2
"""A second attempt helps when the connection was stale; a third would only delay the fallback."""
_REQUEST_WAIT_SECONDS = 0.05


def retry_in_background(
    work: Callable[[], T], errors: Errors, clock: Clock, seconds: float = float("inf")
) -> T:
    """Do work up to three times, with pauses that double from 1 to at most 10 seconds.

    Args:
        work: Called again after one of the errors; the error of the last attempt is raised.
        errors: Others are raised at once.
        clock: Measures the pauses.
        seconds: No attempt begins later than this after the first.
    """
    from tenacity import Retrying, retry_if_exception_type, wait_exponential

    return Retrying(
        retry=retry_if_exception_type(errors),
        stop=_stop(clock, _ATTEMPTS, seconds),
        wait=wait_exponential(min=_MIN_WAIT_SECONDS, max=_MAX_WAIT_SECONDS),
        sleep=clock.sleep,
        reraise=True,
    )(work)


def retry_within(work: Callable[[], T], errors: Errors, clock: Clock, seconds: float) -> T:
    """Do the work of a request, and again after an error if the deadline allows it.

    Args:
        work: Called again after one of the errors; the error of the last attempt is raised.
        errors: Others are raised at once.
        clock: Of the machine: a deadline is of real seconds, in drills too.
        seconds: The deadline; the second attempt begins in the first half of it, so that it can
            take as long as the first.
    """
    from tenacity import Retrying, retry_if_exception_type, wait_fixed

    return Retrying(
        retry=retry_if_exception_type(errors),
        stop=_stop(clock, _REQUEST_ATTEMPTS, seconds / 2),
        wait=wait_fixed(_REQUEST_WAIT_SECONDS),
        sleep=clock.sleep,
        reraise=True,
    )(work)


def _stop(clock: Clock, attempts: int, seconds: float) -> "Callable[[RetryCallState], bool]":
    """Return the condition that ends the attempts; tenacity's own ones read another clock."""
    ends = clock.monotonic() + seconds

    def stop(state: "RetryCallState") -> bool:
        late = clock.monotonic() + state.upcoming_sleep > ends
        return late or state.attempt_number >= attempts

    return stop
