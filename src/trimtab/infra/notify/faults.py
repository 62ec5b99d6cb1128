"""Faults of notifications for drills: servers on loopback that refuse or never answer."""

from collections.abc import Callable, Mapping
from functools import partial

from trimtab.infra.notify.channels import Channel, WebhookChannel
from trimtab.infra.notify.delivery import Reach
from trimtab.infra.notify.fault_servers import LoopbackServer, Refusing, Silent
from trimtab.infra.notify.outbox import Outbox
from trimtab.infra.notify.routes import Kind, Message
from trimtab.infra.restartable import RestartableTask
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import new_id
from trimtab.kernel.operable import Arguments, Fault, Realism, Value

_MESSAGES = 3
_MAIL_SECONDS = 5.0
_WEBHOOK_SECONDS = 1.0
_NOT_REAL = "no thread of a sound process ends by itself; the delivery's thread is made to end"


class _FailingChannel:
    """Adds a channel whose server fails, and sends messages to it until it is removed."""

    def __init__(
        self,
        reach: Reach,
        outbox: Outbox,
        clock: Clock,
        start: Callable[[], LoopbackServer],
        make: Callable[[int], Channel],
    ) -> None:
        self._reach, self._outbox, self._clock = reach, outbox, clock
        self._start, self._make = start, make
        self._added: tuple[Channel, LoopbackServer] | None = None

    def inject(self, _: Arguments) -> Mapping[str, Value]:
        """Start the server, add its channel, and write messages for it."""
        server = self._start()
        channel = self._make(server.port)
        self._reach.channels.append(channel)
        self._added = channel, server
        now = self._clock.now()
        for number in range(_MESSAGES):
            key = new_id("drill", now)
            text = f"Drill message {number + 1}; nothing has to be done."
            self._outbox.add(Message("email", Kind.NOTE, text, key, "drill"), now)
        return {"port": server.port}

    def restore(self, _: Mapping[str, Value]) -> None:
        """Remove the channel and stop the server; may be called twice."""
        if self._added is None:
            return
        channel, server = self._added
        self._added = None
        self._reach.channels.remove(channel)
        self._reach.health.forget(channel.name)
        server.stop()


def faults(
    delivery: Callable[[], RestartableTask], reach: Reach, outbox: Outbox, clock: Clock
) -> tuple[Fault, ...]:
    """Return every fault of the notifications.

    Args:
        delivery: Returns the delivery's task, which is built later.
        reach: The channels.
        outbox: The messages.
        clock: Of the process.
    """
    refusing = _FailingChannel(reach, outbox, clock, partial(LoopbackServer, Refusing), _mail)
    silent = _FailingChannel(reach, outbox, clock, partial(LoopbackServer, Silent), _webhook)
    return (
        Fault(
            "notify.mail.refuse",
            "Send messages through an SMTP server on loopback that refuses all mail.",
            refusing.inject,
            refusing.restore,
            realism=Realism.REAL,
        ),
        Fault(
            "notify.webhook.hang",
            "Send messages to a webhook on loopback that never answers.",
            silent.inject,
            silent.restore,
            realism=Realism.REAL,
        ),
        Fault(
            "notify.delivery.stop",
            "End the thread that delivers notifications, and write one.",
            lambda _: _stop(delivery(), outbox, clock),
            lambda _: _start(delivery()),
            realism=Realism.SIMULATED,
            simulated_because=_NOT_REAL,
        ),
    )


def _stop(task: RestartableTask, outbox: Outbox, clock: Clock) -> Mapping[str, Value]:
    task.stop()
    now = clock.now()
    text = "Drill message; nothing has to be done."
    outbox.add(Message("#incidents", Kind.NOTE, text, new_id("drill", now), "drill"), now)
    return {}


def _start(task: RestartableTask) -> None:
    if not task.running:
        task.restart()


# The channels load modules that only drills need.


def _mail(port: int) -> Channel:
    from trimtab.infra.notify.mail import EmailChannel

    return EmailChannel(
        f"127.0.0.1:{port}", "trimtab@localhost", ("drill@localhost",), _MAIL_SECONDS
    )


def _webhook(port: int) -> Channel:
    import httpx

    return WebhookChannel(f"http://127.0.0.1:{port}/", httpx.Client(timeout=_WEBHOOK_SECONDS))
