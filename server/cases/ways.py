"""The ways to answer a customer, the best one first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from channels.base import Capabilities
from server.protocol import ReplyWay
from server.signing import room
from server.store.customers import Reachable
from server.store.spoken import LastInbound

WROTE_LAST = "wrote last here"


class ChannelOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A configured channel, as far as it matters for choosing one."""

    id: str
    title: str
    mark: str
    scheme: str
    account: str
    capabilities: Capabilities
    own_addresses: frozenset[str] = frozenset()  # at which the channel itself is written to
    known_ms: int = 30 * 86_400_000  # for how long nobody is asked again who he is
    hold_ms: int = 0  # for how long a reply waits before it leaves
    quote_max: int = 0  # so many characters of what is answered go below the answer
    signature: str = ""  # that is put below what operators write

    @property
    def text_max(self) -> int:
        """How long what an operator writes may be, in the channel's units."""
        return room(self.signature, self.capabilities)


class Way(msgspec.Struct, frozen=True):
    shown: ReplyWay
    external_id: str
    thread: str  # where the answer goes on the channel


def ways(
    reachable: Sequence[Reachable],
    offers: Mapping[str, ChannelOffer],
    last: LastInbound,
    now: int = 0,
    preferred: str = "",
) -> list[Way]:
    """How this customer can be reached; first the way he wrote last, as the client chooses the channel, then
    the channel that he prefers.

    A claimed address is no way: what we write might reach somebody else. A channel on which we may not
    write first is a way only where the customer wrote on it. Ways whose window has closed at `now` come
    last.
    """
    found: list[tuple[int, Way]] = []
    for address in reachable:
        if not address.verified or address.blocked:
            continue
        threads = dict(address.threads)
        for offer in offers.values():
            if offer.scheme != address.scheme or offer.account != address.account:
                continue
            wrote_last = (offer.id, address.address_id) == (last.channel_id, last.address_id)
            # Where he has several threads on a channel, the answer belongs to the one he wrote in.
            thread = (wrote_last and last.thread) or threads.get(offer.id)
            if thread is None and not offer.capabilities.start_by_us:
                continue
            if wrote_last:
                rank, why = 0, WROTE_LAST
            elif offer.id == preferred:
                rank, why = 1, "prefers this channel"
            elif thread is not None:
                rank, why = 2, "wrote here before"
            else:
                rank, why = 3, "verified address"
            way = _way(address, offer, thread or address.external_id, why)
            if way.shown.window_until is not None and way.shown.window_until <= now:
                rank += 4
            found.append((rank, way))
    found.sort(key=lambda item: item[0])
    return [way for _, way in found]


def _way(address: Reachable, offer: ChannelOffer, thread: str, why: str) -> Way:
    label = address.external_id if not address.account else offer.title
    window_until = None
    if offer.capabilities.reply_window_s is not None:
        heard_at = address.heard_at.get((offer.id, thread), 0)
        window_until = heard_at + int(offer.capabilities.reply_window_s * 1000)
    return Way(
        ReplyWay(
            channel_id=offer.id,
            channel_title=offer.title,
            mark=offer.mark,
            address_id=address.address_id,
            label=label,
            why=why,
            text_max=offer.text_max,
            subject=offer.capabilities.subject,
            files_max=offer.capabilities.files_max,
            known_until=None if address.proved_at is None else address.proved_at + offer.known_ms,
            window_until=window_until,
        ),
        address.external_id,
        thread,
    )
