"""A running service under load, over HTTP."""

from types import TracebackType

import httpx


class HttpTarget:
    """Asks a service; safe for many threads.

    Args:
        url: Its root.
        project: Whose documents are asked.
        api_key: Sent when there is one.
        timeout_seconds: The longest wait for one answer.
    """

    def __init__(
        self, url: str, project: str, api_key: str = "", timeout_seconds: float = 60.0
    ) -> None:
        self._project = project
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=500)
        self._client = httpx.Client(
            base_url=url, headers=headers, timeout=timeout_seconds, limits=limits
        )

    def ask(self, question: str) -> str:
        """Return an empty text for a good answer, else the status or the failure."""
        body = {"project": self._project, "query": question}
        try:
            response = self._client.post("/api/v1/query", json=body)
        except httpx.HTTPError as error:
            return type(error).__name__
        return "" if response.is_success else str(response.status_code)

    def __enter__(self) -> "HttpTarget":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._client.close()
