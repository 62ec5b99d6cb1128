"""Creates the first API key and imports keys from `API_KEY_ROLES`."""

import json
from collections.abc import Mapping
from pathlib import Path

from trimtab.infra.auth import Keys, Role
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.errors import Conflict, Misconfigured
from trimtab.kernel.ids import sha256_hex

_SEED = "seed-"
_FIRST_KEY_FILE = "admin.key"


def make_first_key(keys: Keys, directory: DataDirectory) -> Path | None:
    """Create an admin key in a private file, unless keys exist; return its path."""
    if keys.all():
        return None
    try:
        key = keys.create("admin", Role.ADMIN, actor="trimtab")
    except Conflict:
        return None  # Another process on the same database was faster.
    directory.keep_secret(_FIRST_KEY_FILE, f"{key}\n".encode())
    return directory.file(_FIRST_KEY_FILE)


def parse_key_roles(text: str) -> dict[str, Role]:
    """Parse ``API_KEY_ROLES`` and return the role of each key.

    The format is ``KEY:ROLE,KEY:ROLE`` or ``{"KEY": "ROLE"}``.

    Raises:
        Misconfigured: An entry has no role, an unknown one, or a key shorter than 16 characters.
        The message names
            the entry by its number, never the key.
    """
    found: dict[str, Role] = {}
    for number, (key, role) in enumerate(_pairs(text.strip()), 1):
        if role not in list(Role):
            raise _bad(number, "has an unknown role or none", f"Roles: {', '.join(Role)}.")
        if len(key) < 16:
            raise _bad(
                number, "has a key under 16 characters", "Use `trimtab keys create` to make one."
            )
        found[key] = Role(role)
    return found


def _pairs(text: str) -> list[tuple[str, str]]:
    if text.startswith("{"):
        try:
            return [(str(key), str(role)) for key, role in json.loads(text).items()]
        except ValueError:
            raise Misconfigured(
                "API_KEY_ROLES is not valid JSON.", hint="Write KEY:ROLE,KEY:ROLE instead."
            ) from None
    entries = [entry.strip().rpartition(":") for entry in text.split(",") if entry.strip()]
    return [(key.strip(), role.strip()) for key, _, role in entries]


def _bad(number: int, problem: str, hint: str) -> Misconfigured:
    return Misconfigured(f"Entry {number} of API_KEY_ROLES {problem}.", hint=hint)


def seed_name(key: str) -> str:
    """Return the name of a key from `API_KEY_ROLES`, which does not reveal the key."""
    return f"{_SEED}{sha256_hex(key.encode())[:12]}"


def seed(keys: Keys, roles: Mapping[str, Role]) -> int:
    """Import the keys of `API_KEY_ROLES`, revoke removed ones; return the number of changes."""
    changed = sum(
        keys.admit(seed_name(key), role, key, actor="API_KEY_ROLES") for key, role in roles.items()
    )
    names = {seed_name(key) for key in roles}
    for known in keys.all():
        if known.name.startswith(_SEED) and known.name not in names and known.revoked_at is None:
            keys.revoke(known.name, actor="API_KEY_ROLES")
            changed += 1
    return changed
