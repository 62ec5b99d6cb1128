"""Options, settings and connection of one command."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from trimtab.cli.runtime.interrupts import ending_at_once
from trimtab.kernel.errors import Conflict, Forbidden, InvalidInput

if TYPE_CHECKING:
    from trimtab.cli.runtime.connect import Client
    from trimtab.infra.settings import Settings


class SeveralServices(InvalidInput):
    """More than one local service could be meant."""

    code = "cli.several_services"


class AnotherUsersService(Forbidden):
    """The service of the data directory was started by another user."""

    code = "cli.another_users_service"
    default_hint = (
        "Name a data directory of yours with --data-dir, or --url and a key of that service. "
        "Only the administrator may name the data directory of another user."
    )


class NotConfirmed(Conflict):
    """A person has to confirm, and none is at the terminal."""

    code = "cli.not_confirmed"
    default_hint = "Nothing was changed. Add --yes to confirm it beforehand."


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
            with ending_at_once():
                from trimtab.infra.settings import load

            self._settings = load(self.config, self.flags)
        return self._settings

    @property
    def client(self) -> "Client":
        """Return the connection to the service."""
        if self._client is None:
            with ending_at_once():
                from trimtab.cli.runtime.connect import Client

            self._client = (
                Client.remote(self.url, self.api_key)
                if self.url
                else Client.local(self.settings, self.running_directory(), self.labels)
            )
        return self._client

    def running_directory(self) -> Path | None:
        """Return the data directory of the local service that answers, or None.

        It is the data directory of the settings. When none was named and none is here, it is that
        of the only running service of this user.

        Raises:
            AnotherUsersService: Another user started it, and no administrator has named it.
            SeveralServices: More than one runs elsewhere.
        """
        from trimtab.infra.control_socket import is_answering, is_of_another_user
        from trimtab.infra.running import running_services
        from trimtab.infra.settings import is_given

        data_dir = self.settings.service.data_dir
        is_named = is_given("service.data_dir", self.config, self.flags)
        if is_answering(data_dir):
            is_administrator = os.getuid() == 0
            if is_of_another_user(data_dir) and not (is_administrator and is_named):
                raise AnotherUsersService(f"The service of {data_dir} belongs to another user.")
            return data_dir
        if is_named or data_dir.exists():
            return None
        found = running_services()
        if len(found) > 1:
            raise SeveralServices(
                f"{len(found)} services are running: {', '.join(map(str, found))}.",
                hint="Name one with --data-dir.",
            )
        return found[0] if found else None

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

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
"""Confirms what deletes, revokes or approves."""


def confirm(question: str, *, yes: bool) -> None:
    """Ask at the terminal unless ``yes``; a script has to say it beforehand.

    Raises:
        NotConfirmed: No person is at the terminal.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmed(f"{question} No person is at the terminal to confirm it.")
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:  # Ctrl-C, or the end of the input.
        raise KeyboardInterrupt from None
    if not agreed:
        raise NotConfirmed("It was not confirmed.", hint="Nothing was changed.")


SetOptions = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Set one setting; repeatable."),
]
"""Accepts ``--set`` before the command, and after those that start a service."""


def settings_of(texts: Sequence[str] | None) -> dict[str, str]:
    """Return the values of ``--set`` by the setting's name.

    Raises:
        InvalidInput: One has no equals sign.
    """
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(
                f"--set {text}: the value is missing.", hint="Write --set section.field=value."
            )
        found[name] = value
    return found
