"""Signals of the notifications."""

from collections.abc import Iterable

from trimtab.infra.notify.deliveries import DeliveryState
from trimtab.infra.notify.service import Notifications
from trimtab.kernel.operable import Sample, Signal


def signals(notifications: Notifications) -> tuple[Signal, ...]:
    """Return every signal of the notifications."""
    log = notifications.outbox.deliveries

    def failing() -> Iterable[Sample]:
        for name in notifications.channels:
            yield Sample(float(notifications.health.failing(name)), {"channel": name})

    def tested() -> Iterable[Sample]:
        for result in log.tests():
            # Nothing could ever repair a channel that is no longer configured.
            if result.channel in notifications.channels:
                yield Sample(float(not result.error), {"channel": result.channel})

    def dead() -> Iterable[Sample]:
        counts = log.counts()
        for name in notifications.channels:
            yield Sample(float(counts.get((name, DeliveryState.DEAD), 0)), {"channel": name})

    return (
        Signal(
            "notify.untried_seconds",
            "seconds",
            "Age of the oldest message that no one has tried to deliver; 0 without one.",
            lambda: (Sample(notifications.untried_seconds()),),
        ),
        Signal(
            "notify.channel_failing",
            "1",
            "1 when the last three attempts of a channel have failed.",
            failing,
            ("channel",),
        ),
        Signal(
            "notify.dead_letters",
            "messages",
            "Messages that were given up for a channel; a replay sends them again.",
            dead,
            ("channel",),
        ),
        Signal(
            "notify.self_test_ok",
            "1",
            "1 when the last self-test of a channel worked; absent before the first.",
            tested,
            ("channel",),
        ),
    )
