"""Settings: one table, read from file, environment and flags, frozen at start.

A domain's section is a frozen dataclass in ``sections/<domain>.py`` whose fields are declared with
`setting`; `Settings` holds one of each.
"""

from trimtab.infra.settings.load import is_given, load
from trimtab.infra.settings.settings import Settings
from trimtab.infra.settings.table import rows

__all__ = ["Settings", "is_given", "load", "rows"]
