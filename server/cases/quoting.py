"""What the customer wrote, quoted below the answer to it: chosen with the answer, fetched when it leaves.

The answer remembers which message, under which line and how much of it, so that every attempt sends the same
bytes. The words themselves stay where they are: once they are deleted or erased nobody sends them again, and
neither the history nor the search shows them twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from channels.base import Fold, Quotation
from channels.folds import unfolded
from server import wording
from server.people.customs import language_of, zone_of
from server.store import threads
from server.store.conversations import Held
from server.store.outbox import Leased
from server.store.threads import Said
from server.store.transaction import Snapshot

NAME_MAX = 80

# Of a reply's `detail`.
MESSAGE, LINE, MOST = "answers", "answers_line", "answers_max"

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def new_words(text: str, folds: Sequence[Fold], most: int) -> str:
    """What was new in a message, at most so many characters of it; its own quotations and signature are left
    out, so that a thread does not grow with every answer. Pure."""
    lines = unfolded(text, folds).splitlines()
    words = _CONTROLS.sub("", "\n".join(lines))
    words = re.sub(r"\n(?:[^\S\n]*\n){2,}", "\n\n", words).strip("\n")
    words = words if words.strip() else ""
    if len(words) <= most:
        return words
    cut = words[:most]
    end = max(cut.rfind("\n"), cut.rfind(" "))
    return (cut[:end] if end > most // 2 else cut).rstrip() + "\n[…]"


def line_over(language: str, said: Said, zone: ZoneInfo | None) -> str:
    """One line, whatever he calls himself. Pure."""
    name = " ".join(_CONTROLS.sub(" ", said.name).split())[:NAME_MAX].strip()
    return wording.wrote(language, said.at, zone, name or said.address)


def quotable(tx: Snapshot, conversation_id: int, channel_id: str, address: str, most: int) -> Said | None:
    """What a reply by this way answers, if it can stand below it: nobody but who wrote it is quoted to
    `address`. `most`: of the channel's characters."""
    if not most:
        return None
    said = threads.answered(tx, conversation_id, channel_id)
    if said is None or said.address != address or not new_words(said.text, said.folds, most):
        return None
    return said


def chosen(
    tx: Snapshot,
    conversation: Held,
    said: Said,
    most: int,
    language: str,
    zone: ZoneInfo | None,
) -> Mapping[str, str]:
    """What a reply remembers of its quotation. `language`, `zone`: where the customer's own are unknown."""
    spoken = language_of(tx, conversation.customer_id, language)
    here = zone_of(tx, conversation.customer_id) or zone
    return {MESSAGE: str(said.id), LINE: line_over(spoken, said, here), MOST: str(most)}


def quotation(tx: Snapshot, item: Leased) -> Quotation | None:
    """What goes below a reply that leaves now."""
    if MESSAGE not in item.detail:
        return None
    said = threads.said(tx, int(item.detail[MESSAGE]), item.conversation_id, item.channel_id)
    if said is None or said.address != item.address:
        return None
    words = new_words(said.text, said.folds, int(item.detail[MOST]))
    return Quotation(item.detail[LINE], words) if words else None
