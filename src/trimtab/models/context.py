"""Shared dependencies of the parts of the models domain."""

from dataclasses import dataclass

from trimtab.infra.environment import Environment
from trimtab.infra.settings.sections.models import ModelsSettings
from trimtab.infra.storage import Database, DataDirectory, SqliteDatabase
from trimtab.models.ports import FoundationModel, TextEncoder

DATABASE_FILE = "models.db"
CHAINS = ("models", "model_monitoring")
"""Chains of migrations of the database; each sub-package with tables adds its own."""


@dataclass(frozen=True, slots=True)
class ModelsContext:
    """Shared dependencies of the domain.

    Attributes:
        env: Of the process.
        database: Versions, aliases, results and whatever the monitors store.
        encoder: The embedding model, for models that read text.
        foundation: Classifies when no version and no baseline can; None for none.
    """

    env: Environment
    database: Database
    encoder: TextEncoder
    foundation: FoundationModel | None = None

    @property
    def settings(self) -> ModelsSettings:
        """Return the settings of the domain."""
        return self.env.settings.models


def open_database(directory: DataDirectory) -> Database:
    """Open the database of the domain, creating it at first use."""
    return SqliteDatabase(directory.file(DATABASE_FILE), CHAINS, page_sums=True)
