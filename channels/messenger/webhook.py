"""A webhook that is registered, and looked after: is it still ours, and are we reached by it?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from channels.base import ChannelHealth, Host
from channels.messenger.api import Api
from channels.messenger.listening import Listener, Waits
from channels.messenger.paths import at, text_at
from channels.messenger.reading import integer
from channels.messenger.settings import BotSettings

LOOK_S: Final = 300.0  # between looks at the webhook
LATE_S: Final = 900  # an error of the platform's is news for so long


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """How a platform is told where to send, as data.

    `address`, `secret`: the parameters of `method` for both. `look` is asked how it stands, and in its answer
    are the places of `url`, `waiting`, `failed_at` and `problem`. `needs`: what the platform asks of our
    address, in words for operators.
    """

    method: str
    address: str
    secret: str
    params: Mapping[str, Any] = {}
    look: str
    url: str
    waiting: str = ""
    failed_at: str = ""  # Unix seconds
    problem: str = ""
    needs: str = ""


class Standing(msgspec.Struct, frozen=True):
    """What the platform says of the webhook. `problem`: its last, of `failed_at` (Unix seconds; 0: never)."""

    url: str
    waiting: int
    failed_at: int
    problem: str


def standing(way: Webhook, api: Api, result: Any) -> Standing:
    return Standing(
        url=text_at(result, way.url, 2000),
        waiting=integer(at(result, way.waiting)) or 0,
        failed_at=integer(at(result, way.failed_at)) or 0,
        problem=api.told(text_at(result, way.problem, 300)),
    )


class WebhookKeeper(Listener):
    def __init__(self, way: Webhook, api: Api, host: Host, waits: Waits, settings: BotSettings) -> None:
        super().__init__(api, host, waits)
        self._way = way
        self._settings = settings

    async def _listen(self) -> None:
        way, secret = self._way, self._settings.secret
        url = f"{self._host.base_url}/hooks/{self._host.channel_id}"
        ours = {way.address: url, way.secret: secret.reveal() if secret is not None else ""}
        await self._ask(way.method, {**way.params, **ours})
        self._well()
        while True:
            await asyncio.sleep(LOOK_S)
            found = standing(way, self._api, (await self._ask(way.look)).result())
            if found.url != url:
                self._host.log.warning("somebody else set the bot's webhook; it is set back")
                return
            self._look(found)

    def _look(self, found: Standing) -> None:
        if found.waiting and found.failed_at > self._host.now() // 1000 - LATE_S:
            who = self._api.platform
            detail = f"{who} does not reach us, {found.waiting} updates wait: {found.problem}"
            self._host.report(ChannelHealth(state="retrying", detail=detail))
        else:
            self._well()
