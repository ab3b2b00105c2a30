"""How updates come in: trying again, telling operators, and committing them as they were given."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Sequence

import msgspec

from channels.base import (
    BadCredentials,
    ChannelHealth,
    Delivery,
    Host,
    HostUnavailableError,
    InboundEvent,
    Retry,
    SendResult,
)
from channels.messenger.answer import Answer
from channels.messenger.fetch import Fetcher
from channels.messenger.link import UnreachedError


class Waits(msgspec.Struct):
    """Seconds between attempts."""

    first: float = 1.0
    longest: float = 60.0
    refused: float = 60.0  # after a wrong token, or while somebody else listens


class Trouble(Exception):  # noqa: N818 - a state of the channel, not a mistake
    """Why nothing comes in now, and when to try again (None: soon, then ever later)."""

    def __init__(self, state: str, detail: str, after: float | None = None) -> None:
        super().__init__(detail)
        self.health = msgspec.convert({"state": state, "detail": detail}, ChannelHealth)
        self.after = after


class Listener:
    """What all ways share. A platform's own says in `_listen` how it listens, and raises Trouble."""

    platform = ""

    def __init__(self, host: Host, waits: Waits) -> None:
        self._host = host
        self._waits = waits
        self._pause = waits.first

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except Trouble as trouble:
                self._host.report(trouble.health)
                await asyncio.sleep(self._next_pause() if trouble.after is None else trouble.after)
            except HostUnavailableError as error:
                self._host.log.warning("updates wait for the store", reason=str(error))
                await asyncio.sleep(self._next_pause())
            except Exception as error:
                # Where it happened, and never its words: they might hold an address, and that our secret.
                name, where = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
                self._host.log.error("listening stumbled", error=name, where=where)
                detail = f"a fault of ours ({name}); trying again"
                self._host.report(ChannelHealth(state="retrying", detail=detail))
                await asyncio.sleep(self._next_pause())

    async def _listen(self) -> None:
        raise NotImplementedError

    def _next_pause(self) -> float:
        pause = self._pause
        self._pause = min(pause * 2, self._waits.longest)
        return pause

    def _well(self) -> None:
        self._pause = self._waits.first
        self._host.report(ChannelHealth(state="connected"))

    def _unreached(self, error: UnreachedError) -> Trouble:
        return Trouble("retrying", f"{self.platform} cannot be reached: {error.reason}")

    def _refused(self, method: str, answer: Answer, verdict: SendResult) -> Trouble:
        """What an answer that is not good means for listening."""
        if isinstance(verdict, BadCredentials):
            return Trouble("bad_credentials", verdict.reason, self._waits.refused)
        if answer.status == 409:
            detail = f"somebody else receives this bot's messages: {answer.description}"
            return Trouble("failed", detail, self._waits.refused)
        if isinstance(verdict, Retry):
            return Trouble("retrying", verdict.reason, verdict.after)
        reason = answer.description or f"an answer with status {answer.status} that is not {self.platform}'s"
        return Trouble("failed", f"{method}: {reason}", self._waits.refused)


class Polled(msgspec.Struct, frozen=True):
    """One update as it came, what it holds, and the mark of what follows it (None: it bears none)."""

    raw: bytes
    events: list[InboundEvent]
    mark: int | None


class Poller(Listener):
    """The mark that the next request asks from is committed together with the updates before it, and only
    that request tells the platform that they arrived."""

    def __init__(self, host: Host, waits: Waits, fetcher: Fetcher, at_once: int) -> None:
        super().__init__(host, waits)
        self._fetcher = fetcher
        self._at_once = at_once

    async def _take(self, updates: Sequence[Polled], bookmark: str, mark: int) -> int:
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
            await self._host.submit(batch, bookmark=(bookmark, str(mark).encode()))
        if mark == before:
            # Asking again would bring the same for ever, and no update behind them.
            raise Trouble("failed", f"{self.platform}'s updates bear no numbers", self._waits.refused)
        return mark


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


def parsed_updates(
    raws: Sequence[bytes], parse: Callable[[bytes], list[InboundEvent]], mark: Callable[[bytes], int | None]
) -> list[Polled]:
    return [Polled(raw, parse(raw), mark(raw)) for raw in raws]
