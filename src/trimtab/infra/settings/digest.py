"""Digests of settings, to detect changed values without storing them."""

import hmac

from trimtab.infra.settings.settings import Settings
from trimtab.infra.settings.table import rows


def digests(settings: Settings, key: bytes) -> dict[str, str]:
    """Return a keyed digest (HMAC) of each setting's value, by name.

    Args:
        settings: The current settings.
        key: A secret of the installation, so that a short secret cannot be guessed from its digest.
    """
    found = {}
    for row in rows(Settings):
        section, _, name = row.name.partition(".")
        value = repr(getattr(getattr(settings, section), name))
        found[row.name] = hmac.new(key, f"{row.name}={value}".encode(), "sha256").hexdigest()[:32]
    return found
