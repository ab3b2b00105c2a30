"""Does what customers' silences call for, when its time has come.

What happened is read from the event log, from a durable place on; what is due stands in rows, under an index
of its own; and each step looks at the rows again in the transaction that does it, so that it is done once and
only while it is still right, whenever the server was stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import msgspec
import structlog
from msgspec.structs import replace

from server import acknowledging, failpoints, lifecycle, wording
from server.acknowledging import HOUR_MS, Acknowledging
from server.cases import casework, replying
from server.cases.ways import ChannelOffer
from server.follower import Follower
from server.queue import silence
from server.queue.silence import Silent, StepKind, Terms
from server.store import (
    auto_answers,
    conversations,
    deadlines,
    events,
    fields,
    silences,
    spam,
    spoken,
    state,
)
from server.store.database import Database
from server.store.transaction import Event, Snapshot, Transaction

log = structlog.get_logger(__name__)

PLACE = "silence"  # a setting: the newest event that was read
CONFIGURED = "silence_configured"  # a setting: digest of the terms by which all was computed
PAGE = 500
AT_ONCE = 50  # conversations in one transaction
ANNOUNCED_AN_HOUR = 20  # of all that may be said by itself: whoever writes to us has the rest
LATE_MS = 24 * HOUR_MS  # a proposal that is older than this surprises nobody any more


class Touched(msgspec.Struct, frozen=True):
    """A conversation of whose silence something happened at `at`; `anew`: it begins again."""

    conversation_id: int
    at: int
    anew: bool = False


class Page(msgspec.Struct, frozen=True):
    """What a page of the log says."""

    up_to: int
    touched: list[Touched]


class Announcing(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known to tell a customer."""

    offers: Mapping[str, ChannelOffer] = {}
    saying: Acknowledging = Acknowledging()
    site: str = ""
    language: str = "en"


