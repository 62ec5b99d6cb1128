"""Exceptions of the release gates.

They report wrong use; a failed check is a `Finding`, never an exception.
"""

from trimtab.kernel.errors import (
    Conflict,
    Corrupt,
    Forbidden,
    InvalidInput,
    Misconfigured,
    NotFound,
)


class EvidenceMissing(NotFound):
    """A file that the command needs does not exist."""

    code = "gates.evidence_missing"


class EvidenceUnreadable(InvalidInput):
    """A file that should hold evidence cannot be read as what it claims to be."""

    code = "gates.evidence_unreadable"


class ImportRefused(InvalidInput):
    """A foreign result file does not have the stated format."""

    code = "gates.import_refused"
    default_hint = (
        "Formats: `--from lm-eval` (results JSON, v0 and current), `--from mlperf` (training log)."
    )


class PolicyWrong(Misconfigured):
    """The policy file holds an unknown key or a value of the wrong type."""

    code = "gates.policy_wrong"
    default_hint = "docs/gates/policy.md lists every key with its default."


class KeyMissing(NotFound):
    """There is no signing key, or no trusted key of that id."""

    code = "gates.key_missing"
    default_hint = (
        "`trimtab gates keys new --name NAME` makes a builder's key, with `--role approver` an"
        " approver's; `trimtab gates keys list` shows those that there are."
    )


class SignatureWrong(Corrupt):
    """An envelope is malformed, not signed by a trusted key, or about something else."""

    code = "gates.signature_wrong"
    default_hint = (
        "Sign the artifacts again with `trimtab gates sign FILES`, with a key that"
        " `trimtab gates keys list` shows as trusted."
    )


class ApprovalRefused(Forbidden):
    """Evidence may change only with an unused approval that names exactly this change."""

    code = "gates.approval_refused"
    default_hint = (
        "A person with an approver's key runs `trimtab gates approve baseline REPORT --by NAME"
        " --reason WHY`, or `approve manifest --sha256 HASH`; it counts once, for a day."
    )


class BaselineRefused(Conflict):
    """A report that does not pass its own gates cannot become the baseline."""

    code = "gates.baseline_refused"
    default_hint = "Run `trimtab gates run REPORT` and clear its findings first."


class ToolMissing(NotFound):
    """An optional outside program is not installed."""

    code = "gates.tool_missing"


class NoGoodCopy(Conflict):
    """There is no copy of the evidence from a passing verdict."""

    code = "gates.no_good_copy"
    default_hint = (
        "Bring the evidence back from version control or a backup, then run the gates again."
    )
