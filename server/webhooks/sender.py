"""Tells one receiver of committed events: one after the other, in the order of the log, until it took each.

What is told next is read from the log behind a durable place, which moves only after a 2xx. So a kill repeats
at most a second's worth, under the same ids, and loses nothing. Nobody waits for a receiver: it has a task of
its own, and reads when it is its turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
import structlog

from channels.base import ChannelHealth
from server import failpoints
from server.clock import Clock
from server.follower import Follower
from server.protocol import WebhookInfo, WebhookTested
from server.store import conversations, events, webhooks
from server.store.database import Database
from server.store.errors import StoreError
from server.store.transaction import Event, Snapshot
from server.verdicts import backoff_ms
from server.webhooks import link
from server.webhooks.body import Body, EventFacts, Gap, Ping, event_id, gap_id, of_event
from server.webhooks.link import Answer
from server.webhooks.webhook import Webhook

log = structlog.get_logger(__name__)

PAGE = 100
NOTE_S = 1.0  # so long a place may wait to be written while events go out
PASS_S = 60.0  # and while none is wanted
STEPS_MAX = 4  # of the outbox's waits: a receiver that is back is found within ten minutes


class Page(msgspec.Struct, frozen=True):
    events: list[Event]
    gap: Gap | None = None


class _Skip:
    """The receiver knows that it does not get this event."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.noted = asyncio.Event()  # and that is written down


