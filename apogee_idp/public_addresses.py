"""Which IP addresses are anybody's, and not those of a network that we happen to stand in."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

_ALLOCATED = IPv6Network("2000::/3")
"""Whatever embeds or maps an IPv4 address by a well-known prefix stands outside, but two."""

_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text) for text in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24")
)
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9A-Fa-f]*)\.*")


def looks_like_address(host: str) -> bool:
    """Whether ``host`` may be read as an address, in any spelling that some resolver takes.

    Those are octal, hexadecimal and shortened ones too (WHATWG URL, "ends in a number checker").
    """
    return ":" in host or bool(_ENDS_IN_A_NUMBER.fullmatch(host))


def is_public_address(text: str) -> bool:
    """Whether ``text`` is one globally routable unicast address, in its usual spelling.

    Never those that lead to an IPv4 address inside: mapped ones, NAT64, 6to4, Teredo.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        is_other = address.is_multicast or any(address in network for network in _NOT_PUBLIC_V4)
    else:
        is_other = (
            address not in _ALLOCATED
            or address.scope_id is not None
            or any(address in network for network in _NOT_PUBLIC_V6)
        )
    return address.is_global and not is_other
