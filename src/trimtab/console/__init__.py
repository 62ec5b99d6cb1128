"""The operator's web console: server-rendered pages, live without a build step, whole without a network."""

from trimtab.console.application import create_console

__all__ = ["create_console"]
