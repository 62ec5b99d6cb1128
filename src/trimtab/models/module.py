"""Builds the models domain."""

from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.models.context import ModelsContext, open_database
from trimtab.models.ports import TextEncoder
from trimtab.models.service import Models


def build(env: Environment, encoder: TextEncoder) -> Module:
    """Return the registry of trained models and everything that is built on it.

    Args:
        env: Of the process.
        encoder: The embedding model, for models that read text.
    """
    database = open_database(env.directory)
    models = Models(ModelsContext(env, database, encoder))
    return Module("models", models, start=(models.start,), close=(models.close, database.close))