class SilenceKeeper(Follower):
    name = "silence"

    def __init__(self, database: Database, terms: Terms, how: Announcing, every_s: float) -> None:
        super().__init__()
        self._database = database
        self._terms = terms
        self._how = how
        self.every_s = every_s
        self._place: int | None = None  # None: the configuration was not looked at yet

    async def work(self) -> None:
        """Read what happened, and do what is due."""
        if self._place is None:
            await self._follow_configuration()
        if not self._terms:
            return
        await self._read_log()
        await self._act("propose", self._propose)
        await self._act("close", self._close)
        room = await self._database.read(_room)
        if room > 0:
            await self._act("announce", self._announce, min(room, AT_ONCE))

    # --- what happened --------------------------------------------------------------------------------

    async def _follow_configuration(self) -> None:
        """Other terms or hours than last time: of every silence what is due is computed by the new ones."""
        digest = hashlib.sha256(self._terms.text.encode()).digest()
        known, place = await self._database.read(
            lambda tx: (state.setting(tx, CONFIGURED), int(state.setting(tx, PLACE) or 0))
        )
        if known != digest:
            place = await self._database.read(events.newest)
            if self._terms:
                await self._compute_all()
            else:
                await self._database.write(silences.forget_all)

            def note(tx: Transaction) -> None:
                state.put_setting(tx, PLACE, str(place).encode())
                state.put_setting(tx, CONFIGURED, digest)

            await self._database.write(note)
        self._place = place

    async def _compute_all(self) -> None:
        last = 0
        while ids := await self._database.read(
            lambda tx, last=last: deadlines.ids_after(tx, last, PAGE, ended_too=False)  # type: ignore[misc]
        ):
            for start in range(0, len(ids), AT_ONCE):
                part = ids[start : start + AT_ONCE]
                await self._database.write(lambda tx, part=part: self._settle_all(tx, part))  # type: ignore[misc]
            last = ids[-1]

    def _settle_all(self, tx: Transaction, ids: list[int]) -> None:
        for conversation_id in ids:
            self._settle(tx, Touched(conversation_id, tx.now))

    async def _read_log(self) -> None:
        while (page := await self._database.read(self._next)) is not None:
            if page.touched:
                await self._database.write(lambda tx, page=page: self._take(tx, page))  # type: ignore[misc]
            self._place = page.up_to

    def _next(self, tx: Snapshot) -> Page | None:
        page = events.after(tx, self._place or 0, PAGE)
        if not page:
            return None
        return Page(page[-1].seq, [one for event in page for one in touched_by(tx, event)])

    def _take(self, tx: Transaction, page: Page) -> None:
        for one in page.touched:
            self._settle(tx, one)
        state.put_setting(tx, PLACE, str(page.up_to).encode())

    def _settle(self, tx: Transaction, one: Touched) -> None:
        silent = silences.silent(tx, one.conversation_id)
        if silent is None:
            return
        kept = self._terms.kept(silent, one.at, anew=one.anew)
        if kept == silent.kept:
            return
        silences.keep(tx, silent.id, kept)
        if silent.waits and _shown(kept) != _shown(silent.kept):
            _tell(tx, silent, "obstacle" if kept is not None and kept.obstacle else "")

    # --- what is due ----------------------------------------------------------------------------------

    async def _act(
        self, step: StepKind, act: Callable[[Transaction, Silent], None], most: int = AT_ONCE
    ) -> None:
        if not await self._database.read(lambda tx: silences.due(tx, step, tx.now, 1)):
            return
        done = await self._database.write(lambda tx: self._do(tx, step, act, most))
        if done:
            failpoints.hit("silence.after_commit")
            log.info("silence", step=step, conversations=done)

    def _do(
        self, tx: Transaction, step: StepKind, act: Callable[[Transaction, Silent], None], most: int
    ) -> int:
        """Nothing, while something that happened may still be unread: it is done in a second then."""
        unread = events.after(tx, self._place or 0, PAGE)
        if len(unread) == PAGE or any(touched_by(tx, event) for event in unread):
            return 0
        done = 0
        for conversation_id in silences.due(tx, step, tx.now, most):
            silent = silences.silent(tx, conversation_id)
            if silent is None:
                continue
            kept = self._terms.kept(silent, tx.now)
            silent = replace(silent, kept=kept)
            if kept is None or kept.step != step or kept.next_at is None or kept.next_at > tx.now:
                silences.keep(tx, conversation_id, kept)
            else:
                act(tx, silent)
                done += 1
        if done:
            failpoints.hit("silence.before_commit")
        return done

    def _keep(self, tx: Transaction, silent: Silent, kept: silence.Kept) -> None:
        silences.keep(tx, silent.id, self._terms.kept(replace(silent, kept=kept), tx.now))

    def _propose(self, tx: Transaction, silent: Silent) -> None:
        kept = _kept(silent)
        self._keep(tx, silent, replace(kept, proposed=True))
        if kept.next_at is not None and tx.now - kept.next_at <= LATE_MS:
            _tell(tx, silent, "propose")

    def _announce(self, tx: Transaction, silent: Silent) -> None:
        kept, term = _kept(silent), self._terms.of(silent.channel_id)
        opening = self._terms.opening(silent.channel_id, tx.now)
        if term is None or opening is None or opening > tx.now:
            if opening is not None:
                silences.put_off(tx, silent.id, opening)
            return
        conversation = conversations.held(tx, silent.id)
        last = spoken.last_inbound(tx, silent.id, silent.customer_id)
        way = next(
            (
                one
                for one in replying.ways_to(tx, silent.customer_id, silent.id, dict(self._how.offers))
                if (one.shown.channel_id, one.shown.address_id) == (last.channel_id, last.address_id)
            ),
            None,
        )
        obstacle = ""
        if way is None:
            obstacle = silence.NO_WAY
        elif spam.is_barred(tx, way.shown.address_id):
            obstacle = silence.BARRED
        elif way.shown.window_until is not None and way.shown.window_until <= tx.now:
            obstacle = silence.WINDOW
        if obstacle or way is None:
            self._keep(tx, silent, replace(kept, obstacle=obstacle))
            _tell(tx, silent, "obstacle")
            return
        said = acknowledging.said_lately(tx, way.shown.address_id, silent.id)
        if acknowledging.too_much(said):
            silences.put_off(tx, silent.id, tx.now + HOUR_MS)
            return
        language = fields.one(tx, silent.customer_id, "language")
        tongue = wording.speaks((language.value if language else None) or "", self._how.language)
        offer = self._how.offers[way.shown.channel_id]
        message_id = acknowledging.say(
            tx,
            conversation,
            acknowledging.Place(offer.id, way.thread, way.shown.address_id, way.external_id),
            term.words(tongue, self._how.site),
            conversation.subject if offer.capabilities.subject else None,
            self._how.saying,
        )
        # When it was sent, the event that says so begins the second term.
        silences.keep(tx, silent.id, replace(kept, announced_id=message_id, step="", next_at=None))
        _tell(tx, silent, "announce")

    def _close(self, tx: Transaction, silent: Silent) -> None:
        term = self._terms.of(silent.channel_id)
        if term is None:
            return
        conversation = conversations.held(tx, silent.id)
        life = lifecycle.fall_silent(conversation.life, term.topic, term.result, tx.now)
        silences.keep(tx, silent.id, None)
        casework.write_closing(tx, conversation, life, by=lifecycle.SILENCE)
        seq = tx.emit(
            "conversation.state",
            conversation_id=conversation.id,
            customer_id=conversation.customer_id,
            data={"from": conversation.life.state, "to": life.state, "why": lifecycle.SILENCE},
        )
        conversations.save_life(tx, conversation.id, life, seq)


