"""The `trimtab` command: an HTTP client of the service that also starts it."""

import sys

try:
    from trimtab.cli.main import main
except KeyboardInterrupt:  # Ctrl-C in the first moments.
    sys.exit(130)

__all__ = ["main"]
