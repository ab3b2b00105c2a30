"""Follows the commits: as soon as somebody has room, the oldest waiting work is his.

A thin shell around `assigning`. It also knows which consoles are there, and tells when one was lost.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from server.clock import Clock
from server.follower import Follower
from server.queue import assigning, presence
from server.queue.assigning import Desks
from server.store import operators
from server.store.database import Database
from server.store.transaction import Event

log = structlog.get_logger(__name__)

MOVES = frozenset(
    {
        "conversation.opened",
        "conversation.state",
        "conversation.assigned",
        "conversation.changed",
        "message.received",
        "operator.changed",
    }
)


class Dispatcher(Follower):
    """`consoles()`: the operators who have one now. Nothing runs where there are no teams."""

    name = "dispatcher"
    retry_s = 1.0  # what could not be done may stand in nobody's way the next time

    def __init__(
        self,
        database: Database,
        desks: Desks,
        clock: Clock,
        consoles: Callable[[], frozenset[int]],
        away_ms: int,
    ) -> None:
        super().__init__()
        self._database = database
        self._desks = desks
        self._clock = clock
        self._consoles = consoles
        self._away_ms = away_ms
        self._here: frozenset[int] = frozenset()
        self.gone_since: dict[int, int] = {}
        self._again_at: int | None = None

    def matters(self, event: Event) -> bool:
        return event.kind in MOVES

    def heard(self, event: Event) -> None:
        super().heard(event)
        who = event.operator_id
        if event.data.get("why") == "chosen" and who is not None and who not in self._here:
            # A program may say so for somebody who has no console: that holds as long as a lost one does.
            self.gone_since[who] = self._clock.now()

    async def start(self) -> None:
        """Whoever had a console when the server ended has the time of grace to come back."""
        if not self._desks.teams:
            return
        now = self._clock.now()
        known, logins = await self._database.read(
            lambda tx: (presence.with_console(tx), {info.login for info in operators.everybody(tx)})
        )
        self.gone_since = {operator_id: now for operator_id in known}
        for login in sorted(self._desks.teams.members.keys() - logins):
            log.warning("a team has a member who is no operator", login=login, hint="omni operators add")
        await super().start()

    async def look(self) -> None:
        """Called every second: consoles that came and went, and terms that are over. Raises StoreError."""
        if not self.runs:
            return
        now = self._clock.now()
        here = self._consoles()
        for operator_id in self._here - here:
            self.gone_since[operator_id] = now
        for operator_id in here - self._here:
            self.gone_since.pop(operator_id, None)
            await self._database.write(lambda tx, who=operator_id: presence.console_came(tx, who))  # type: ignore[misc]
        self._here = here
        for operator_id, since in list(self.gone_since.items()):
            # A clock that was set back begins the grace anew.
            self.gone_since[operator_id] = since = min(since, now)
            if now - since >= self._away_ms:
                await self._database.write(lambda tx, who=operator_id: presence.console_lost(tx, who))  # type: ignore[misc]
                del self.gone_since[operator_id]
        if self._again_at is not None and self._again_at <= now:
            self.soon()

    async def work(self) -> None:
        while True:
            found = await self._database.read(lambda tx: assigning.look(tx, self._desks))
            self._again_at = found.again_at
            if not found:
                return
            await self._database.write(lambda tx: assigning.distribute(tx, self._desks))
