"""Asks an OpenAI-compatible API which models it has, and what the key is worth.

No redirect is followed, so that nothing is sent to a host that was not named.
"""

import math
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from trimtab.answers.model_endpoint import PROVIDERS, ModelEndpoint, ModelReport, origin_of

_SECONDS = 20.0
_MAX_LISTED = 20


def inspect(endpoint: ModelEndpoint) -> ModelReport:
    """Return the state of the provider, the key and the model's name; no question is asked."""
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    with httpx.Client(timeout=_SECONDS, follow_redirects=False, headers=headers) as client:
        root = endpoint.url.rstrip("/")
        if origin_of(endpoint.url) == origin_of(PROVIDERS["cohere"]):
            # Its OpenAI-compatible part does not list models.
            status, body = _get(client, f"{_host_root(endpoint.url)}/v1/models")
        else:
            status, body = _get(client, f"{root}/models")
        key, problem = _judge(status, endpoint)
        left: float | None = None
        # OpenRouter lists its models for everybody: only this call tells whether the key is valid.
        if origin_of(endpoint.url) == origin_of(PROVIDERS["openrouter"]) and endpoint.key:
            key_status, facts = _get(client, f"{root}/key")
            key, problem = _judge(key_status, endpoint)
            left = _credits(facts)
    models = tuple(_names(body))
    if not problem and models and endpoint.model not in models:
        near = ", ".join(models[:5])
        problem = f"The API has no model {endpoint.model!r}; it has {near}."
    provider = "up" if status is not None and status < 500 else problem.rstrip(".")
    return ModelReport(
        endpoint.url,
        endpoint.model,
        key,
        provider,
        problem=problem,
        credits_usd=left,
        models=models[:_MAX_LISTED],
    )


def _get(client: httpx.Client, url: str) -> tuple[int | None, object]:
    """Return status and parsed body; None without an answer."""
    try:
        response = client.get(url)
    except httpx.HTTPError:
        return None, None
    try:
        return response.status_code, response.json() if response.is_success else None
    except ValueError:
        return response.status_code, None


def _judge(status: int | None, endpoint: ModelEndpoint) -> tuple[str, str]:
    """Return the state of the key, and the problem or nothing."""
    sent = "unknown" if endpoint.key else "none"
    host = origin_of(endpoint.url)[1]
    if status is None:
        return sent, f"{host} does not answer."
    if status in (401, 403):
        return "invalid" if endpoint.key else "none", (
            f"{host} refuses the API key." if endpoint.key else f"{host} wants an API key."
        )
    if 300 <= status < 400:
        return sent, f"{host} redirects elsewhere; give the address that it redirects to."
    if status >= 500:
        return sent, f"{host} has an error of its own: {status}."
    # Some servers do not list their models; the test question decides then.
    return ("valid" if endpoint.key and status < 400 else sent), ""


def _names(body: object) -> Iterator[str]:
    """Yield the names of a list of models: OpenAI's, or Cohere's own."""
    listed = (body.get("data") or body.get("models")) if isinstance(body, dict) else None
    for entry in listed if isinstance(listed, list) else ():
        name = (entry.get("id") or entry.get("name")) if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield name


def _host_root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _credits(body: object) -> float | None:
    """Return what is left of an OpenRouter key's limit in US dollars; None without a limit."""
    data = body.get("data") if isinstance(body, dict) else None
    left = data.get("limit_remaining") if isinstance(data, dict) else None
    if isinstance(left, bool) or not isinstance(left, int | float) or not math.isfinite(left):
        return None
    return float(left)
