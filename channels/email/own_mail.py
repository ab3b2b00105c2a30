"""Mail that bears one of our own addresses as its sender: what we wrote, and what only says so.

What lies in the Sent folder was handed in with our credentials: our side wrote it, here or elsewhere. What
comes through the door with our address on it may be anybody's: a loop, a copy to ourselves, a forgery. It
never speaks for us; unless it is known as ours by its id, it is kept apart for somebody to look at.
Pure; the parser calls `settled` last, the channel `recognised` after it has checked the ids.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from channels.base import Correspondent, InboundEvent
from channels.email.addresses import canonical

LOOPED = "own loop: it comes from our own address, and nothing shows that we sent it"
CAME_BACK = "own loop: a mail that we sent came back to us"
_BANNER = "[A mail of this channel came back to it.]\n\n"


def own_addresses(meta: Mapping[str, str]) -> frozenset[str]:
    names = (meta.get("address", ""), *meta.get("aliases", "").split())
    return frozenset(filter(None, (canonical(name) for name in names)))


def settled(event: InboundEvent, meta: Mapping[str, str]) -> InboundEvent:
    """The event as what it is: ours from elsewhere, a loop, or a customer's."""
    own = own_addresses(meta)
    others = tuple(one for one in event.correspondents if one.address not in own)
    event = replace(event, correspondents=others)
    ours = event.is_echo or event.sender.external_id in own
    if ours and (meta.get("role") == "sent" or meta.get("history")):
        return _written(event, others)
    if ours and meta.get("by_hand"):
        # Somebody looked at it: it is ours if it went to anybody, else it is what it says.
        written = _written(event, others)
        return written if written.thread else replace(written, is_echo=False, thread=event.thread)
    if ours and event.kind == "unsupported":
        return replace(event, is_echo=True, quarantine=CAME_BACK, text=_BANNER + event.text, folds=())
    if ours:
        return replace(event, is_echo=True, quarantine=LOOPED)
    alias = _alias(event, meta)
    if alias:
        event = replace(event, detail={**event.detail, "addressed_to": alias})
    return _stubbed(event, meta)


def _written(event: InboundEvent, others: tuple[Correspondent, ...]) -> InboundEvent:
    """What our side wrote: its thread is the one of whom it was written to."""
    to = [one.address for role in ("to", "cc", "bcc") for one in others if one.role == role]
    return replace(
        event,
        kind="message",
        is_echo=True,
        thread=to[0] if to else "",
    )


def _alias(event: InboundEvent, meta: Mapping[str, str]) -> str:
    """Which of our further addresses a mail names, where it does not name the main one."""
    aliases = [canonical(alias) for alias in meta.get("aliases", "").split()]
    named = " ".join((event.detail.get("to", ""), event.detail.get("cc", ""))).replace(",", " ").split()
    return next((alias for alias in aliases if alias in named), "")


def _stubbed(event: InboundEvent, meta: Mapping[str, str]) -> InboundEvent:
    """Only its header is shown; the mail itself can be fetched and imported by hand."""
    stub = meta.get("stub", "")
    if stub == "too_big":
        return replace(event, quarantine=f"too big: {meta.get('size', '?')} bytes")
    if stub:
        return replace(event, quarantine="the mail server does not hand it out")
    return event


def recognised(event: InboundEvent) -> InboundEvent:
    """A mail whose id only we can make: an echo, kept apart where it did not come from the Sent folder."""
    if event.is_echo and not event.quarantine:
        return event
    return replace(event, kind="unsupported", is_echo=True, automatic=True, quarantine=CAME_BACK)
