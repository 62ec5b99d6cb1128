"""Errors of the guardrails domain.

A guard's verdict on a text is a value and never one of these errors.

BadEvaluationSet   guardrails.bad_evaluation_set   InvalidInput
BadTrainingData    guardrails.bad_training_data    InvalidInput
TrainingUnavailable guardrails.training_unavailable Misconfigured
WeightsDamaged     guardrails.weights_damaged      Corrupt
BadDuration        guardrails.bad_duration         InvalidInput
BadRule            guardrails.bad_rule            InvalidInput
GuardUnavailable   guardrails.guard_unavailable    Unavailable
NamesUnavailable   guardrails.names_unavailable    GuardUnavailable
NameDetectorMissing guardrails.name_detector_missing Misconfigured
"""

from trimtab.kernel.errors import Corrupt, InvalidInput, Misconfigured, Unavailable


class BadEvaluationSet(InvalidInput):
    """The folder contains no evaluation set of a known kind."""

    code = "guardrails.bad_evaluation_set"
    default_hint = (
        "Name a folder with a data.jsonl whose rows have text + label, context + claim + label, "
        "or text + spans."
    )


class BadTrainingData(InvalidInput):
    """A training set is missing or malformed."""

    code = "guardrails.bad_training_data"
    default_hint = "Give the folder that holds the sets named in docs/guardrails/injection.md."


class TrainingUnavailable(Misconfigured):
    """The development packages needed for training are not installed."""

    code = "guardrails.training_unavailable"
    default_hint = "Run `make dev`: training needs scikit-learn, running the service does not."


class WeightsDamaged(Corrupt):
    """A weights file is unreadable or does not match this release."""

    code = "guardrails.weights_damaged"
    default_hint = "Reinstall trimtab, or make them again with `trimtab guardrails train`."


class BadDuration(InvalidInput):
    """The duration is malformed or out of range."""

    code = "guardrails.bad_duration"
    default_hint = "Write a number and s, m or h, such as 30m."


class GuardUnavailable(Unavailable):
    """The guard cannot judge now; its policy gives the verdict."""

    code = "guardrails.guard_unavailable"


class NamesUnavailable(GuardUnavailable):
    """The name detector is enabled but cannot answer now."""

    code = "guardrails.names_unavailable"
    default_hint = "Run `trimtab act guardrails.restart`, or turn names off: guardrails.pii_names."


class NameDetectorMissing(Misconfigured):
    """The enabled name detector or its model is not installed."""

    code = "guardrails.name_detector_missing"
    default_hint = (
        "Install a model, such as `python -m spacy download en_core_web_sm`, and name it in "
        'guardrails.pii_names_model; or set guardrails.pii_names = "off".'
    )


class BadRule(InvalidInput):
    """The guard rule is unknown or its value is invalid."""

    code = "guardrails.bad_rule"
