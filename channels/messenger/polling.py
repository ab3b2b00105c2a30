"""Long polling: updates are asked for by a mark, and committed together with the mark that follows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from channels.base import Delivery, Host, InboundEvent
from channels.json_input import JsonInputError
from channels.messenger.api import Api
from channels.messenger.fetch import Fetcher
from channels.messenger.listening import Listener, Trouble, Waits
from channels.messenger.paths import at, value_at
from channels.messenger.reading import decode, integer
from channels.messenger.settings import BotSettings


class Polling(msgspec.Struct, frozen=True, kw_only=True):
    """How a platform is polled, as data. The mark is one more than the number of the last update had.

    `mark`, `hold`: the parameters of `method` for it, and for the seconds that an empty answer is held;
    `number`: where an update says its own. `clear` (a method, its parameters) is called first, and removes
    what would keep the updates away.
    """

    method: str
    mark: str
    hold: str
    number: str
    params: Mapping[str, Any] = {}
    clear: tuple[str, Mapping[str, Any]]


class Polled(msgspec.Struct, frozen=True):
    """One update as it came, what it holds, and the mark of what follows it (None: it bears none)."""

    raw: bytes
    events: list[InboundEvent]
    mark: int | None


class Poller(Listener):
    """The mark that the next request asks from is kept in the channel's state, under its parameter's name. It
    is committed together with the updates before it, and only that request tells the platform that they
    arrived. `at_once`: files held in memory together."""

    def __init__(
        self,
        way: Polling,
        api: Api,
        host: Host,
        waits: Waits,
        settings: BotSettings,
        fetcher: Fetcher,
        parse: Callable[[bytes], list[InboundEvent]],
        at_once: int,
    ) -> None:
        super().__init__(api, host, waits)
        self._way = way
        self._settings = settings
        self._fetcher = fetcher
        self._parse = parse
        self._at_once = at_once

    async def _listen(self) -> None:
        way = self._way
        method, params = way.clear
        await self._ask(method, params)
        mark = int(await self._host.get(way.mark) or b"0")
        held = int(self._settings.poll_seconds)
        known = False
        while True:
            # The first answer comes at once, and says that all is well.
            asked = {**way.params, way.mark: mark, way.hold: held if known else 0}
            answer = await self._ask(way.method, asked, patience=self._settings.timeout + held)
            known = True
            try:
                updates = [bytes(raw) for raw in msgspec.json.decode(answer.raw, type=list[msgspec.Raw])]
            except msgspec.MsgspecError:
                detail = f"{self._api.platform}'s answer to {way.method} is not a list"
                raise Trouble("retrying", detail) from None
            if updates:
                found = [Polled(raw, self._parse(raw), _following(raw, way.number)) for raw in updates]
                mark = await self._take(found, mark)
            self._well()

    async def _take(self, updates: Sequence[Polled], mark: int) -> int:
        """Commit the updates, each slice with the mark that follows it; the last of these marks.

        Raises HostUnavailableError; what was committed until then is not asked for again.
        """
        before = mark
        for part in _slices(updates, self._at_once):
            events = await self._fetcher.complete([event for update in part for event in update.events])
            raws = [update.raw for update in part for _ in update.events]
            mark = max([mark, *(update.mark for update in part if update.mark is not None)])
            batch = [
                Delivery(dedupe_key=event.dedupe_key, raw=raw, event=event)
                for raw, event in zip(raws, events, strict=True)
            ]
            await self._host.submit(batch, bookmark=(self._way.mark, str(mark).encode()))
        if mark == before:
            # Asking again would bring the same for ever, and no update behind them.
            detail = f"{self._api.platform}'s updates bear no numbers"
            raise Trouble("failed", detail, self._waits.refused)
        return mark


def _following(raw: bytes, number: str) -> int | None:
    """The mark after this update, also where its inside is refused."""
    try:
        found = integer(at(decode(raw), number))
    except JsonInputError:
        found = integer(value_at(raw, number))
    return None if found is None else found + 1


def _slices(updates: Sequence[Polled], at_once: int) -> list[list[Polled]]:
    """Consecutive updates with few enough files to hold in memory together."""
    slices: list[list[Polled]] = [[]]
    files = 0
    for update in updates:
        more = sum(len(event.attachments) for event in update.events)
        if more and files + more > at_once:
            slices.append([])
            files = 0
        slices[-1].append(update)
        files += more
    return slices
