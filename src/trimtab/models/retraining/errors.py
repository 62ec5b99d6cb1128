"""Errors of retraining."""

from trimtab.kernel.errors import Conflict, InvalidInput, NotFound


class RetrainingUnknown(NotFound):
    """No retraining has that id."""

    code = "models.retraining_unknown"
    default_hint = "`trimtab models retrainings` lists them."


class NotTrainable(NotFound):
    """There is no training function for the model."""

    code = "models.not_trainable"
    default_hint = "Train it where it is made, then `trimtab models register` the new version."


class TrainingDataRefused(InvalidInput):
    """The training data is empty."""

    code = "models.training_data_refused"


class DecisionRefused(Conflict):
    """The retraining does not wait for this decision."""

    code = "models.decision_refused"
    default_hint = (
        "Look at its data and metrics again, then decide with the hash that it shows now."
    )
