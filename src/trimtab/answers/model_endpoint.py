"""Endpoint of a language model, and the one host that each API key may be sent to."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from trimtab.answers.errors import BadModelEndpoint
from trimtab.infra.settings.sections.answers import AnswersSettings

PROVIDERS = {
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "cohere": "https://api.cohere.ai/compatibility/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "vllm": "http://127.0.0.1:8001/v1",
}
"""The root of each provider's API. vLLM's usual port, 8000, is that of this service."""

_SCHEMES = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """A model behind an OpenAI-compatible API."""

    url: str
    """The API's root, such as ``http://127.0.0.1:11434/v1``."""
    model: str
    """The model's name there."""
    key: str = field(default="", repr=False)
    """The key that was named for this host; empty sends none."""

    def validate(self) -> "ModelEndpoint":
        """Return the endpoint; raise `BadModelEndpoint` when its address or model is not usable."""
        origin_of(self.url)
        if not self.model.strip():
            raise BadModelEndpoint("The model's name is empty.")
        if any(character in self.key for character in "\r\n\0") or not self.key.isascii():
            raise BadModelEndpoint("The API key has characters that no HTTP header may have.")
        return self


@dataclass(frozen=True, slots=True)
class ModelReport:
    """Result of the calls to a model's API."""

    url: str
    model: str
    key: str
    """``valid``, ``invalid``, ``none`` (no key is sent) or ``unknown``."""
    provider: str
    """``up``, or what is wrong in one phrase."""
    works: bool = False
    """Whether the test question was answered from its passage, with a citation."""
    problem: str = ""
    """Why it does not work; empty when it does."""
    seconds: float = 0.0
    """How long the test question took."""
    credits_usd: float | None = None
    """What is left of the account or of the key's limit; None where the provider does not say."""
    calls_used: int | None = None
    """Calls of this month that were counted here; None where the plan has no limit of calls."""
    calls_limit: int | None = None
    """Calls a month that the plan allows."""
    models: tuple[str, ...] = ()
    """Models that the API lists, at most 20; empty where it lists none."""


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address, or raise `BadModelEndpoint`."""
    try:
        parts = urlsplit(url)
        port = parts.port or _SCHEMES[parts.scheme]
    except (ValueError, KeyError) as error:
        raise BadModelEndpoint(f"{url!r} is not an http or https address.") from error
    if not parts.hostname or parts.username is not None:
        raise BadModelEndpoint(f"{url!r} names no host, or a user.")
    return parts.scheme, parts.hostname.lower(), port


def endpoint_of(
    settings: AnswersSettings, provider: str, url: str, model: str, key: str
) -> ModelEndpoint:
    """Return the endpoint of a provider, with its own key from the settings when none is given.

    Raises:
        BadModelEndpoint: The provider has no usual address and none is given, or it is not usable.
    """
    root = url or PROVIDERS.get(provider, "")
    if not root:
        raise BadModelEndpoint("The address of the model's API is missing.")
    return ModelEndpoint(root, model, key or key_for(root, settings)).validate()


def first_endpoint(settings: AnswersSettings) -> ModelEndpoint:
    """Return the endpoint of the settings, with the key that is meant for its host."""
    url = settings.generator_url
    key = settings.generator_key or key_for(url, settings)
    return ModelEndpoint(url, settings.generator_model, key)


def second_endpoint(settings: AnswersSettings) -> ModelEndpoint:
    """Return the second endpoint of the settings, with the key that is meant for its host."""
    url = settings.second_url
    key = settings.second_key or key_for(url, settings)
    return ModelEndpoint(url, settings.second_model, key)


def key_for(url: str, settings: AnswersSettings) -> str:
    """Return the provider's key for this address; empty for every other host.

    ``OPENAI_API_KEY`` is for OpenAI, and for the address in ``OPENAI_BASE_URL``, as in OpenAI's own
    clients; ``OPENROUTER_API_KEY`` is for OpenRouter, ``COHERE_API_KEY`` for Cohere.
    """
    origin = origin_of(url)
    if origin == origin_of(PROVIDERS["cohere"]):
        return settings.cohere_key
    if origin == origin_of(PROVIDERS["openrouter"]):
        return settings.openrouter_key
    named = [PROVIDERS["openai"], *([settings.openai_url] if settings.openai_url else [])]
    return settings.openai_key if origin in map(origin_of, named) else ""
