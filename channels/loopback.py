"""Whether an address leads to this host and nowhere else: secrets may go there in the clear."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """`host`: a name or an IP address, without a port."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
