"""The outgoing webhooks of one server: made where they stopped, and asked how they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from channels.base import ChannelHealth
from server.clock import Clock
from server.cut_off import CutOff
from server.protocol import WebhookInfo, WebhookTested
from server.store import webhooks
from server.store.database import Database
from server.webhooks.sender import Sender
from server.webhooks.webhook import Webhook


def title_of(name: str) -> str:
    """How a webhook stands among the channels that are cut off. No channel's name has a space."""
    return f"webhook {name}"


class Webhooks:
    def __init__(
        self, configured: Sequence[Webhook], database: Database, clock: Clock, cut_off: CutOff
    ) -> None:
        self._configured = configured
        self._database = database
        self._clock = clock
        self._cut_off = cut_off
        self._senders: Mapping[str, Sender] = {}

    async def senders(self, installation: str) -> list[Sender]:
        """One for each, not started; what is new begins at now. Raises StoreUnavailableError."""
        names = [one.name for one in self._configured]
        places = await self._database.write(lambda tx: webhooks.begin(tx, names))

        def sender(webhook: Webhook) -> Sender:
            def report(health: ChannelHealth) -> None:
                self._cut_off.note(title_of(webhook.name), health, self._clock.now())

            place = places[webhook.name]
            return Sender(webhook, self._database, self._clock, installation, place, report)

        self._senders = {one.name: sender(one) for one in self._configured}
        return list(self._senders.values())

    async def infos(self) -> list[WebhookInfo]:
        """Raises StoreUnavailableError."""
        return await self._database.read(lambda tx: [one.info(tx) for one in self._senders.values()])

    async def test(self, name: str) -> WebhookTested | None:
        """None: there is no such webhook."""
        found = self._senders.get(name)
        return None if found is None else await found.test()

    async def skip(self, name: str, event_id: str) -> WebhookTested | None:
        """None: there is no such webhook, or it is not this event that waits to be taken."""
        found = self._senders.get(name)
        return None if found is None else await found.skip(event_id)
