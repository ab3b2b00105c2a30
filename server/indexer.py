"""Keeps the search indexes up with messages and cards, off the path of acknowledgements."""

from __future__ import annotations

from server.follower import Follower
from server.store import card_search, search
from server.store.database import Database
from server.store.transaction import Event

BRINGS_TEXT = frozenset(
    {"message.received", "message.imported", "message.queued", "message.scheduled", "note.added"}
)


class Indexer(Follower):
    name = "indexer"
    gather_s = 0.5

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def matters(self, event: Event) -> bool:
        return event.kind in BRINGS_TEXT or event.kind.startswith("customer.")

    async def work(self) -> None:
        while await self._database.read(search.is_behind):
            await self._database.write(search.index_some)
        await self.catch_up_cards()

    async def catch_up_cards(self) -> None:
        """Index every card that changed, also while a round is under way. Raises StoreUnavailableError."""
        while await self._database.read(card_search.is_behind):
            await self._database.write(card_search.index_some)
