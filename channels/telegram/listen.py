"""The two ways in which updates come: long polling, and a webhook that is registered and looked after."""

from __future__ import annotations

import asyncio
import traceback

import msgspec

from channels.base import (
    BadCredentials,
    ChannelHealth,
    Delivery,
    Host,
    HostUnavailableError,
    InboundEvent,
    Retry,
)
from channels.json_input import JsonInputError, decode, string, table
from channels.telegram.api import Answer, Api, UnreachedError
from channels.telegram.const import ALLOWED_UPDATES, DOWNLOADS, MAX_CONNECTIONS
from channels.telegram.content import integer
from channels.telegram.fetch import Fetcher
from channels.telegram.outgoing import judge
from channels.telegram.parse import Reading, parse_update
from channels.telegram.settings import TelegramSettings

OFFSET = "offset"  # the bookmark: the number of the first update that is not yet ours
LOOK_S = 300.0  # between looks at the webhook
LATE_S = 900  # an error of Telegram's is news for so long


class Waits(msgspec.Struct):
    """Seconds between attempts."""

    first: float = 1.0
    longest: float = 60.0
    refused: float = 60.0  # after a wrong token, or while somebody else listens


class Trouble(Exception):  # noqa: N818 - a state of the channel, not a mistake
    """Why nothing comes in now, and when to try again (None: soon, then ever later)."""

    def __init__(self, health: ChannelHealth, after: float | None) -> None:
        super().__init__(health.detail)
        self.health = health
        self.after = after


class Listener:
    """What both ways share: trying again, and telling operators."""

    def __init__(self, api: Api, host: Host, settings: TelegramSettings, waits: Waits) -> None:
        self._api = api
        self._host = host
        self._settings = settings
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
                # Where it happened, and never its words: they might hold an address, and that the token.
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

    async def _ask(self, method: str, patience: float | None = None, **params: object) -> Answer:
        """A good answer. Raises Trouble."""
        try:
            answer = await self._api.call(method, dict(params), patience=patience)
        except UnreachedError as error:
            detail = f"Telegram cannot be reached: {error.reason}"
            raise Trouble(ChannelHealth(state="retrying", detail=detail), None) from None
        if answer.ok and answer.spoken and 200 <= answer.status < 300:
            return answer
        verdict = judge(answer, 0)
        if isinstance(verdict, BadCredentials):
            raise Trouble(ChannelHealth(state="bad_credentials", detail=verdict.reason), self._waits.refused)
        if answer.status == 409:
            detail = f"somebody else receives this bot's messages: {answer.description}"
            raise Trouble(ChannelHealth(state="failed", detail=detail), self._waits.refused)
        if isinstance(verdict, Retry):
            raise Trouble(ChannelHealth(state="retrying", detail=verdict.reason), verdict.after)
        reason = answer.description or f"an answer with status {answer.status} that is not Telegram's"
        raise Trouble(ChannelHealth(state="failed", detail=f"{method}: {reason}"), self._waits.refused)


class Poller(Listener):
    """getUpdates: the offset of the next request is committed together with the updates before it, and
    only that request tells Telegram that they arrived."""

    def __init__(
        self,
        api: Api,
        host: Host,
        settings: TelegramSettings,
        waits: Waits,
        fetcher: Fetcher,
        reading: Reading,
    ) -> None:
        super().__init__(api, host, settings, waits)
        self._fetcher = fetcher
        self._reading = reading

    async def _listen(self) -> None:
        # A webhook, also one of another program's, would keep getUpdates from answering.
        await self._ask("deleteWebhook", drop_pending_updates=False)
        offset = int(await self._host.get(OFFSET) or b"0")
        hold = int(self._settings.poll_seconds)
        known = False
        while True:
            answer = await self._ask(
                "getUpdates",
                patience=self._settings.timeout + hold,
                offset=offset,
                timeout=hold if known else 0,  # the first answer comes at once, and says that all is well
                allowed_updates=ALLOWED_UPDATES,
            )
            known = True
            try:
                updates = msgspec.json.decode(answer.raw, type=list[msgspec.Raw])
            except msgspec.MsgspecError:
                detail = "Telegram's answer to getUpdates is not a list"
                raise Trouble(ChannelHealth(state="retrying", detail=detail), None) from None
            if updates:
                offset = await self._take([bytes(update) for update in updates], offset)
            self._well()

    async def _take(self, updates: list[bytes], offset: int) -> int:
        """Commit the updates, each slice with the offset that follows it; the last of these offsets.

        Raises HostUnavailableError; what was committed until then is not asked for again.
        """
        before = offset
        for part in _slices([(raw, parse_update(raw, self._reading)) for raw in updates]):
            events = await self._fetcher.complete([event for _, found in part for event in found])
            raws = [raw for raw, found in part for _ in found]
            offset = max([offset, *(number + 1 for raw, _ in part if (number := _number(raw)) is not None)])
            await self._host.submit(_deliveries(raws, events), bookmark=(OFFSET, str(offset).encode()))
        if offset == before:
            # Asking again would bring the same for ever, and no update behind them.
            detail = "Telegram's updates bear no numbers"
            raise Trouble(ChannelHealth(state="failed", detail=detail), self._waits.refused)
        return offset


Parsed = list[tuple[bytes, list[InboundEvent]]]


def _slices(parsed: Parsed) -> list[Parsed]:
    """Consecutive updates with few enough files to hold in memory together."""
    slices: list[Parsed] = [[]]
    files = 0
    for raw, events in parsed:
        more = sum(len(event.attachments) for event in events)
        if more and files + more > DOWNLOADS:
            slices.append([])
            files = 0
        slices[-1].append((raw, events))
        files += more
    return slices


def _deliveries(raws: list[bytes], events: list[InboundEvent]) -> list[Delivery]:
    return [
        Delivery(dedupe_key=event.dedupe_key, raw=raw, event=event)
        for raw, event in zip(raws, events, strict=True)
    ]


def _number(raw: bytes) -> int | None:
    try:
        return integer(table(decode(raw)).get("update_id"))
    except JsonInputError:
        found = table(_shallow(raw)).get("update_id")
        return integer(found)


def _shallow(raw: bytes) -> object:
    """The top level alone, of an update whose inside is refused."""
    try:
        levels = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        return {"update_id": msgspec.json.decode(levels["update_id"])}
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        return None


class Webhook(Listener):
    """setWebhook, and from time to time a look whether Telegram still knows and reaches it."""

    async def _listen(self) -> None:
        secret = self._settings.secret
        url = f"{self._host.base_url}/hooks/{self._host.channel_id}"
        await self._ask(
            "setWebhook",
            url=url,
            secret_token=secret.reveal() if secret is not None else "",
            allowed_updates=ALLOWED_UPDATES,
            max_connections=MAX_CONNECTIONS,
            drop_pending_updates=False,
        )
        self._well()
        while True:
            await asyncio.sleep(LOOK_S)
            found = table((await self._ask("getWebhookInfo")).result())
            if string(found.get("url"), 2000) != url:
                self._host.log.warning("somebody else set the bot's webhook; it is set back")
                return
            self._look(found)

    def _look(self, found: dict[str, object]) -> None:
        failed = integer(found.get("last_error_date")) or 0
        waiting = integer(found.get("pending_update_count")) or 0
        if waiting and failed > self._host.now() // 1000 - LATE_S:
            told = self._api.told(string(found.get("last_error_message"), 300))
            detail = f"Telegram does not reach us, {waiting} updates wait: {told}"
            self._host.report(ChannelHealth(state="retrying", detail=detail))
        else:
            self._well()
