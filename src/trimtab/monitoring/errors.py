"""Errors of rules and expressions.

TrimtabError
|-- InvalidInput
|   |-- ExpressionRefused       an expression that does not parse, or uses what is not supported
|   `-- TemplateRefused         a label's or annotation's template that uses what is not supported
|-- Conflict
|   `-- EvaluationFailed        the samples do not allow the operation, such as many-to-many
|       `-- QueryTooExpensive   ... because it would read too many samples or take too long
`-- Misconfigured
    `-- BadRuleFile             a rule file is wrong; found at start
        |-- UnsupportedRule     ... because its expression or template uses what is not supported
        |-- UnknownMetric       ... because it names a metric that does not exist
        `-- MissingRunbook      ... because an alert names no runbook
"""

from trimtab.kernel.errors import Conflict, InvalidInput, Misconfigured


class ExpressionRefused(InvalidInput):
    """The expression cannot be evaluated here.

    Args:
        expression: The PromQL text as given.
        reason: Why it is refused, as a sentence without its full stop.
        unsupported: True when Prometheus would accept it and trimtab does not.
    """

    code = "rules.expression_refused"
    default_hint = "docs/rules.md lists what the evaluator supports."

    def __init__(self, expression: str, reason: str, *, unsupported: bool = False) -> None:
        super().__init__(f"The expression {expression!r} is refused: {reason}.")
        self.expression = expression
        self.reason = reason
        self.unsupported = unsupported


class EvaluationFailed(Conflict):
    """The samples at this instant do not allow the operation; Prometheus fails the same way."""

    code = "rules.evaluation_failed"
    default_hint = (
        "Aggregate the series first, or name the matching labels with on() or ignoring()."
    )


class QueryTooExpensive(EvaluationFailed):
    """The evaluation was ended because it reads too much or takes too long.

    Args:
        reason: Which limit it passed, as a clause.
    """

    code = "rules.query_too_expensive"
    default_hint = (
        "Name the metric, use fewer selectors or shorter ranges; docs/rules.md has the limits."
    )

    def __init__(self, reason: str) -> None:
        super().__init__(f"The expression was not evaluated to its end: {reason}.")


class BadRuleFile(Misconfigured):
    """A rule file cannot be used."""

    code = "rules.bad_file"
    default_hint = "Correct the file; `promtool check rules FILE` checks its form."


class UnsupportedRule(BadRuleFile):
    """A rule uses something that Prometheus has and trimtab has not."""

    code = "rules.unsupported"
    default_hint = "Rewrite the rule with what docs/rules.md lists, or evaluate it in Prometheus."


class UnknownMetric(BadRuleFile):
    """A rule names a metric that nothing exports and no rule records."""

    code = "rules.unknown_metric"
    default_hint = "Correct the name; `trimtab read --list` shows the metrics."


class MissingRunbook(BadRuleFile):
    """An alert does not say which runbook to open."""

    code = "rules.no_runbook"
    default_hint = "Add `runbook_url: runbook:<id>` to the alert's annotations."


class TemplateRefused(InvalidInput):
    """A label or annotation uses more of the template language than is supported."""

    code = "rules.template_refused"
    default_hint = "docs/rules.md lists the template functions."
