"""Rules that select answers for review."""

import hashlib
from dataclasses import dataclass

from trimtab.answers.records import Trace


@dataclass(frozen=True, slots=True)
class SamplingRules:
    """Answers that need a look are always taken, of the others a share.

    Args:
        share: Of the unsuspicious answers, in [0, 1].
        low_confidence: Found answers below this are taken.
    """

    share: float = 0.02
    low_confidence: float = 0.5

    def reason(self, trace: Trace) -> str:
        """Return why this answer should be reviewed; empty when it need not be.

        The share is chosen by the trace's id, so that every process and every repetition chooses
        the same.
        """
        answer = trace.answer
        outcomes = {stage.outcome for stage in trace.stages}
        rules = (
            ("bypassed", any(stage.facts.get("bypassed") for stage in trace.stages)),
            ("blocked", answer.blocked),
            ("fallback", "fallback" in outcomes),
            ("degraded", answer.degraded_mode),
            ("not_found", not answer.found and not answer.blocked),
            ("low_confidence", answer.found and answer.confidence < self.low_confidence),
            ("sample", chosen(trace.id, self.share)),
        )
        return next((name for name, applies in rules if applies), "")


def chosen(key: str, share: float, salt: str = "review") -> bool:
    """Return whether the key is in a share of all keys; larger shares include smaller ones."""
    digest = hashlib.sha256(f"{salt} {key}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64
