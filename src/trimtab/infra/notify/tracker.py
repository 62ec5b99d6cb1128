"""Opens GitHub issues for post-mortems."""

from typing import TYPE_CHECKING

from trimtab.infra.notify.channels import NotDelivered, post
from trimtab.infra.notify.routes import Message

if TYPE_CHECKING:
    import httpx

CHANNEL = "github"


class GitHubChannel:
    """Opens an issue for each message to the channel ``github``.

    Args:
        url: The URL of the API.
        repository: ``owner/name``.
        token: Token that may open issues there; a secret that is never logged.
        client: HTTP client with the timeout.
    """

    name = "github"

    def __init__(self, url: str, repository: str, token: str, client: "httpx.Client") -> None:
        self._repository = f"{url.rstrip('/')}/repos/{repository}"
        self._issues = f"{self._repository}/issues"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
        }
        self._client = client

    def test(self, text: str, key: str) -> None:
        """Read the repository: it proves token and connection, and opens no issue."""
        del text, key
        import httpx

        try:
            answer = self._client.get(self._repository, headers=self._headers)
        except httpx.HTTPError as error:
            raise NotDelivered(f"GitHub did not answer: {type(error).__name__}.") from error
        if not answer.is_success:
            raise NotDelivered(f"GitHub answered {answer.status_code}.")

    def reaches_people(self, message: Message) -> bool:
        """Return whether the message is for the channel ``github``."""
        return message.channel == CHANNEL

    def send(self, message: Message) -> None:
        """Open an issue titled with the first line of the text."""
        if not self.reaches_people(message):
            return
        title = message.text.splitlines()[0].lstrip("# ") if message.text else message.subject
        issue = {"title": title[:256], "body": message.text, "labels": ["incident"]}
        post("GitHub", self._client, self._issues, issue, self._headers)
