"""Facade of the notifications: self-tests, deliveries and replay."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeGuard

from trimtab.infra.notify.channels import Channel, TestableChannel
from trimtab.infra.notify.deliveries import ChannelTest, DeliveryRecord
from trimtab.infra.notify.delivery import Reach, reason_of
from trimtab.infra.notify.outbox import Outbox
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import NotFound

TEST_TEXT = "Test message from trimtab. Nothing has to be done."
_LAST_MESSAGE = 2**63 - 1
"""The largest number that the database can hold."""


class ChannelUnknown(NotFound):
    """No channel of that name is configured."""

    code = "notify.channel_unknown"


class DeadLetterUnknown(NotFound):
    """No message of that number was given up."""

    code = "notify.dead_letter_unknown"
    default_hint = "`trimtab notifications list --state dead` lists them."


class Notifications:
    """Tests channels and shows what was delivered.

    Args:
        outbox: The messages.
        reach: The configured channels.
        clock: Of the process.
        self_test_hours: Between two self-tests of a channel; 0 means none.
    """

    def __init__(
        self, outbox: Outbox, reach: Reach, clock: Clock, self_test_hours: float = 0.0
    ) -> None:
        self.outbox = outbox
        self.health = reach.health
        self._channels = reach.channels
        self._clock = clock
        self._every = timedelta(hours=self_test_hours)

    @property
    def channels(self) -> tuple[str, ...]:
        """Return the names of the channels that reach people."""
        return tuple(each.name for each in self._testable())

    def test(self, channel: str = "") -> list[ChannelTest]:
        """Send a test message through a channel, or through each; return what happened.

        Raises:
            ChannelUnknown: No such channel is configured.
        """
        chosen = [each for each in self._testable() if channel in ("", each.name)]
        if channel and not chosen:
            known = ", ".join(self.channels) or "none"
            raise ChannelUnknown(
                f"No channel {channel!r} is configured.",
                hint=f"Configured: {known}. The `notify` settings open channels.",
            )
        return [self._test(each) for each in chosen]

    def test_due(self) -> list[ChannelTest]:
        """Test each channel whose last test is older than the interval."""
        if not self._every:
            return []
        now = self._clock.now()
        tested = {each.channel: each.at for each in self.outbox.deliveries.tests()}
        due = [
            each
            for each in self._testable()
            if each.name not in tested
            or datetime.fromisoformat(tested[each.name]) + self._every <= now
        ]
        return [self._test(each) for each in due]

    def untried_seconds(self) -> float:
        """Return the age of the oldest message that was not tried yet; 0 without one."""
        at = self.outbox.oldest_untried()
        return (self._clock.now() - datetime.fromisoformat(at)).total_seconds() if at else 0.0

    def newest(self, state: str = "", limit: int = 100) -> Sequence[DeliveryRecord]:
        """Return deliveries, newest first."""
        return self.outbox.deliveries.newest(state, limit)

    def replay(self, message: int | None = None) -> int:
        """Send dead letters again, one or all; return the number of messages.

        Raises:
            DeadLetterUnknown: That message was not given up.
        """
        possible = message is None or 0 < message <= _LAST_MESSAGE
        found = self.outbox.revive(message, self._clock.now()) if possible else []
        if message is not None and not found:
            raise DeadLetterUnknown(f"The message {message} is not a dead letter.")
        return len(found)

    def _testable(self) -> list[TestableChannel]:
        return [each for each in self._channels if _is_testable(each)]

    def _test(self, channel: TestableChannel) -> ChannelTest:
        now, error = self._clock.now(), ""
        try:
            channel.test(TEST_TEXT, f"self-test-{now.isoformat()}")
        # The result says why; no kind of failure of a channel may end the other tests.
        except Exception as failure:  # noqa: BLE001
            error = reason_of(failure)
        self.health.note(channel.name, failed=bool(error))
        return self.outbox.deliveries.note_test(channel.name, now, error)


def _is_testable(channel: Channel) -> TypeGuard[TestableChannel]:
    return hasattr(channel, "test")
