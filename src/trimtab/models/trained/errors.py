"""Errors of training and evaluation.

TrainingDataInvalid  models.bad_training_data  InvalidInput
TrainerUnknown       models.trainer_unknown    NotFound
"""

from trimtab.kernel.errors import InvalidInput, NotFound


class TrainingDataInvalid(InvalidInput):
    """The data to train or evaluate with is missing or has another format."""

    code = "models.bad_training_data"
    default_hint = "docs/trained-models.md describes the files that each model reads."


class TrainerUnknown(NotFound):
    """No training of that name exists."""

    code = "models.trainer_unknown"
    default_hint = "`trimtab models train --help` lists the names."
