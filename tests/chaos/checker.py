"""Compares what was acknowledged with what is stored and with what arrived. Pure.

The books (`History`) are kept by those outside: customers note what they were acknowledged and what they
heard, operators what the API acknowledged. `Stored` is read from the database after the server stopped.
Every text of a run is unique, so that a text names one message.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# --- what was seen from outside -------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """A customer wrote. `acknowledged`: his end was told that it is taken over."""

    customer: str
    text: str
    acknowledged: bool = True
    files: int = 0


@dataclass(frozen=True)
class Reply:
    """An operator answered. `message_id`: as acknowledged; None: sent off and never acknowledged.
    `taken_back`: he was told that it does not leave."""

    text: str
    channel_id: str
    customer: str
    message_id: int | None
    taken_back: bool = False


@dataclass(frozen=True)
class Heard:
    """A text of ours that reached a customer's own end."""

    customer: str
    text: str


@dataclass
class History:
    said: list[Said] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    console_seqs: list[int] = field(default_factory=list)  # event numbers as a console heard them
    # It listened from after the one to the other, both newest in the log at that time.
    console_from: int = 0
    console_to: int = 0


# --- what is stored -------------------------------------------------------------------------------


@dataclass(frozen=True)
class MessageRow:
    id: int
    kind: str
    text: str
    channel_id: str
    conversation_id: int
    customer_id: int
    seq: int
    visible_seq: int | None = None
    status: str = "received"
    files: int = 0  # whose bytes are there, under their right name


@dataclass(frozen=True)
class OutboxRow:
    message_id: int
    channel_id: str
    state: str


@dataclass(frozen=True)
class JournalRow:
    id: int
    channel_id: str
    state: str
    message_id: int | None


@dataclass(frozen=True)
class EventRow:
    seq: int
    kind: str
    conversation_id: int | None = None
    message_id: int | None = None


@dataclass(frozen=True)
class ConversationRow:
    id: int
    customer_id: int


@dataclass
class Stored:
    messages: list[MessageRow] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)  # in the order of their rowid
    conversations: list[ConversationRow] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # integrity_check, foreign_key_check, the text index


# --- the verdict ----------------------------------------------------------------------------------


@dataclass
class Verdict:
    """Each list holds one line per finding; all but `unknown` must be empty."""

    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    half_written: list[str] = field(default_factory=list)
    wrong_person: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # shown to operators as such: allowed, and counted

    def findings(self) -> list[str]:
        groups = {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "half-written": self.half_written,
            "to the wrong person": self.wrong_person,
            "out of order": self.disorder,
            "invented": self.invented,
            "never settled": self.unsettled,
            "not told to the console": self.unheard,
            "broken": self.broken,
        }
        return [f"{name}: {line}" for name, lines in groups.items() for line in lines]


def judge(history: History, stored: Stored, idempotent: Callable[[str], bool]) -> Verdict:
    """`idempotent(channel id)`: whether sending twice delivers once there, so that nothing may be unknown."""
    verdict = Verdict(broken=list(stored.broken))
    verdict.acknowledged = sum(said.acknowledged for said in history.said) + sum(
        reply.message_id is not None for reply in history.replies
    )
    _inbound(history, stored, verdict)
    _outbound(history, stored, verdict, idempotent)
    _people(history, stored, verdict)
    _whole(stored, verdict)
    _log(history, stored, verdict)
    return verdict


def _inbound(history: History, stored: Stored, verdict: Verdict) -> None:
    found = Counter(row.text for row in stored.messages if row.kind == "in")
    for said in history.said:
        if said.acknowledged and not found[said.text]:
            verdict.lost.append(f"{said.customer} was acknowledged {said.text!r}")
    tried = {said.text for said in history.said}
    for text, count in found.items():
        if count > 1:
            verdict.duplicated.append(f"{text!r} is stored {count} times")
        if text not in tried:
            verdict.invented.append(f"nobody said {text!r}")


def _outbound(history: History, stored: Stored, verdict: Verdict, idempotent: Callable[[str], bool]) -> None:
    by_text: dict[str, list[MessageRow]] = defaultdict(list)
    for row in stored.messages:
        if row.kind == "out":
            by_text[row.text].append(row)
    states = {row.message_id: row.state for row in stored.outbox}
    heard = Counter(one.text for one in history.heard)
    tried = {reply.text: reply for reply in history.replies}

    for reply in history.replies:
        rows = by_text[reply.text]
        if reply.taken_back:
            if rows or heard[reply.text]:
                verdict.invented.append(f"reply {reply.message_id} was taken back, and left all the same")
            continue
        ids = [row.id for row in rows]
        if reply.message_id is not None and reply.message_id not in ids:
            verdict.lost.append(f"reply {reply.message_id} was acknowledged: {reply.text!r}")
        if len(rows) > 1:
            verdict.duplicated.append(f"reply {reply.text!r} is stored as {ids}")
        if heard[reply.text] > 1:
            verdict.duplicated.append(f"reply {reply.text!r} was heard {heard[reply.text]} times")
        for row in rows:
            _delivery(row, states.get(row.id), heard[reply.text], verdict, idempotent)
        if not rows and heard[reply.text]:
            verdict.lost.append(f"reply {reply.text!r} was delivered and is not stored")
    for one in history.heard:
        if one.text not in tried:
            verdict.invented.append(f"{one.customer} heard {one.text!r}, which nobody wrote")
        elif tried[one.text].customer != one.customer:
            verdict.wrong_person.append(
                f"{one.customer} heard {one.text!r}, which was for {tried[one.text].customer}"
            )


