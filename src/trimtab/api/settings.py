"""The settings in force."""

from fastapi import APIRouter

from trimtab.api.roles import OPERATOR
from trimtab.api.services import Here
from trimtab.infra.settings import Settings, rows
from trimtab.infra.web.routes import GuardedRoute
from trimtab.kernel.redaction import hide_credentials, hide_in

_SECRET = ("key", "secret", "password", "token", "webhook", "headers")
"""Texts whose names hold one of these are not shown either, should a declaration forget ``secret``."""

router = APIRouter(prefix="/v1/settings", tags=["settings"], route_class=GuardedRoute)


@router.get("", dependencies=[OPERATOR])
def settings(here: Here) -> dict[str, list[dict[str, object]]]:
    """List every setting with its value, default, unit and the variables that set it."""
    return {"settings": settings_table(here.settings)}


def settings_table(chosen: Settings) -> list[dict[str, object]]:
    """Return one row for each setting. A value that is a secret is not shown."""
    table: list[dict[str, object]] = []
    for row in rows(Settings):
        section, _, name = row.name.partition(".")
        value = getattr(getattr(chosen, section), name)
        named = isinstance(value, str) and any(word in name for word in _SECRET)
        hidden = (row.secret or named) and value not in ("", (), None)
        table.append(
            {
                "name": row.name,
                "value": "[hidden]" if hidden else _plain(value),
                "default": _plain(row.default),
                "unit": row.unit,
                "help": row.help,
                "env": list(row.env),
            }
        )
    return table


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [hide_in(item) for item in value]
    if isinstance(value, bool | int | float):
        return value
    return hide_credentials(str(value))
