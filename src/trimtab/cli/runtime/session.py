"""Options, settings and connection of one command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from trimtab.cli.runtime.connect import Client
    from trimtab.infra.settings import Settings


@dataclass(slots=True)
class Session:
    """The global options, with settings and connection that are made when first used."""

    config: Path | None
    flags: Mapping[str, str]
    url: str
    api_key: str
    json: bool
    labels: tuple[str, ...] = ()
    """Access labels that the local user takes; over ``--url`` the key's own count."""
    document_labels: tuple[str, ...] = ()
    """Access labels that documents get which this run sends."""
    _settings: "Settings | None" = None
    _client: "Client | None" = field(default=None, repr=False)

    @property
    def settings(self) -> "Settings":
        """Return the settings of this run."""
        if self._settings is None:
            from trimtab.infra.settings import load

            self._settings = load(self.config, self.flags)
        return self._settings

    @property
    def client(self) -> "Client":
        """Return the connection to the service."""
        if self._client is None:
            from trimtab.cli.runtime.connect import Client

            self._client = (
                Client.remote(self.url, self.api_key)
                if self.url
                else Client.local(self.settings, self.labels)
            )
        return self._client

    def close(self) -> None:
        """Close the connection, if one was made."""
        if self._client is not None:
            self._client.close()


def session_of(context: typer.Context) -> Session:
    """Return the session of the running command."""
    return cast("Session", context.find_root().obj)


def _remember_json(context: typer.Context, value: bool) -> bool:
    if value and context.find_root().obj is not None:
        session_of(context).json = True
    return value


Json = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of text.", callback=_remember_json)
]
"""Accepts ``--json`` after a command as well as before it."""