def _delivery(
    row: MessageRow,
    state: str | None,
    heard: int,
    verdict: Verdict,
    idempotent: Callable[[str], bool],
) -> None:
    """One stored reply: its state in the outbox against what its customer heard."""
    name = f"reply {row.id} on {row.channel_id}"
    if state is None:
        return  # reported as half-written
    if state == "sent":
        if heard == 0:
            verdict.lost.append(f"{name} counts as sent and was never heard")
        if row.visible_seq is None:
            verdict.half_written.append(f"{name} counts as sent and has no place in its thread")
    elif state == "unknown":
        if idempotent(row.channel_id):
            verdict.unsettled.append(f"{name} is unknown, though a repeat would have been harmless")
        else:
            verdict.unknown.append(name)
    elif state == "failed":
        if heard:
            verdict.half_written.append(f"{name} counts as failed and was heard")
        verdict.unsettled.append(f"{name} failed, though nothing but the server did")
    else:
        verdict.unsettled.append(f"{name} is still {state}")
    if state in ("sent", "unknown", "failed") and row.status not in (state, "delivered", "read"):
        verdict.half_written.append(f"{name} is {state} in the outbox and shown as {row.status}")


def _people(history: History, stored: Stored, verdict: Verdict) -> None:
    """One person outside is one customer inside, and what he says in turn is stored in turn."""
    row_of = {row.text: row for row in stored.messages if row.kind == "in"}
    owner: dict[int, str] = {}
    last: dict[str, MessageRow] = {}
    customer_of: dict[str, int] = {}
    for said in history.said:
        row = row_of.get(said.text)
        if row is None:
            continue
        other = owner.setdefault(row.customer_id, said.customer)
        if other != said.customer:
            verdict.wrong_person.append(f"{said.customer} and {other} are both customer {row.customer_id}")
        known = customer_of.setdefault(said.customer, row.customer_id)
        if known != row.customer_id:
            verdict.wrong_person.append(f"{said.customer} is customer {known} and {row.customer_id}")
        before = last.get(said.customer)
        if before is not None and before.id > row.id:
            verdict.disorder.append(f"{said.customer}: {said.text!r} is stored before {before.text!r}")
        last[said.customer] = row
        if row.files != said.files:
            verdict.half_written.append(f"{said.text!r} came with {said.files} files and has {row.files}")


def _doubles(values: Iterable[int]) -> list[int]:
    return sorted(value for value, count in Counter(values).items() if count > 1)


def _whole(stored: Stored, verdict: Verdict) -> None:
    """Everything that is written in one transaction is there together."""
    half = verdict.half_written
    conversations = {row.id: row for row in stored.conversations}
    events = {row.seq: row for row in stored.events}
    messages = {row.id for row in stored.messages}
    journaled = {row.message_id for row in stored.journal}
    queued = {row.message_id for row in stored.outbox}
    opened = {row.conversation_id for row in stored.events if row.kind == "conversation.opened"}
    for message in stored.messages:
        name = f"message {message.id}"
        conversation = conversations.get(message.conversation_id)
        if conversation is None:
            half.append(f"{name} has no conversation")
        elif conversation.customer_id != message.customer_id:
            half.append(f"{name} belongs to another customer than its conversation")
        event = events.get(message.seq)
        if event is None or event.message_id != message.id:
            half.append(f"{name} has no event")
        if message.kind == "in" and message.id not in journaled:
            half.append(f"{name} came in and has no row in the journal")
        if message.kind == "out" and message.id not in queued:
            half.append(f"{name} is a reply and has no row in the outbox")
    for conversation_id in conversations:
        if conversation_id not in opened:
            half.append(f"conversation {conversation_id} was never opened")
        if not any(message.conversation_id == conversation_id for message in stored.messages):
            half.append(f"conversation {conversation_id} is empty")
    for row in stored.outbox:
        if row.message_id not in messages:
            half.append(f"outbox row {row.message_id} has no message")
    for item in stored.journal:
        if item.state == "received":
            verdict.unsettled.append(f"journal item {item.id} of {item.channel_id} was never taken in")
        elif item.state == "quarantined":
            verdict.unsettled.append(f"journal item {item.id} of {item.channel_id} was quarantined")
        elif item.message_id is not None and item.message_id not in messages:
            half.append(f"journal item {item.id} names message {item.message_id}, which is not there")


def _log(history: History, stored: Stored, verdict: Verdict) -> None:
    """The log's numbers rise, and a console that resumes hears every event once and in order."""
    for before, after in zip(stored.events, stored.events[1:], strict=False):
        if after.seq <= before.seq:
            verdict.disorder.append(f"event {after.seq} was written after {before.seq}")
    for earlier, later in zip(history.console_seqs, history.console_seqs[1:], strict=False):
        if later < earlier:
            verdict.disorder.append(f"the console heard event {later} after {earlier}")
    for seq in _doubles(history.console_seqs):
        verdict.duplicated.append(f"the console heard event {seq} twice")
    heard = set(history.console_seqs)
    known = {row.seq for row in stored.events}
    for seq in sorted(heard - known):
        verdict.invented.append(f"the console heard event {seq}, which the log does not hold")
    due = {seq for seq in known if history.console_from < seq <= history.console_to}
    verdict.unheard.extend(f"event {seq}" for seq in sorted(due - heard))
