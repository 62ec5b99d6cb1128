"""The operator's web console: server-rendered pages that work offline."""

from trimtab.console.application import create_console

__all__ = ["create_console"]
