"""Keeps the deadlines of conversations: a moment after each commit, and when one comes near.

States are read from a durable place of the event log and kept, so that whatever hours or rules change, every
deadline can be computed anew from what happened. Where nothing is configured nothing is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec
import structlog

from server.follower import Follower
from server.lifecycle import UNDONE
from server.protocol import Deadline, Recomputed, State
from server.queue.deadlines import Change, Measured, Rules
from server.store import deadlines, events, state
from server.store.database import Database
from server.store.deadlines import Kept, Noted, Told
from server.store.transaction import Event, Snapshot, Transaction

log = structlog.get_logger(__name__)

PLACE = "deadlines"  # a setting: the newest event that was read
CONFIGURED = "deadlines_configured"  # a setting: digest of rules and hours by which all was computed
PAGE = 500
AT_ONCE = 50  # conversations in one transaction

MOVES = frozenset(
    {"conversation.opened", "conversation.state", "conversation.changed", "conversation.regrouped"}
)


class Step(msgspec.Struct, frozen=True):
    """What a page of the log says."""

    up_to: int
    noted: list[Noted]
    touched: list[int]  # conversations
    regrouped: dict[int, Event]  # whose state no event told, by conversation


class Timekeeper(Follower):
    name = "timekeeper"
    gather_s = 0.05

    def __init__(self, database: Database, rules: Rules) -> None:
        super().__init__()
        self._database = database
        self._rules = rules
        self._place: int | None = None

    def matters(self, event: Event) -> bool:
        return event.kind in MOVES

    async def work(self) -> None:
        await self._follow_configuration()
        if self._rules:
            await self._read_log()

    async def _read_log(self) -> None:
        """Everything that is committed."""
        if self._place is None:
            self._place = await self._database.read(lambda tx: int(state.setting(tx, PLACE) or 0))
        while page := await self._database.read(self._next):
            step = step_of(page)
            if step.touched:
                await self._database.write(lambda tx, step=step: self._take(tx, step))  # type: ignore[misc]
            self._place = step.up_to

    def _next(self, tx: Snapshot) -> list[Event]:
        return events.after(tx, self._place or 0, PAGE)

    def _take(self, tx: Transaction, step: Step) -> None:
        for noted in step.noted:
            deadlines.note(tx, noted)
        for conversation_id, event in step.regrouped.items():
            matter = deadlines.matter(tx, conversation_id)
            if matter is not None:
                deadlines.note(tx, Noted(conversation_id, event.seq, Change(event.at, matter.state)))
        for conversation_id in step.touched:
            settle(tx, conversation_id, self._rules)
        state.put_setting(tx, PLACE, str(step.up_to).encode())

    async def tell(self) -> None:
        """Tell of deadlines that came near or passed; called every second. Raises StoreUnavailableError."""
        if not self._rules:
            return
        if await self._database.read(lambda tx: deadlines.to_tell(tx, tx.now)):
            await self.catch_up()
            await self._database.write(self._tell)

    def _tell(self, tx: Transaction) -> None:
        """Nothing, while an answer that came in time may still be unread: it is told in a second then."""
        unread = events.after(tx, self._place or 0, PAGE)
        if len(unread) < PAGE and not any(event.kind in MOVES for event in unread):
            tell_due(tx)

    async def recompute(self) -> Recomputed:
        """Compute all deadlines anew. Raises StoreUnavailableError."""
        await self.catch_up()
        return await self._compute_all(ended_too=True)

    async def _compute_all(self, *, ended_too: bool) -> Recomputed:
        done = Recomputed(conversations=0, changed=0)
        last = 0
        while ids := await self._database.read(
            lambda tx, last=last: deadlines.ids_after(tx, last, AT_ONCE, ended_too=ended_too)  # type: ignore[misc]
        ):
            changed = await self._database.write(
                lambda tx, ids=ids: sum(settle(tx, one, self._rules) for one in ids)  # type: ignore[misc]
            )
            done.conversations += len(ids)
            done.changed += changed
            last = ids[-1]
        return done

    async def _follow_configuration(self) -> None:
        """Other rules or hours than last time: what is not over is computed by the new ones."""
        digest = hashlib.sha256(self._rules.text.encode()).digest()
        known = await self._database.read(lambda tx: state.setting(tx, CONFIGURED))
        if known == digest or (known is None and not self._rules):
            return
        if self._rules:
            await self._read_log()
        done = await self._compute_all(ended_too=False)
        await self._database.write(lambda tx: state.put_setting(tx, CONFIGURED, digest))
        log.info("deadlines follow the configuration", changed=done.changed)


def step_of(page: Sequence[Event]) -> Step:
    """Pure."""
    step = Step(page[-1].seq, [], [], {})
    touched: dict[int, None] = {}
    for event in page:
        found = event.conversation_id
        if event.kind == "conversation.regrouped":
            both = [one for one in event.data.get("conversations", ()) if isinstance(one, int)]
            step.regrouped.update(dict.fromkeys(both, event))
            touched |= dict.fromkeys(both)
        elif found is None or event.kind not in MOVES:
            continue
        elif event.kind == "conversation.changed":
            if "priority" in event.data.get("fields", ()):
                touched[found] = None
        else:
            step.noted.append(Noted(found, event.seq, change_of(event)))
            touched[found] = None
    step.touched.extend(touched)
    return step


def change_of(event: Event) -> Change:
    """What an event of a conversation's beginning or state says. Pure."""
    data = event.data
    if data.get("spam") is True:
        return Change(event.at, "closed", "apart")
    # What began before its event told the state: a beginning by one of us was a word of ours.
    begun: State = "open" if event.operator_id is None else "waiting"
    found: State = data.get("state", begun) if event.kind == "conversation.opened" else data["to"]
    why = data.get("why")
    return Change(event.at, found, why if why in ("failed", UNDONE) else "")