class Sender(Follower):
    """`installation` tells ours from every other; `report`: how the receiver does."""

    name = "webhook"
    gather_s = 0.05
    every_s = PASS_S

    def __init__(
        self,
        webhook: Webhook,
        database: Database,
        clock: Clock,
        installation: str,
        place: int,
        report: Callable[[ChannelHealth], None],
    ) -> None:
        super().__init__()
        self.webhook = webhook
        self._database = database
        self._clock = clock
        self._installation = installation
        self._report = report
        self._place = self._noted = place
        self._noted_at = 0.0
        self._again = asyncio.Event()  # the receiver took something: no need to wait any longer
        self._random = random.Random()  # noqa: S311 - jitter, no secret
        self._session: aiohttp.ClientSession | None = None
        self._skip: _Skip | None = None
        self._tries = 0  # in vain, of what is told now
        self._stuck: Event | None = None
        self._problem = ""
        self._answered_at: int | None = None
        self._delivered_at: int | None = None
        self._delivered = self._failed = 0

    def matters(self, event: Event) -> bool:
        return self.webhook.wants(event.kind)

    async def start(self) -> None:
        self._session = link.session(self.webhook)
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        with contextlib.suppress(StoreError):
            await self._note(0)
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # --- telling ----------------------------------------------------------------------------------------

    async def work(self) -> None:
        while (page := await self._database.read(self._next)).events:
            told = page.gap is not None
            if page.gap is not None:
                lost = self._lost(page.gap)
                await self._deliver(lambda tx, lost=lost: lost)  # type: ignore[misc]
                self._place = page.gap.before - 1
            for event in page.events:
                if self.webhook.wants(event.kind):
                    told = True
                    await self._deliver(lambda tx, event=event: self._body(tx, event), event)  # type: ignore[misc]
                self._place = event.seq
                await self._note(0 if self._skip else NOTE_S if told else PASS_S)
            await self._note(0 if told else PASS_S)

    def _next(self, tx: Snapshot) -> Page:
        page = events.after(tx, self._place, PAGE)
        if events.reaches_back_to(tx, self._place):
            return Page(page)
        return Page(page, Gap(after=self._place, before=events.oldest(tx)))

    def _body(self, tx: Snapshot, event: Event) -> Body[EventFacts]:
        """Read anew for each attempt: of whoever is erased meanwhile nothing but numbers is told."""
        key = event.conversation_id
        found = None if key is None else conversations.many(tx, [key]).get(key)
        return of_event(event, found, self._installation)

    def _lost(self, gap: Gap) -> Body[Gap]:
        return Body(id=gap_id(self._installation, gap.after), type="gap", at=self._clock.now(), data=gap)

    async def _deliver(self, made: Callable[[Snapshot], Body[Any]], event: Event | None = None) -> None:
        """Returns when the receiver took it, or knows that it does not get this event. Raises
        StoreUnavailableError."""
        while True:
            body = await self._database.read(made)
            failpoints.hit("webhook.before_send")
            answer = await self._post(body)
            self._answered_at = self._clock.now()
            if not answer.problem:
                failpoints.hit("webhook.after_send")
                self._took()
                return
            self._stuck = event
            self._did_not_take(body, answer)
            await self._note(0)
            wait = backoff_ms(min(self._tries, STEPS_MAX), self._random.uniform(-1, 1)) / 1000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(wait, answer.wait_s)):
                    await self._again.wait()
            self._again.clear()
            if event is not None and self._skip is not None and self._skip.seq == event.seq:
                return

    def _took(self) -> None:
        if self._tries:
            log.info("webhook: the receiver is back", webhook=self.webhook.name)
        self._tries = 0
        self._stuck = None
        self._problem = ""
        self._delivered += 1
        self._delivered_at = self._clock.now()
        self._report(ChannelHealth(state="connected"))

    def _did_not_take(self, body: Body[Any], answer: Answer) -> None:
        self._tries += 1
        self._problem = answer.problem
        self._failed += 1
        log.warning(
            "webhook: not taken",
            webhook=self.webhook.name,
            id=body.id,
            tries=self._tries,
            reason=answer.problem,
        )
        self._report(ChannelHealth(state="retrying", detail=answer.problem))

    async def _post(self, body: Body[Any]) -> Answer:
        if self._session is None:
            return Answer(problem="the server is not ready")
        return await link.post(self._session, self.webhook, body, self._clock.now())

    async def _note(self, after_s: float) -> None:
        """Write the place down, unless that was done less than `after_s` ago. Raises StoreError."""
        now = asyncio.get_running_loop().time()
        if self._place == self._noted or now - self._noted_at < after_s:
            return
        name, place = self.webhook.name, self._place
        await self._database.write(lambda tx: webhooks.note(tx, name, place))
        failpoints.hit("webhook.noted")
        self._noted, self._noted_at = place, now
        if self._skip is not None and self._skip.seq <= place:
            self._skip.noted.set()
            self._skip = None

    # --- what is asked of it ----------------------------------------------------------------------------

    async def test(self) -> WebhookTested:
        """Send one `ping`, whatever waits; a receiver that took it is told what waits at once."""
        ping = Body(
            id=f"ping_{secrets.token_hex(8)}",
            type="ping",
            at=self._clock.now(),
            data=Ping(webhook=self.webhook.name),
        )
        tested = await self._try(ping)
        if tested.ok and self._tries:
            self._again.set()
        return tested

    async def skip(self, wanted: str) -> WebhookTested | None:
        """Tell the receiver of a gap instead of the event that it does not take, and go on behind that; None:
        this is not the event. Where it does not take the gap either, nothing is skipped."""
        stuck = self._stuck
        if stuck is None or self._skip is not None or event_id(self._installation, stuck.seq) != wanted:
            return None
        tested = await self._try(self._lost(Gap(after=stuck.seq - 1, before=stuck.seq + 1)))
        if tested.ok and self._stuck is stuck:
            log.warning("webhook: passed over", webhook=self.webhook.name, id=wanted)
            self._took()
            self._skip = skip = _Skip(stuck.seq)
            self._again.set()
            await skip.noted.wait()
        return tested

    async def _try(self, body: Body[Any]) -> WebhookTested:
        began = asyncio.get_running_loop().time()
        answer = await self._post(body)
        return WebhookTested(
            webhook=self.webhook.name,
            id=body.id,
            ok=not answer.problem,
            status=answer.status,
            problem=answer.problem,
            ms=round((asyncio.get_running_loop().time() - began) * 1000),
        )

    def info(self, tx: Snapshot) -> WebhookInfo:
        waiting = [one for one in webhooks.waiting(tx, self._place) if self.webhook.wants(one.kind)]
        return WebhookInfo(
            name=self.webhook.name,
            receiver=self.webhook.receiver,
            events=list(self.webhook.events),
            owner=self.webhook.owner,
            state="retrying" if self._tries else "connected",
            detail=self._problem,
            tries=self._tries,
            stuck="" if self._stuck is None else event_id(self._installation, self._stuck.seq),
            seq=self._place,
            waiting=sum(one.count for one in waiting),
            oldest_at=min((one.oldest_at for one in waiting), default=None),
            answered_at=self._answered_at,
            delivered_at=self._delivered_at,
            delivered=self._delivered,
            failed=self._failed,
        )
