"""Where a request comes from: the address that connects, or what a proxy of ours says of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

Address = IPv4Address | IPv6Address


class Sources:
    """Believes ``X-Forwarded-For`` as far as it was written by the proxies in ``trusted``.

    Each proxy appends the address that connected to it. So what stands leftmost anyone can have
    sent: it is read from the right, up to the first address that is no proxy of ours.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = tuple(ip_network(network) for network in trusted)

    def of(self, request: web.Request) -> str:
        """An IP address; "" for a connection that has none."""
        remote = request.remote or ""
        if not self._trusted:
            return _plainly(remote)
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        return self._behind_proxies(remote, forwarded.split(","))

    def _behind_proxies(self, remote: str, said: list[str]) -> str:
        peer = _address(remote)
        if peer is None:
            return remote
        while said and self._is_trusted(peer):
            before = _address(said.pop().strip(" \t"))
            if before is None:
                break
            peer = before
        return str(peer)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


@lru_cache(maxsize=1024)
def _plainly(remote: str) -> str:
    return str(_address(remote) or remote)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
