"""Messages to people: who hears what, kept until it is delivered, never in the way of the work.

A message is written to the outbox in the same transaction as what it tells of; a thread of its own delivers it, so a
silent channel can neither lose a message nor stop an incident.
"""

from trimtab.infra.notify.actions import actions
from trimtab.infra.notify.channels import Channel, ConsoleChannel, LogChannel, WebhookChannel
from trimtab.infra.notify.delivery import Delivery, Reach, Receipt
from trimtab.infra.notify.outbox import Outbox, Waiting
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
    "Reach",
    "Receipt",
    "Waiting",
    "WebhookChannel",
    "actions",
    "channels_for",
]
