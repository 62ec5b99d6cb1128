"""Errors of the evaluation domain; their codes keep the prefix that callers know.

BadExperiment             answers.bad_trial             InvalidInput
BadQuestionSet     answers.bad_evaluation_set    InvalidInput
"""

from trimtab.kernel.errors import InvalidInput


class BadExperiment(InvalidInput):
    """The experiment configuration is invalid."""

    code = "answers.bad_trial"
    default_hint = "Write name=value; docs/answers/watching.md lists what can be tried."


class BadQuestionSet(InvalidInput):
    """The evaluation set cannot be read."""

    code = "answers.bad_evaluation_set"
    default_hint = "Name a folder with a data.jsonl whose rows have question, context and answers."
