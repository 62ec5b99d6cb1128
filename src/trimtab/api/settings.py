"""Route of the settings in force."""

from dataclasses import dataclass

from fastapi import APIRouter

from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import OPERATOR
from trimtab.api.services import EnvDep
from trimtab.infra.settings import Settings, rows
from trimtab.kernel.redaction import hide_credentials, hide_in

_SECRET = ("key", "secret", "password", "token", "webhook", "headers")
"""Settings with one of these words in their name are hidden, also without ``secret``."""

router = APIRouter(prefix="/v1/settings", tags=["settings"], route_class=ApiRoute)


SettingValue = bool | int | float | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting in force."""

    name: str
    """``section.field``."""
    value: SettingValue
    """``[hidden]`` where it is a secret."""
    default: SettingValue
    unit: str
    help: str
    env: tuple[str, ...]
    """Further variables that set it."""


@dataclass(frozen=True, slots=True)
class SettingList:
    """All settings in force."""

    settings: tuple[SettingRow, ...]


@router.get("", dependencies=[OPERATOR])
def settings(env: EnvDep) -> SettingList:
    """List every setting with its value, default, unit and the variables that set it."""
    return SettingList(settings_table(env.settings))


def settings_table(chosen: Settings) -> tuple[SettingRow, ...]:
    """Return one row per setting; secrets are hidden."""
    table: list[SettingRow] = []
    for row in rows(Settings):
        section, _, name = row.name.partition(".")
        value = getattr(getattr(chosen, section), name)
        named = isinstance(value, str) and any(word in name for word in _SECRET)
        hidden = (row.secret or named) and value not in ("", (), None)
        table.append(
            SettingRow(
                name=row.name,
                value="[hidden]" if hidden else _plain(value),
                default=_plain(row.default),
                unit=row.unit,
                help=row.help,
                env=tuple(row.env),
            )
        )
    return tuple(table)


def _plain(value: object) -> SettingValue:
    if isinstance(value, tuple):
        return tuple(str(hide_in(item)) for item in value)
    if isinstance(value, bool | int | float):
        return value
    return hide_credentials(str(value))
