"""Channels of notifications that keep what they are given."""

from trimtab.infra.notify.channels import NotDelivered


class Pager:
    """A channel that reaches people, unless it is broken."""

    def __init__(self, name="pager", *, broken=False):
        self.name = name
        self.broken = broken
        self.sent = []

    def reaches_people(self, _message):
        return True

    def send(self, message):
        if self.broken:
            raise NotDelivered("The pager answered 503.")
        self.sent.append(message)