def settle(tx: Transaction, conversation_id: int, rules: Rules) -> bool:
    """Compute the deadlines of a conversation from its states, and show the nearest; whether any changed."""
    matter = deadlines.matter(tx, conversation_id)
    if matter is None:
        return False
    before = deadlines.kept(tx, conversation_id)
    told = {(one.measured.kind, one.measured.since): one.told for one in before}
    changes = deadlines.changes(tx, conversation_id)
    kept = [
        Kept(one, still_true(one, told.get((one.kind, one.since), Told()), tx.now))
        for one in rules.measure(changes, matter.channel_id, matter.priority)
    ]
    kept = [_told_when_over(tx, matter, one) for one in kept]
    if kept == before:
        return False
    deadlines.keep(tx, conversation_id, kept)
    _show(tx, matter, kept)
    return True


def still_true(measured: Measured, told: Told, now: int) -> Told:
    """What was told of a deadline, as far as it holds: what is due later now will be told then. Pure."""
    if measured.status == "running":
        return Told(
            told.warned_at if measured.warn_at is not None and measured.warn_at <= now else None,
            told.late_at if measured.due_at is not None and measured.due_at <= now else None,
        )
    late = measured.spent_ms is not None and measured.spent_ms > measured.target_ms
    return told if late else Told(told.warned_at, None)


def _told_when_over(tx: Transaction, matter: deadlines.Matter, one: Kept) -> Kept:
    """It was missed, and ended before anybody was told."""
    measured, told = one.measured, one.told
    over = measured.status in ("paused", "done") and told.late_at is None
    if not over or measured.spent_ms is None or measured.spent_ms <= measured.target_ms:
        return one
    late = Kept(measured, Told(told.warned_at, tx.now))
    _emit(tx, matter, late)
    return late


def tell_due(tx: Transaction) -> int:
    """Tell consoles of what came near or passed, once each; of how many conversations."""
    found = deadlines.to_tell(tx, tx.now)
    for conversation_id in found:
        matter = deadlines.matter(tx, conversation_id)
        if matter is None:
            continue
        kept: list[Kept] = []
        seq = None
        for one in deadlines.kept(tx, conversation_id):
            now = told_now(one, tx.now)
            if now != one:
                seq = _emit(tx, matter, now)
            kept.append(now)
        deadlines.keep(tx, conversation_id, kept)
        _show(tx, matter, kept, seq)
    return len(found)


def told_now(one: Kept, now: int) -> Kept:
    """The deadline after what is to be told of it at `now` was told. Pure."""
    if one.next_at is None or one.next_at > now:
        return one
    due_at = one.measured.due_at
    if due_at is not None and due_at <= now:
        return Kept(one.measured, Told(one.told.warned_at or now, now))
    return Kept(one.measured, Told(now, None))


def nearest(kept: Iterable[Kept]) -> Deadline | None:
    """Pure."""
    running = [
        Deadline(kind=one.measured.kind, due_at=one.measured.due_at, level=one.level)
        for one in kept
        if one.measured.status == "running" and one.measured.due_at is not None
    ]
    return min(running, key=lambda one: one.due_at, default=None)


def _show(tx: Transaction, matter: deadlines.Matter, kept: list[Kept], seq: int | None = None) -> None:
    """`seq`: of an event that tells it already."""
    found = nearest(kept)
    if found == matter.shown:
        return
    if seq is None:
        seq = tx.emit(
            "conversation.deadline",
            conversation_id=matter.id,
            customer_id=matter.customer_id,
            data={} if found is None else {"deadline": found.kind, "due_at": found.due_at},
        )
    deadlines.show(tx, matter.id, found, seq)


def _emit(tx: Transaction, matter: deadlines.Matter, one: Kept) -> int:
    return tx.emit(
        "conversation.deadline",
        conversation_id=matter.id,
        customer_id=matter.customer_id,
        data={"deadline": one.measured.kind, "since": one.measured.since, "level": one.level},
    )
