"""Builds the models domain."""

from pathlib import Path

from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.kernel.tasks import ScheduledTask
from trimtab.models.actions import actions
from trimtab.models.config_files import ConfigFiles
from trimtab.models.context import ModelsContext, open_database
from trimtab.models.faults import faults
from trimtab.models.ports import FoundationModel, TextEncoder
from trimtab.models.recovery import ModelRecovery
from trimtab.models.service import Models
from trimtab.models.signals import signals

_DROP_SECONDS = 3600.0
_UPLOAD_SECONDS = 600.0
_CONFIG_SECONDS = 10.0


def build(
    env: Environment, encoder: TextEncoder, foundation: FoundationModel | None = None
) -> Module:
    """Return the registry of trained models and everything that is built on it.

    Args:
        env: Of the process.
        encoder: The embedding model, for models that read text.
        foundation: Classifies when no version and no baseline can; None for none.
    """
    database = open_database(env)
    models = Models(ModelsContext(env, database, encoder, foundation))
    settings = env.settings.models
    folder = Path(settings.config_dir) if settings.config_dir else None
    config = ConfigFiles(folder, models.serving, env.changes)
    return Module(
        "models",
        models,
        signals=signals(models),
        actions=actions(models),
        faults=faults(models),
        personal_data=models.personal_data(),
        tasks=models.tasks,
        scheduled=(
            ScheduledTask(
                "check models that serve",
                settings.verify_seconds,
                models.serving.verify_all,
                each_process=True,
            ),
            ScheduledTask(
                "apply configuration of models", _CONFIG_SECONDS, config.look, each_process=True
            ),
            *_recovering(settings.recover_seconds, ModelRecovery(models)),
            ScheduledTask(
                "upload artifacts of models", _UPLOAD_SECONDS, models.registry.upload_missing
            ),
            ScheduledTask("drop old predictions", _DROP_SECONDS, models.drop_old_results),
        ),
        start=(models.start,),
        close=(models.close, database.close),
    )


def _recovering(seconds: float, recovery: ModelRecovery) -> tuple[ScheduledTask, ...]:
    if not seconds:
        return ()
    return (ScheduledTask("recover models", seconds, recovery.look, each_process=True),)
