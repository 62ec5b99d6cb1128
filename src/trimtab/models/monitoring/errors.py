"""Errors of model monitoring."""

from trimtab.kernel.errors import Conflict, InvalidInput, NotFound, TooLarge


class BadReference(InvalidInput):
    """Reference data or a profile of it cannot be used."""

    code = "models.bad_reference"
    default_hint = "Give rows of the training data as CSV or JSON lines with one column a feature."


class BadDataFile(InvalidInput):
    """A file with rows cannot be read."""

    code = "models.bad_data_file"
    default_hint = "Give a CSV file with a header, or JSON lines with one object a row."


class BadBatch(InvalidInput):
    """Lines of a batch are not usable; nothing of the batch is stored."""

    code = "models.bad_batch"
    default_hint = "Nothing was stored. Correct the lines and send the whole batch again."


class BatchTooLarge(TooLarge):
    """A batch has too many lines; nothing of it is stored."""

    code = "models.batch_too_large"
    default_hint = "Nothing was stored. Send at most 10,000 lines at a time."


class NotMonitored(NotFound):
    """No reference profile is known for that model."""

    code = "models.not_monitored"
    default_hint = (
        "Register a version, or send reference rows: `trimtab models reference NAME --data FILE`."
    )


class PredictionUnknown(NotFound):
    """Labels name predictions that were never observed; nothing of the batch is stored."""

    code = "models.prediction_unknown"
    default_hint = "Nothing was stored. Send the observations first, then their labels."


class LabelConflict(Conflict):
    """A prediction has another label already; nothing of the batch is stored."""

    code = "models.label_conflict"
    default_hint = (
        "Nothing was stored. A label is final; if the first one was wrong, send it with"
        ' `"correct": true`.'
    )
