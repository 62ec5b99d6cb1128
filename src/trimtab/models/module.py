"""Builds the models domain."""

from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.kernel.tasks import ScheduledTask
from trimtab.models.actions import actions
from trimtab.models.context import ModelsContext, open_database
from trimtab.models.faults import faults
from trimtab.models.ports import TextEncoder
from trimtab.models.service import Models
from trimtab.models.signals import signals

_DROP_SECONDS = 3600.0
_UPLOAD_SECONDS = 600.0


def build(env: Environment, encoder: TextEncoder) -> Module:
    """Return the registry of trained models and everything that is built on it.

    Args:
        env: Of the process.
        encoder: The embedding model, for models that read text.
    """
    database = open_database(env.directory)
    models = Models(ModelsContext(env, database, encoder))
    verify_seconds = env.settings.models.verify_seconds
    return Module(
        "models",
        models,
        signals=signals(models),
        actions=actions(models),
        faults=faults(models),
        personal_data=models.personal_data(),
        tasks=models.tasks,
        scheduled=(
            ScheduledTask("check models that serve", verify_seconds, models.serving.verify_all),
            ScheduledTask(
                "upload artifacts of models", _UPLOAD_SECONDS, models.registry.upload_missing
            ),
            ScheduledTask("drop old predictions", _DROP_SECONDS, models.drop_old_results),
        ),
        start=(models.start,),
        close=(models.close, database.close),
    )
