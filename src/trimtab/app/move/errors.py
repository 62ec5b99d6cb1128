"""Errors of a move between engines. In every case the source is unchanged and in use."""

from trimtab.kernel.errors import Conflict, Corrupt


class RelocationRefused(Conflict):
    """The move cannot be made as things are; nothing was changed."""

    code = "move.refused"


class ProofFailed(Corrupt):
    """The copy differs from the source, which stays in use."""

    code = "move.proof_failed"
    default_hint = (
        "The source is unchanged and stays in use. Repeat the move; report it if it fails again."
    )
