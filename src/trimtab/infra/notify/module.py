"""Builds the notifications: the outbox early, because others write to it, and its delivery late."""

import sys
from collections.abc import Callable, Iterator

from trimtab.infra.environment import Environment
from trimtab.infra.notify.actions import actions, notification_actions, outage_actions
from trimtab.infra.notify.channels import (
    Channel,
    ConsoleChannel,
    LogChannel,
    SlackChannel,
    WebhookChannel,
)
from trimtab.infra.notify.delivery import Delivery, Reach, Receipt
from trimtab.infra.notify.faults import faults
from trimtab.infra.notify.outage import OutagePages
from trimtab.infra.notify.outbox import Outbox
from trimtab.infra.notify.pagerduty import PagerDutyChannel
from trimtab.infra.notify.service import Notifications
from trimtab.infra.notify.signals import signals
from trimtab.infra.notify.tracker import GitHubChannel
from trimtab.infra.settings.sections.notify import NotifySettings
from trimtab.kernel.module import Module
from trimtab.kernel.personal_data import ErasureStep
from trimtab.kernel.tasks import ScheduledTask


def build(env: Environment) -> Module:
    """Return the outbox."""
    outbox = Outbox(env.state, env.fleet)
    return Module(
        "notify",
        outbox,
        actions=actions(outbox, env.clock),
        personal_data=(ErasureStep("notify.outbox", outbox.naming, outbox.forget),),
    )


def build_channels(env: Environment) -> Module:
    """Return the channels that the settings open."""
    channels = open_channels(env.settings.notify)
    return Module("notify channels", Reach(channels, env.dependencies))


def build_outage(env: Environment, outbox: Outbox, reach: Reach) -> Module:
    """Return the one page for an outage of the whole system."""
    pages = OutagePages(outbox, reach, env.clock)
    return Module("outage", pages, actions=outage_actions(pages))


def build_notifications(
    env: Environment, outbox: Outbox, reach: Reach, delivery: Callable[[], Delivery]
) -> Module:
    """Return self-tests, deliveries and dead letters.

    Args:
        env: Of the process.
        outbox: The messages.
        reach: The channels.
        delivery: Returns the delivery, which is built later.
    """
    hours = env.settings.notify.self_test_hours
    notifications = Notifications(outbox, reach, env.clock, hours)
    return Module(
        "notifications",
        notifications,
        signals=signals(notifications),
        actions=notification_actions(notifications, lambda: delivery().task),
        faults=faults(lambda: delivery().task, reach, outbox, env.clock),
        scheduled=(ScheduledTask("test the channels", 600.0, notifications.test_due),),
    )


def build_delivery(
    env: Environment, outbox: Outbox, reach: Reach, on_receipt: Callable[[Receipt], None]
) -> Module:
    """Return the delivery of messages.

    Args:
        env: Of the process.
        outbox: Where messages wait.
        reach: The channels.
        on_receipt: Called for each message that a channel passed on to people, or failed to.
    """
    delivery = Delivery(
        outbox,
        reach.channels,
        env.clock,
        on_receipt,
        reach.health,
        env.settings.notify.max_attempts,
    )
    return Module(
        "notify delivery",
        delivery,
        tasks=(delivery.task,),
        start=(delivery.start,),
        close=(delivery.close,),
    )


def open_channels(notify: NotifySettings) -> Iterator[Channel]:
    """Yield the channels that the settings open; the log is the first."""
    yield LogChannel()
    if notify.console:
        yield ConsoleChannel(sys.stderr)
    if notify.email_server and notify.email_to:
        from trimtab.infra.notify.mail import EmailChannel

        seconds = notify.webhook_timeout_seconds
        yield EmailChannel(notify.email_server, notify.email_from, notify.email_to, seconds)
    if (
        notify.slack_webhook_url
        or notify.webhook_url
        or notify.pagerduty_routing_key
        or notify.github_repository
    ):
        yield from _over_http(notify)


def _over_http(notify: NotifySettings) -> Iterator[Channel]:
    import httpx

    client = httpx.Client(timeout=notify.webhook_timeout_seconds)
    if notify.slack_webhook_url:
        yield SlackChannel(notify.slack_webhook_url, client)
    if notify.webhook_url:
        yield WebhookChannel(notify.webhook_url, client)
    if notify.pagerduty_routing_key:
        yield PagerDutyChannel(notify.pagerduty_url, notify.pagerduty_routing_key, client)
    if notify.github_repository:
        yield GitHubChannel(
            notify.github_url, notify.github_repository, notify.github_token, client
        )
