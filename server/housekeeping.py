"""What is done by time, not because something was said: terms that end, the disk, what may be forgotten."""

from __future__ import annotations

import asyncio

import msgspec

from server.cases import case, casework, leaving, undoing
from server.cases.outreach import Rules
from server.cases.replying import Outgoing
from server.clock import Clock
from server.follower import Follower
from server.hub import Hub
from server.people.erasing import Eraser
from server.queue.dispatcher import Dispatcher
from server.queue.timekeeper import Timekeeper
from server.store import cases, codes, conversations, deeds, events, scheduled
from server.store.database import Database
from server.trouble import Trouble

DISK_LOOK_S = 5.0
ERASE_EVERY_S = 60.0
FORGET_EVERY_S = 600.0


class House(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked after."""

    database: Database
    clock: Clock
    hub: Hub
    trouble: Trouble
    outgoing: Outgoing
    outreach: Rules
    eraser: Eraser
    timekeeper: Timekeeper
    dispatcher: Dispatcher
    retention_ms: int  # of the event log


class Housekeeping(Follower):
    name = "housekeeping"

    def __init__(self, house: House, every_s: float) -> None:
        super().__init__()
        self._house = house
        self.every_s = self.retry_s = every_s
        self._looked = self._forgot = asyncio.get_running_loop().time()
        self._erased = -ERASE_EVERY_S  # what a killed server left undone is done at once

    async def work(self) -> None:
        house, now = self._house, asyncio.get_running_loop().time()
        house.hub.end_expired(house.clock.now())
        house.hub.tell_company(house.clock.now())
        await house.trouble.look_at_writing(house.database)
        house.trouble.look_at_channels()
        await self._look_at_terms()
        await house.dispatcher.look()
        if now - self._looked >= DISK_LOOK_S:
            self._looked = now
            house.trouble.look_at_disk()
        if now - self._erased >= ERASE_EVERY_S:
            self._erased = now
            await house.eraser.finish()
        if now - self._forgot >= FORGET_EVERY_S:
            self._forgot = now
            await self._forget()

    async def _look_at_terms(self) -> None:
        """Scheduled replies and promises whose time has come, snoozes that are over."""
        database, now = self._house.database, self._house.clock.now()
        # First, so that what sleeps until its answer leaves does not wake for a moment.
        if await database.read(lambda tx: scheduled.any_due(tx, now)):
            house = self._house
            await database.write(lambda tx: leaving.leave_due(tx, house.outgoing, house.outreach))
        snoozes, promises = await database.read(
            lambda tx: (conversations.due_snoozes(tx, now), cases.come_due(tx, now))
        )
        if snoozes:
            await database.write(casework.wake_due)
        if promises:
            await database.write(case.tell_due)
        await self._house.timekeeper.tell()

    async def _forget(self) -> None:
        database = self._house.database
        await database.write(codes.forget_over)
        await database.write(lambda tx: deeds.forget_before(tx, tx.now - undoing.KEPT_MS))
        before = self._house.clock.now() - self._house.retention_ms
        while await database.write(lambda tx: events.forget_before(tx, before)):
            pass  # a thousand at a time, so that nobody's commit waits long
