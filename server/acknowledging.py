"""The answer that a channel may give by itself to whoever begins a conversation ("we have your letter"), or
writes while nobody is there.

Two machines that thank each other fill disks and get addresses blocked, and headers that say "I am a
machine" may be missing. So there are caps that depend on no header at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import msgspec

from channels.base import InboundEvent
from server import wording
from server.people.authors import Author, ChannelFacts
from server.people.customs import language_of, zone_of
from server.protocol import Recipient
from server.queue.hours import Calendar
from server.store import auto_answers, conversations, messages, outbox, recipients, spoken
from server.store.auto_answers import Said
from server.store.conversations import Held
from server.store.messages import NewMessage
from server.store.transaction import Transaction

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
MINUTES_MS = 10 * 60_000

ADDRESS_A_DAY = 1
CONVERSATION_MAX = 3  # in a week: some conversations go on for years
ALL_AN_HOUR = 30
STILL_HERE_MS = 30 * 60_000  # whoever wrote so lately works late: nobody need be told that nobody is there
ANSWERED_AWAY = frozenset({"message", "callback"})  # by which a conversation goes on
HEARD_MAX = 5  # whoever writes more than this in ten minutes is answered by people only


class Away(msgspec.Struct, frozen=True):
    """What is said where nobody is there, and when somebody is."""

    calendar: Calendar
    said: str  # "default", or a text with {opens}, {site}
    language: str  # of the site
    site: str

    def opens_at(self, now: int) -> int | None:
        """None: it is open, or nobody knows when it will be."""
        opens_at = self.calendar.next_opening(now)
        return None if opens_at == now else opens_at

    def words(self, opens_at: int, language: str, zone: ZoneInfo) -> str:
        opens = wording.moment(language, opens_at, zone)
        if self.said == "default":
            return wording.say(language, "away", opens=opens, site=self.site)
        return wording.fill(self.said, opens=opens, site=self.site)


class Acknowledging(msgspec.Struct, frozen=True, kw_only=True):
    """What is said, by channel, and what must be known of the channels for it."""

    texts: Mapping[str, str] = {}
    away: Mapping[str, Away] = {}
    several: frozenset[str] = frozenset()  # channels whose messages name their recipients
    name_message: Callable[[str, int, int], str | None] = lambda channel_id, conversation_id, message_id: None


def too_much(said: Said) -> str:
    """Why nothing may be said by itself now, or "". Pure."""
    if said.to_address >= ADDRESS_A_DAY:
        return "this address had one today"
    if said.in_conversation >= CONVERSATION_MAX:
        return "this conversation had its share"
    if said.at_all >= ALL_AN_HOUR:
        return "there were too many in this hour"
    if said.heard > HEARD_MAX:
        return "this address writes too fast for a person"
    return ""


def acknowledge(
    tx: Transaction,
    channel: ChannelFacts,
    event: InboundEvent,
    author: Author,
    conversation_id: int,
    how: Acknowledging,
    *,
    begins: bool,
) -> int | None:
    """Say it, if the channel has something to say and it was not said too often; the message's id. `begins`:
    the conversation begins with this message.

    The customer still waits for us: nothing of the conversation's state changes.
    """
    if event.automatic or event.history or not event.sender.reachable or not event.sender.proven:
        return None
    text, opens_at = how.texts.get(channel.id, "").strip() if begins else "", None
    away = how.away.get(channel.id)
    if away is not None and (begins or event.kind in ANSWERED_AWAY):
        opens_at = away.opens_at(tx.now)
    if away is not None and opens_at is not None:
        if auto_answers.said_until(tx, conversation_id, opens_at) or spoken.operator_wrote_since(
            tx, conversation_id, tx.now - STILL_HERE_MS
        ):
            return None
        language = language_of(tx, author.customer_id, away.language)
        zone = zone_of(tx, author.customer_id) or away.calendar.zone
        text = away.words(opens_at, language, zone)
    if not text:
        return None
    if too_much(said_lately(tx, author.address_id, conversation_id)):
        return None
    return say(
        tx,
        conversations.held(tx, conversation_id),
        Place(
            channel.id, event.thread or event.sender.external_id, author.address_id, event.sender.external_id
        ),
        text,
        event.subject,
        how,
        opens_at,
    )


def said_lately(tx: Transaction, address_id: int, conversation_id: int) -> Said:
    now = tx.now
    return auto_answers.said(
        tx,
        address_id,
        conversation_id,
        week=now - WEEK_MS,
        day=now - DAY_MS,
        hour=now - HOUR_MS,
        minutes=now - MINUTES_MS,
    )


class Place(msgspec.Struct, frozen=True):
    """Where something is said by itself."""

    channel_id: str
    thread: str
    address_id: int
    address: str


def say(
    tx: Transaction,
    conversation: Held,
    place: Place,
    text: str,
    subject: str | None,
    how: Acknowledging,
    opens_at: int | None = None,
) -> int:
    """Put it into the outbox; the message's id. State, owner and clock stay as they are: it is no answer."""
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        "message.queued",
        NewMessage(
            kind="out",
            channel_id=place.channel_id,
            thread=place.thread,
            address_id=place.address_id,
            text=text,
            subject=subject,
            status="queued",
            at=tx.now,
            reason="said by itself",
            automatic=True,
        ),
        data={"channel": place.channel_id, "automatic": True},
        name=lambda message_id: how.name_message(place.channel_id, conversation.id, message_id),
    )
    if place.channel_id in how.several:
        recipients.add(tx, posted.id, [Recipient(role="to", address=place.address)])
    auto_answers.note(tx, posted.id, conversation.id, place.address_id, opens_at)
    outbox.enqueue(tx, posted.id, place.channel_id, place.thread)
    conversations.touch(tx, conversation.id, posted.seq)
    return posted.id
