"""Settings of the Python process that a service runs in."""

import sys

from trimtab.infra.malloc import limit_malloc_arenas

_SWITCH_SECONDS = 0.0005
"""Python's thread switch interval. A request switches threads a few times; with the default of 5 ms
it would wait tens of milliseconds for a thread that computes, and the monitor, whose signals read
many stores, would have no samples for minutes while many callers search.
"""


def prepare_process() -> None:
    """Set up the process for a service; call it before the first thread starts."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    limit_malloc_arenas()
