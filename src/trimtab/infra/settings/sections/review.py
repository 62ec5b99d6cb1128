"""Settings of human review and feedback."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """Review queues and the feedback queue."""

    annotators: int = setting(
        1,
        help="How many people judge each item; with 2, a third decides between them.",
        minimum=1,
        maximum=2,
    )
    lease_minutes: float = setting(
        30.0, unit="minutes", help="How long an item is one annotator's.", minimum=0.1, maximum=1440
    )
    collect_seconds: float = setting(
        15.0,
        unit="seconds",
        help="Between two collections of new items and feedback.",
        minimum=1,
        maximum=3600,
    )
    collect_batch: int = setting(
        1000, unit="items", help="New items that are read at once.", minimum=10, maximum=10_000
    )
    low_grounding: float = setting(
        0.5, help="Found answers grounded less than this are reviewed first.", minimum=0, maximum=1
    )
    feedback_per_minute: int = setting(
        10, help="Feedback of one user in a minute; more is refused as spam.", minimum=1
    )
