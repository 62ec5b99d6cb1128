"""Notifications to people through a transactional outbox and channels.

A message is written to the outbox in the same transaction as the event that it reports. A separate
thread delivers it, so a failing channel can neither lose a message nor block an incident.
"""

from trimtab.infra.notify.delivery import Delivery, Reach, Receipt
from trimtab.infra.notify.outbox import Outbox
from trimtab.infra.notify.routes import Kind, Message, channels_for

__all__ = ["Delivery", "Kind", "Message", "Outbox", "Reach", "Receipt", "channels_for"]
