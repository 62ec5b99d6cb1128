"""Shared dependencies of the parts of the models domain."""

from dataclasses import dataclass

from trimtab.infra.environment import Environment
from trimtab.infra.settings.sections.models import ModelsSettings
from trimtab.infra.storage import Database, SqliteDatabase
from trimtab.models.ports import FoundationModel, TextEncoder

DATABASE = "models"
"""Name of the database on PostgreSQL, where each chain has a schema."""
DATABASE_FILE = f"{DATABASE}.db"
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


def open_database(env: Environment) -> Database:
    """Open the database of the domain on the engine of this process, creating it at first use."""
    if env.postgres is None:
        return SqliteDatabase(env.directory.file(DATABASE_FILE), CHAINS, page_sums=True)
    from trimtab.infra.storage.postgresql import PostgresDatabase

    return PostgresDatabase(env.postgres, DATABASE, CHAINS)