def _kept(silent: Silent) -> silence.Kept:
    if silent.kept is None:
        raise RuntimeError("a step was due of a silence of which nothing is kept")
    return silent.kept


def _shown(kept: silence.Kept | None) -> tuple[object, ...]:
    """What consoles see of it."""
    if kept is None:
        return (False, None, None, "")
    return (kept.proposed, kept.announced_at, kept.next_at if kept.step == "close" else None, kept.obstacle)


def _tell(tx: Transaction, silent: Silent, step: str) -> None:
    seq = tx.emit(
        "conversation.silence",
        conversation_id=silent.id,
        customer_id=silent.customer_id,
        data={"step": step} if step else {},
    )
    conversations.touch(tx, silent.id, seq)


def _room(tx: Snapshot) -> int:
    return ANNOUNCED_AN_HOUR - auto_answers.at_all(tx, tx.now - HOUR_MS)


def touched_by(tx: Snapshot, event: Event) -> list[Touched]:
    """Of which silences something happened; mostly of none."""
    found = event.conversation_id
    fields_named = event.data.get("fields", ())
    if event.kind == "message.received":
        if event.customer_id is None or event.message_id is None:
            return []
        quiet = silences.of_customer(tx, event.customer_id)
        if not quiet or not spoken.from_customer(tx, event.message_id):
            return []
        return [Touched(one, event.at, anew=True) for one in quiet]
    if event.kind == "message.status":
        announced = None if event.message_id is None else silences.announced_by(tx, event.message_id)
        return [] if announced is None else [Touched(announced, event.at)]
    if event.kind == "conversation.regrouped":
        both = [one for one in event.data.get("conversations", ()) if isinstance(one, int)]
        return [Touched(one, event.at, anew=True) for one in both]
    if found is None:
        return []
    if event.kind == "conversation.changed" and "due_at" in fields_named:
        return [Touched(found, event.at, anew=True)]
    if event.kind == "customer.changed" and {"merged", "unmerged"} & set(fields_named):
        return [Touched(found, event.at, anew=True)]
    if event.kind == "conversation.opened" or (
        event.kind == "message.queued" and event.operator_id is not None
    ):
        return [Touched(found, event.at)]
    if event.kind == "conversation.state" and (
        event.data.get("to") == "waiting" or silences.is_kept(tx, found)
    ):
        return [Touched(found, event.at)]
    return []
