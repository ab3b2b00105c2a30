"""Which addresses a request of ours may dial, whatever its name resolves to today.

A name can be made to lead into our own network, by whoever owns its DNS or may write our configuration:
what is checked is the address that is dialled, at each attempt, so that a name that changes its mind
(rebinding) and spellings of an address gain nothing. Redirects are not followed at all.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

import aiohttp
from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class ForbiddenAddressError(OSError):
    """The name leads to where nothing of ours may go."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Raises ValueError for what is no network ("10.0.0.0/8") and no address."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def named_by(url: str) -> tuple[Network, ...]:
    """The address that the URL itself writes out (or "localhost"): whoever configured it means just that."""
    host = URL(url).host or ""
    if host == "localhost":
        return _LOOPBACK
    try:
        return (ipaddress.ip_network(host),)
    except ValueError:
        return ()


def may_dial(text: str, allowed: Sequence[Network]) -> bool:
    """Whether this address is on the internet, or in a network that is allowed."""
    try:
        address = _meant(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if any(address.version == network.version and address in network for network in allowed):
        return True
    return address.is_global and not address.is_multicast


def _meant(address: Address) -> Address:
    """An IPv4 address that is dressed as an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def connector(allowed: Sequence[Network], **more: Any) -> aiohttp.TCPConnector:
    """For a session whose requests go nowhere else; `more` as for aiohttp.TCPConnector."""

    def dial(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_dial(address[0], allowed):
            text = f"it leads to {address[0]}, which is not on the internet"
            raise ForbiddenAddressError(errno.EACCES, f"{text}; allow its network if that is meant")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return aiohttp.TCPConnector(socket_factory=dial, **more)
