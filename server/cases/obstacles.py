"""What speaks against writing to a person who did not just write to us. Pure.

The sanatorium's story: he had paid and was packing, when another manager wrote whether he still remembered
that he had been interested. So before a first or bulk message we look at what is open with this person,
what colleagues wrote to him, what he ordered and paid, what he refused, and whom we keep apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from server.protocol import Consent, Conversation, HeldBecause, Obstacle, Record

ALL_SCHEMES = "*"
SHOWN = 5  # of each kind


class ColleagueWrote(msgspec.Struct, frozen=True):
    """A colleague's latest message to the person; `name` "" where it was written outside of the console."""

    name: str
    at: int
    channel_title: str
    conversation_id: int


def obstacles(
    *,
    conversations: Sequence[Conversation],
    colleagues: Sequence[ColleagueWrote],
    records: Sequence[Record],
    consents: Iterable[Consent],
    purpose: str,
    scheme: str,
    barred: Sequence[str],
) -> list[Obstacle]:
    """What blocks first. `barred`: of the addresses that would be written to, those that are kept apart."""
    found = [Obstacle(kind="barred", text=f"{address} is barred as spam", blocks=True) for address in barred]
    refused = refusal(consents, purpose, scheme)
    if refused is not None:
        by = "all channels" if refused.scheme == ALL_SCHEMES else refused.scheme
        text = f"refused {purpose} by {by} on {_day(refused.at)}"
        found.append(Obstacle(kind="consent", text=text, blocks=True))
    found += [
        Obstacle(kind="open_conversation", text=_conversation(row), conversation_id=row.id)
        for row in conversations[:SHOWN]
    ]
    found += [
        Obstacle(
            kind="colleague_wrote",
            text=f"{one.name or 'a colleague'} wrote on {_day(one.at)} by {one.channel_title}",
            conversation_id=one.conversation_id,
        )
        for one in colleagues[:SHOWN]
    ]
    found += [Obstacle(kind="order", text=_record(record)) for record in records[:SHOWN]]
    return found


def refusal(consents: Iterable[Consent], purpose: str, scheme: str) -> Consent | None:
    """The refusal that counts: of this very scheme, or of all, unless this one was granted after that."""
    own = all_ = None
    for consent in consents:
        if consent.purpose == purpose and consent.scheme == scheme:
            own = consent
        elif consent.purpose == purpose and consent.scheme == ALL_SCHEMES:
            all_ = consent
    if own is not None and not own.granted:
        return own
    if all_ is None or all_.granted:
        return None
    return None if own is not None and own.at > all_.at else all_


def holds(found: Iterable[Obstacle], despite: Iterable[HeldBecause]) -> bool:
    """Whether the message waits: what blocks always holds it, the rest unless the writer has seen it."""
    seen = frozenset(despite)
    return any(one.blocks or one.kind not in seen for one in found)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def _conversation(row: Conversation) -> str:
    whose = f"with {row.assignee}" if row.assignee else "with nobody yet"
    words = f"#{row.id} is {row.state}, {whose}, last word {_day(row.last_at)}"
    return ": ".join(filter(None, (words, row.summary or row.subject or row.preview)))


def _record(record: Record) -> str:
    money = f"{record.amount} {record.currency}".strip()
    parts = (f"{record.kind} {record.external_id}", record.title, record.state, money, _day(record.at))
    return ", ".join(filter(None, parts))
