"""Which channels can bring something to an address. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable

from server.protocol import Address, ChannelInfo


def channels_to(address: Address, channels: Iterable[ChannelInfo]) -> list[ChannelInfo]:
    """Those on which we may write there first; none to whoever blocked us."""
    return [
        channel
        for channel in channels
        if address.scheme == channel.begins and address.account in ("", channel.id) and not address.blocked
    ]
