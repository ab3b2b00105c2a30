"""The two ways in which updates come: long polling, and a webhook that is registered and looked after."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from channels.base import ChannelHealth, Host
from channels.json_input import JsonInputError, decode, string, table
from channels.messenger import listening
from channels.messenger.answer import Answer, judge
from channels.messenger.fetch import Fetcher
from channels.messenger.link import UnreachedError
from channels.messenger.listening import Listener, Polled, Trouble, Waits
from channels.messenger.reading import integer
from channels.telegram.api import Api
from channels.telegram.parse import Reading, parse_update
from channels.telegram.settings import TelegramSettings

# Without this list message_reaction is never sent.
ALLOWED: Final = ("message", "edited_message", "callback_query", "message_reaction", "my_chat_member")
# Telegram sends updates of one chat one after the other, those of different chats at the same time.
MAX_CONNECTIONS: Final = 16
OFFSET: Final = "offset"  # the bookmark: the number of the first update that is not yet ours
LOOK_S: Final = 300.0  # between looks at the webhook
LATE_S: Final = 900  # an error of Telegram's is news for so long


class _Asking(Listener):
    platform = "Telegram"
    _api: Api

    async def _ask(self, method: str, patience: float | None = None, **params: object) -> Answer:
        """A good answer. Raises Trouble."""
        try:
            answer = await self._api.call(method, dict(params), patience=patience)
        except UnreachedError as error:
            raise self._unreached(error) from None
        if not answer.good:
            raise self._refused(method, answer, judge(answer, self.platform, lambda result: None))
        return answer


class Poller(listening.Poller, _Asking):
    """getUpdates, by the offset."""

    def __init__(
        self,
        api: Api,
        host: Host,
        settings: TelegramSettings,
        waits: Waits,
        fetcher: Fetcher,
        reading: Reading,
        at_once: int,
    ) -> None:
        super().__init__(host, waits, fetcher, at_once)
        self._api = api
        self._settings = settings
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
                allowed_updates=ALLOWED,
            )
            known = True
            try:
                updates = [bytes(raw) for raw in msgspec.json.decode(answer.raw, type=list[msgspec.Raw])]
            except msgspec.MsgspecError:
                raise Trouble("retrying", "Telegram's answer to getUpdates is not a list") from None
            if updates:
                found = [Polled(raw, parse_update(raw, self._reading), _following(raw)) for raw in updates]
                offset = await self._take(found, OFFSET, offset)
            self._well()


def _following(raw: bytes) -> int | None:
    """The number after this update's, also where its inside is refused."""
    try:
        number = integer(table(decode(raw)).get("update_id"))
    except JsonInputError:
        try:
            levels = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            number = integer(msgspec.json.decode(levels["update_id"]))
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
            return None
    return None if number is None else number + 1


class Webhook(_Asking):
    """setWebhook, and from time to time a look whether Telegram still knows and reaches it."""

    def __init__(self, api: Api, host: Host, settings: TelegramSettings, waits: Waits) -> None:
        super().__init__(host, waits)
        self._api = api
        self._settings = settings

    async def _listen(self) -> None:
        secret = self._settings.secret
        url = f"{self._host.base_url}/hooks/{self._host.channel_id}"
        await self._ask(
            "setWebhook",
            url=url,
            secret_token=secret.reveal() if secret is not None else "",
            allowed_updates=ALLOWED,
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
