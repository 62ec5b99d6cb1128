"""Notifications to people through a transactional outbox and channels.

A message is written to the outbox in the same transaction as the event that it reports. A separate
thread delivers it, so a failing channel can neither lose a message nor block an incident.
"""

from trimtab.infra.notify.actions import actions
from trimtab.infra.notify.channels import Channel, ConsoleChannel, LogChannel, WebhookChannel
from trimtab.infra.notify.delivery import Delivery, Reach, Receipt
from trimtab.infra.notify.outbox import Outbox, PendingMessage
from trimtab.infra.notify.pagerduty import PagerDutyChannel
from trimtab.infra.notify.routes import Kind, Message, channels_for
from trimtab.infra.notify.tracker import GitHubChannel

__all__ = [
    "Channel",
    "ConsoleChannel",
    "Delivery",
    "GitHubChannel",
    "Kind",
    "LogChannel",
    "Message",
    "Outbox",
    "PagerDutyChannel",
    "PendingMessage",
    "Reach",
    "Receipt",
    "WebhookChannel",
    "actions",
    "channels_for",
]
