"""Options, dependencies and the result of a move."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass

from trimtab.app.move.progress import ReportProgress
from trimtab.app.move.proof import RelocationProof
from trimtab.app.move.tables import TransferPlan
from trimtab.infra.settings import Settings
from trimtab.infra.storage.transfer import Transform
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)
Undisturbed = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class MoveContext:
    """Options and dependencies of a move.

    Attributes:
        settings: Name the data directory, and the server when the data is on PostgreSQL.
        clock: Of the process.
        progress: Called as it advances.
        dry_run: Only look.
        strip_nul: Move texts without NUL characters, which PostgreSQL cannot store.
        undisturbed: Postpones Ctrl-C during the last step.
    """

    settings: Settings
    clock: Clock
    progress: ReportProgress
    dry_run: bool = False
    strip_nul: bool = False
    undisturbed: Undisturbed = nullcontext

    @property
    def transform(self) -> Transform | None:
        """Return what is done to every text."""
        return _without_nul if self.strip_nul else None


@dataclass(frozen=True, slots=True)
class RelocationResult:
    """Result of a move, or of its dry run.

    Attributes:
        source: Address or folder.
        target: Address or folder.
        tables: Rows and SHA-256 of each table, equal on both sides.
        rows: Number of all rows.
        changed_texts: Texts from which NUL characters were taken.
        seals: Checksums of knowledge that were verified on the target.
        audit_events: Length of the audit chain before the move.
        audit_head: Hash of its newest event then, equal on both sides.
        searches: How many were made on both sides.
        dry_run: Nothing was written.
        seconds: How long it took.
    """

    source: str
    target: str
    tables: Mapping[str, Mapping[str, object]]
    rows: int
    changed_texts: int
    seals: int
    audit_events: int
    audit_head: str
    searches: int
    dry_run: bool = False
    seconds: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return asdict(self)


def result_of(
    source: str, target: str, plan: TransferPlan, proof: RelocationProof
) -> RelocationResult:
    """Return the result of a move between two addresses."""
    return RelocationResult(
        source,
        target,
        {name: {"rows": d.rows, "sha256": d.sha256} for name, d in plan.digests.items()},
        plan.rows,
        sum(digest.changed for digest in plan.digests.values()),
        proof.seals,
        proof.audit_events,
        proof.audit_head,
        proof.searches,
    )


@contextmanager
def undone_on_failure(undo: Callable[[], None]) -> Iterator[None]:
    """Undo what was written when the block raises, also on Ctrl-C; a failed undo is logged."""
    try:
        yield
    except BaseException:
        try:
            undo()
        except (TrimtabError, OSError):
            _log.exception("what the move has written could not be removed; the next move does it")
        raise


def _without_nul(text: str) -> str:
    return text.replace("\0", "")
