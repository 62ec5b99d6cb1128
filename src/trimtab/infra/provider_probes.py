"""Reachability of outside providers, such as the endpoints of OpenAI and Anthropic."""

import logging
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from trimtab.kernel.errors import Misconfigured
from trimtab.kernel.operable import Sample, Signal

_log = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 5.0
_SERVER_ERROR = 500
_NO_HEAD = 405


class BadProbeAddress(Misconfigured):
    """An address of `service.provider_probes` is not one of http or https."""

    code = "service.bad_probe_address"


class ProviderProbes:
    """Asks each configured provider whether it answers; nothing is sent but the request itself.

    Args:
        addresses: The configured addresses; none is probed without them.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        for address in addresses:
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise BadProbeAddress(
                    f"{address!r} in service.provider_probes cannot be probed.",
                    hint="Write an address such as https://api.openai.com/v1/models.",
                )
        self._addresses = tuple(addresses)
        self._reachable: dict[str, bool] = {}

    def probe(self) -> None:
        """Ask each provider once; any answer below 500 counts, also that a key is missing."""
        import httpx

        with httpx.Client(timeout=_TIMEOUT_SECONDS) as client:
            for address in self._addresses:
                host = urlsplit(address).netloc
                try:
                    status = client.head(address).status_code
                    if status == _NO_HEAD:
                        status = client.get(address).status_code
                    reached = status < _SERVER_ERROR
                except httpx.HTTPError as error:
                    reached = False
                    _log.warning(
                        "provider not reachable",
                        extra={"provider": host, "error_type": type(error).__name__},
                    )
                self._reachable[host] = reached

    def signals(self) -> tuple[Signal, ...]:
        """Return whether each provider answered at the last probe."""

        def samples() -> Iterable[Sample]:
            for host, reached in list(self._reachable.items()):
                yield Sample(float(reached), {"provider": host})

        return (
            Signal(
                "service.provider.reachable",
                "1",
                "1 when a provider of `service.provider_probes` answered the last probe.",
                samples,
                ("provider",),
            ),
        )
