"""Errors of a move between engines. In every case the source is unchanged and in use."""

from trimtab.kernel.errors import Conflict, Corrupt


class MoveRefused(Conflict):
    """The move cannot be made as things are; nothing was changed."""

    code = "move.refused"


class ProofFailed(Corrupt):
    """What arrived differs from what was sent; the source stays in use."""

    code = "move.proof_failed"
    default_hint = (
        "The source is unchanged and stays in use. Repeat the move; report it if it fails again."
    )
