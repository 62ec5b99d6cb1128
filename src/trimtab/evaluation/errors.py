"""Errors of the evaluation domain; their codes keep the prefix that callers know.

BadExperiment             answers.bad_trial             InvalidInput
BadQuestionSet     answers.bad_evaluation_set    InvalidInput
"""

from trimtab.kernel.errors import Conflict, InvalidInput


class BadExperiment(InvalidInput):
    """The experiment configuration is invalid."""

    code = "answers.bad_trial"
    default_hint = "Write name=value; docs/answers/watching.md lists what can be tried."


class BadQuestionSet(InvalidInput):
    """The evaluation set cannot be read."""

    code = "answers.bad_evaluation_set"
    default_hint = "Name a folder with a data.jsonl whose rows have question, context and answers."


class WeekUnknown(InvalidInput):
    """The text names no ISO week, or one that has not begun."""

    code = "evaluation.week_unknown"


class WeekNotTriaged(Conflict):
    """Phase 2 of the flywheel was asked for before phase 1, or before any annotation."""

    code = "evaluation.week_not_triaged"


class FlywheelRunning(Conflict):
    """Another run of the flywheel is in progress."""

    code = "evaluation.flywheel_running"
    default_hint = "Wait until it has ended, then repeat the command."
