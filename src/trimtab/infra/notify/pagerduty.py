"""Pages whoever PagerDuty's rotation says is on call, and tells it when the incident is over."""

from typing import TYPE_CHECKING

from trimtab.infra.notify.channels import post
from trimtab.infra.notify.routes import Kind, Message

if TYPE_CHECKING:
    import httpx

_ACTIONS = {Kind.PAGE: "trigger", Kind.RESOLUTION: "resolve"}
_SUMMARY_CHARACTERS = 1024
"""PagerDuty refuses longer summaries."""


class PagerDutyChannel:
    """Sends pages and resolutions to PagerDuty's Events API v2; everything else is not its business.

    Args:
        url: The API's address.
        routing_key: Of the service whose rotation is called; it is a secret and never logged.
        client: Carries the timeout.
    """

    name = "pagerduty"

    def __init__(self, url: str, routing_key: str, client: "httpx.Client") -> None:
        self._url = url
        self._routing_key = routing_key
        self._client = client

    def reaches_people(self, message: Message) -> bool:
        """Return whether it is a page, or the end of one."""
        return message.kind in _ACTIONS

    def send(self, message: Message) -> None:
        """Trigger or resolve the alert of the message's incident; one incident is one alert there."""
        if not self.reaches_people(message):
            return
        event = {
            "routing_key": self._routing_key,
            "event_action": _ACTIONS[message.kind],
            "dedup_key": message.subject,
            "payload": {
                "summary": message.text[:_SUMMARY_CHARACTERS],
                "source": "trimtab",
                "severity": "critical",
            },
        }
        post("PagerDuty", self._client, self._url, event)
