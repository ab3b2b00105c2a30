"""Keeps the search indexes up with messages and cards, off the path of acknowledgements."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from server.store import card_search, search
from server.store.database import Database
from server.store.errors import StoreUnavailableError
from server.store.transaction import Event

log = structlog.get_logger(__name__)

BRINGS_TEXT = frozenset(
    {"message.received", "message.imported", "message.queued", "message.scheduled", "note.added"}
)
GATHER_S = 0.5  # messages that come within it are indexed together
RETRY_S = 5.0


class Indexer:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def heard(self, event: Event) -> None:
        if event.kind in BRINGS_TEXT or event.kind.startswith("customer."):
            self._wake.set()

    def start(self) -> None:
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name="indexer")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def catch_up(self) -> None:
        """Index everything that is committed. Raises StoreUnavailableError."""
        while await self._database.read(search.is_behind):
            await self._database.write(search.index_some)

    async def catch_up_cards(self) -> None:
        """Index every card that changed. Raises StoreUnavailableError."""
        while await self._database.read(card_search.is_behind):
            await self._database.write(card_search.index_some)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            try:
                await self.catch_up()
                await self.catch_up_cards()
            except StoreUnavailableError as error:
                log.warning("indexing waits for the store", reason=str(error))
                await asyncio.sleep(RETRY_S)
                self._wake.set()
