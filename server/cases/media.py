"""Where people speak when no channel is listening: telephone, office, paper. One table of their marks."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from server.protocol import Medium


class MediumFacts(msgspec.Struct, frozen=True):
    """`event_kind`: `kind_of_event` of its messages. What a telephone system tells of is a "call" too."""

    event_kind: str
    mark: str  # one terminal cell


MEDIA: Mapping[Medium, MediumFacts] = {
    "phone": MediumFacts("call", "c"),
    "office": MediumFacts("visit", "o"),
    "paper": MediumFacts("paper", "p"),
    "other": MediumFacts("contact", "+"),
}

MARK_OF_EVENT: Mapping[str, str] = {facts.event_kind: facts.mark for facts in MEDIA.values()}

_SIGN = "@"  # no channel's id begins with it


def as_channel(medium: Medium) -> str:
    """The name under which a conversation's row lists the medium among its channels."""
    return _SIGN + medium


def mark_of_channel(name: str) -> str | None:
    """The mark of a medium that is listed among channels; None where it is a channel."""
    found = {as_channel(medium): facts.mark for medium, facts in MEDIA.items()}
    return found.get(name)


def channel_of_event(event_kind: str) -> str:
    """The name under which the medium of such a message is listed; "" where it is none of a medium."""
    return next((as_channel(medium) for medium, facts in MEDIA.items() if facts.event_kind == event_kind), "")
