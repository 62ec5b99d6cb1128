"""Builds the retraining of models."""

from collections.abc import Mapping
from pathlib import Path

from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.models.retraining.records import Trainer
from trimtab.models.retraining.schedule import schedule
from trimtab.models.retraining.service import RetrainingContext, Retrainings
from trimtab.models.retraining.signals import signals
from trimtab.models.retraining.store import RetrainingStore
from trimtab.models.service import Models


def build(env: Environment, models: Models, trainers: Mapping[str, Trainer]) -> Module:
    """Return the retraining of models, with its jobs registered.

    Args:
        env: Of the process.
        models: The registry, which promotes what was approved.
        trainers: The training function of each model that can be retrained here.
    """
    context = RetrainingContext(
        RetrainingStore(models.context.database),
        env.directory.folder("retraining"),
        env.jobs,
        env.clock,
        env.audit,
        models.registry.promote,
    )
    retrainings = Retrainings(context, trainers)
    settings = env.settings.models
    folder = Path(settings.retraining_data)
    schedule(env.jobs, retrainings, settings.retraining_schedule, folder)
    return Module("model_retraining", retrainings, signals=signals(retrainings))
