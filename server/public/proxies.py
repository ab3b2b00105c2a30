"""Who the visitor is when a reverse proxy stands between.

X-Forwarded-For is a claim of whoever wrote it. It is read from the right: as long as an address is one of
our proxies, the one to the left of it was seen by that proxy; the first that is not ours is the visitor,
and everything further left is his own invention.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The networks whose X-Forwarded-For is believed."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: list[Network] = [ipaddress.ip_network(network) for network in networks]

    def trusts(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._networks)

    def visitor(self, peer: str, forwarded: Sequence[str]) -> str:
        """The visitor's address. `forwarded`: the X-Forwarded-For headers, in their order.

        An unreadable peer (there is none on a socket that just closed) is returned as it is.
        """
        current = parse_address(peer)
        if current is None:
            return peer
        claims = [claim for header in forwarded for claim in header.split(",")]
        for claim in reversed(claims):
            if not self.trusts(current):
                break
            before = parse_address(claim)
            if before is None:
                break
            current = before
        return str(current)


def parse_address(text: str) -> Address | None:
    """An address with or without port, brackets and zone; IPv4 in IPv6 becomes IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def group(address: str) -> str:
    """What limits count as one visitor: an IPv4 address, or the /64 that one IPv6 customer is given."""
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed) if parsed is not None else address
