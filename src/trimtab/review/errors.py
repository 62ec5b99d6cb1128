"""Errors of the review domain."""

from trimtab.kernel.errors import Conflict, InvalidInput, NotFound

_NEXT = "`trimtab review next` takes an item; `trimtab review list` shows the open ones."


class ReviewItemUnknown(NotFound):
    """No review item has that id or trace: it was erased, has expired or was never queued."""

    code = "review.item_unknown"
    default_hint = "`trimtab review list` shows the open items."


class ReviewQueueUnknown(NotFound):
    """No queue has that name."""

    code = "review.queue_unknown"


class ArchiveUnknown(NotFound):
    """No archive has that id."""

    code = "review.archive_unknown"
    default_hint = "`trimtab review archives` lists them."


class ItemNotLeased(Conflict):
    """The annotator does not hold the item."""

    code = "review.not_leased"
    default_hint = _NEXT


class LeaseEnded(Conflict):
    """The annotator's lease of the item has ended; somebody else may hold it now."""

    code = "review.lease_ended"
    default_hint = "Take it again with `trimtab review next --item ITEM`, then submit."


class ItemClosed(Conflict):
    """The item is finished or archived."""

    code = "review.item_closed"
    default_hint = _NEXT


class ItemTaken(Conflict):
    """Another annotator holds the item, or this one has judged or skipped it."""

    code = "review.item_taken"
    default_hint = _NEXT


class ArchiveRestored(Conflict):
    """The archive was restored already."""

    code = "review.archive_restored"


class BadAnnotation(InvalidInput):
    """The annotation is incomplete or contradicts itself."""

    code = "review.bad_annotation"


class CandidateUnknown(NotFound):
    """No waiting candidate has that id."""

    code = "review.candidate_unknown"
    default_hint = "`trimtab review candidates` lists those that wait for a decision."
