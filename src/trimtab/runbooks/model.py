"""Records of parsed runbook pages."""

from dataclasses import dataclass
from enum import StrEnum

from trimtab.kernel.ids import content_id
from trimtab.runbooks.commands import Act, Break, Check, Read


class Nature(StrEnum):
    """Nature of a cause; escalation ladders may have a team for it."""

    SOFTWARE = "software"
    UPSTREAM = "upstream"
    INFRASTRUCTURE = "infrastructure"
    SECURITY = "security"


@dataclass(frozen=True, slots=True)
class Cause:
    """A possible cause with its evidence, fix, verification and drill."""

    id: str
    """``runbook-id/slug-of-the-title``."""
    title: str
    prose: str
    evidence: tuple[Check, ...]
    """The cause is supported when all of them hold."""
    fix: tuple[Act, ...]
    """In order of priority; empty when only a person can repair it."""
    verify: tuple[Check, ...]
    """The repair worked when all of them hold."""
    drill: tuple[Break, ...]
    nature: Nature
    line: int


@dataclass(frozen=True, slots=True)
class Runbook:
    """A page that the operator can execute."""

    id: str
    title: str
    alerts: tuple[str, ...]
    """The alerts that open it."""
    severity: str
    """The label of its source, such as ``P2``."""
    system: str
    """The system it comes from; decides native labels. Empty means the ladder's name."""
    ladder: str
    """Which escalation ladder."""
    prose: str
    gather: tuple[Read | Check, ...]
    causes: tuple[Cause, ...]
    escalate: str
    """When a person must take over, as Markdown."""
    escalate_when: tuple[Check, ...]
    """... and the part of it that the machine can check."""
    path: str
    text: str
    needs: str = ""
    """What must be configured for its alerts to open it, such as ``kubernetes``."""

    def cause(self, cause_id: str) -> Cause | None:
        """Return the cause of that id."""
        return next((cause for cause in self.causes if cause.id == cause_id), None)

    def proof_hash(self, version: str) -> str:
        """Return the hash of this page and build, to which a drill's proof is bound."""
        return content_id("proof", self.text, version)


@dataclass(frozen=True, slots=True)
class Procedure:
    """A page that only people follow; the operator never runs it."""

    id: str
    title: str
    prose: str
    path: str
    text: str
    alerts: tuple[str, ...] = ()
    """Alerts that lead to it, in addition to those whose rule names it."""


Page = Runbook | Procedure
