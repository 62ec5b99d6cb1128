"""Address of the client behind trusted proxies.

``X-Forwarded-For`` is a claim of the client. It counts only if the connection comes
from a proxy of `service.trusted_proxies`, and only as far as trusted proxies have written it: from
the right, each entry was added by the proxy after it, so the first entry that is not a trusted
proxy is the client. What stands left of it may be invented.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from trimtab.kernel.errors import Misconfigured

Address = IPv4Address | IPv6Address
_HEADER = b"x-forwarded-for"
_SCHEME_HEADER = b"x-forwarded-proto"
_SCHEMES = (b"http", b"https")
_IPV6_CLIENT_BITS = 64
"""A client has all addresses of its /64, so they count as one."""


class TrustedProxiesInvalid(Misconfigured):
    """An entry of `service.trusted_proxies` is neither an address nor a network."""

    code = "api.trusted_proxies_invalid"


class TrustedProxies:
    """Finds the client's address and scheme of requests that proxies pass on.

    Args:
        names: Addresses (``10.0.0.7``) and networks (``10.0.0.0/8``) of the proxies.

    Raises:
        TrustedProxiesInvalid: An entry cannot be read.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._networks = tuple(_network(name) for name in names)

    def trusts(self, address: Address | None) -> bool:
        """Return whether the address is that of a trusted proxy."""
        return address is not None and any(address in network for network in self._networks)

    def client(
        self, peer: tuple[str, int] | None, headers: Sequence[tuple[bytes, bytes]]
    ) -> tuple[str, int] | None:
        """Return the client of a request: its peer, or whom trusted proxies passed it on for.

        Args:
            peer: The other side of the connection.
            headers: All headers in their order; a repeated one continues the one before.
        """
        nearest = parse_address(peer[0]) if peer else None
        if not self.trusts(nearest):
            return peer
        given = b",".join(value for name, value in headers if name == _HEADER)
        found = nearest
        for entry in reversed(given.decode("latin-1").split(",")):
            address = parse_address(entry)
            if address is None:
                break  # The proxy after it is the last one that is known.
            found = address
            if not self.trusts(address):
                break
        return (str(found), 0) if found != nearest else peer

    def scheme(
        self, peer: tuple[str, int] | None, headers: Sequence[tuple[bytes, bytes]]
    ) -> str | None:
        """Return ``http`` or ``https`` as a trusted proxy says; None when none says it."""
        if not self.trusts(parse_address(peer[0]) if peer else None):
            return None
        given = [value for name, value in headers if name == _SCHEME_HEADER]
        last = given[-1].rpartition(b",")[2].strip().lower() if given else b""
        return last.decode() if last in _SCHEMES else None


def parse_address(text: str) -> Address | None:
    """Return the address in ``1.2.3.4``, ``1.2.3.4:80``, ``2001:db8::1`` or ``[2001:db8::1]:80``.

    An IPv4 address that is mapped to IPv6 is returned as IPv4; None for anything else.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


@lru_cache(4096)
def rate_limit_key(host: str) -> str:
    """Return what a client is counted by: its IPv4 address, or the /64 network of its IPv6 one."""
    found = parse_address(host)
    if isinstance(found, IPv6Address) and not found.is_loopback:
        return str(ip_network((found, _IPV6_CLIENT_BITS), strict=False))
    return str(found) if found is not None else host


def _network(name: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(name, strict=False)
    except ValueError:
        raise TrustedProxiesInvalid(
            f"`service.trusted_proxies`: {name!r} is neither an address nor a network.",
            hint="Write addresses or networks, such as 10.0.0.7 or 10.0.0.0/8.",
        ) from None
