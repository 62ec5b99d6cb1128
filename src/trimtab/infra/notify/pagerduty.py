"""Pages the on-call person through PagerDuty and resolves the page."""

from typing import TYPE_CHECKING

from trimtab.infra.notify.channels import post
from trimtab.infra.notify.routes import Kind, Message

if TYPE_CHECKING:
    import httpx

_ACTIONS = {Kind.PAGE: "trigger", Kind.RESOLUTION: "resolve"}
_SUMMARY_CHARACTERS = 1024
"""Maximum length of a summary; PagerDuty rejects longer ones."""


class PagerDutyChannel:
    """Sends pages and resolutions to PagerDuty's Events API v2; ignores other messages.

    Args:
        url: The URL of the API.
        routing_key: Key of the service whose rotation is paged; a secret that is never logged.
        client: HTTP client with the timeout.
    """

    name = "pagerduty"

    def __init__(self, url: str, routing_key: str, client: "httpx.Client") -> None:
        self._url = url
        self._routing_key = routing_key
        self._client = client

    def reaches_people(self, message: Message) -> bool:
        """Return whether the message is a page or a resolution."""
        return message.kind in _ACTIONS

    def send(self, message: Message) -> None:
        """Trigger or resolve the PagerDuty alert of the message's incident."""
        if not self.reaches_people(message):
            return
        self._post(message)

    def test(self, text: str, key: str) -> None:
        """Resolve an alert that does not exist: it proves key and connection, and pages no one."""
        self._post(Message("#on-call", Kind.RESOLUTION, text, key, "trimtab-self-test"))

    def _post(self, message: Message) -> None:
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
