"""One attempt to deliver a reply."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import OrderedDict
from pathlib import Path

import aiohttp
import msgspec

from channels.base import Failed, Host, HostUnavailableError, Outbound, SendResult, Sent
from channels.telegram.api import Answer, Api, UnreachedError
from channels.telegram.const import PER_CHAT_S
from channels.telegram.outgoing import Call, chat_of, judge, lost, partly, plan, quoted, simpler
from channels.telegram.pace import Pace
from channels.telegram.settings import TelegramSettings

UPLOAD_BYTES_PER_S = 128 * 1024
UPLOAD_S_MAX = 240.0
OURS_REMEMBERED = 5000


class Sender:
    """Sends replies. A reply of two calls notes the first in the channel's durable state, under the
    message's key: a later attempt goes on with the second, and nothing arrives twice."""

    def __init__(
        self, api: Api, host: Host, settings: TelegramSettings, per_chat_s: float = PER_CHAT_S
    ) -> None:
        self._api = api
        self._host = host
        self._settings = settings
        self._pace = Pace(per_chat_s)
        self._ours: OrderedDict[str, None] = OrderedDict()  # what we sent: not to be quoted by ourselves

    async def send(self, message: Outbound) -> tuple[SendResult, bool]:
        """The result, and whether the customer has blocked us."""
        chat = chat_of(message, self._settings.groups)
        if chat is None:
            return Failed("this is no chat that the bot may write to"), False
        quote = quoted(message, chat, self._ours) if self._settings.quote else None
        try:
            calls = plan(message, chat, quote)
        except ValueError as error:
            return Failed(str(error)), False
        if len(calls) == 1:
            return await self._make(calls[0], chat)
        return await self._go_on(message.key, calls, chat)

    async def _go_on(self, key: str, calls: list[Call], chat: int) -> tuple[SendResult, bool]:
        """A text, then its files."""
        note = f"sent:{key}"
        earlier = await self._host.get(note)
        noted = earlier is not None
        if earlier is None:
            first, blocked = await self._make(calls[0], chat)
            if not isinstance(first, Sent):
                return first, blocked
            name = first.remote_id or ""
            with contextlib.suppress(HostUnavailableError):
                await self._host.put(note, name.encode())
                noted = True
        else:
            name = earlier.decode()
        result, blocked = await self._make(calls[1], chat)
        if isinstance(result, Sent):
            with contextlib.suppress(HostUnavailableError):
                await self._host.put(note, None)
            return Sent(remote_id=name or result.remote_id), False
        return partly(result, noted), blocked

    async def _make(self, call: Call, chat: int) -> tuple[SendResult, bool]:
        try:
            answer = await self._ask(call, chat)
            other = simpler(call, answer)
            if other is not None:
                answer = await self._ask(other, chat)
        except UnreachedError as error:
            return lost(error), False
        except OSError as error:
            return Failed(f"a file cannot be read: {error.strerror}"), False
        result = judge(answer, chat)
        if isinstance(result, Sent) and result.remote_id is not None:
            self._ours[result.remote_id] = None
            if len(self._ours) > OURS_REMEMBERED:
                self._ours.popitem(last=False)
        return result, answer.status == 403

    async def _ask(self, call: Call, chat: int) -> Answer:
        await self._pace.turn(chat)
        if not call.files:
            return await self._api.call(call.method, call.params)
        form = aiohttp.FormData(quote_fields=False)  # names travel as UTF-8, as Telegram reads them
        for name, value in call.params.items():
            given = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            form.add_field(name, given)
        size = sum(file.size for file in call.files)
        patience = self._settings.timeout + min(size / UPLOAD_BYTES_PER_S, UPLOAD_S_MAX)
        with contextlib.ExitStack() as opened:
            for number, file in enumerate(call.files):
                handle = opened.enter_context(await asyncio.to_thread(Path(file.path).open, "rb"))
                form.add_field(
                    f"file{number}",
                    handle,
                    filename=_file_name(file.name),
                    content_type=_type(file.content_type),
                )
            return await self._api.call(call.method, form=form, patience=patience)


def _file_name(name: str) -> str:
    return re.sub(r'[\x00-\x1f\x7f"\\/\ud800-\udfff]', "_", name)[:200] or "file"


def _type(content_type: str) -> str:
    """A type that is one: another's words go into a header."""
    return (
        content_type
        if re.fullmatch(r"[\w.+-]{1,100}/[\w.+-]{1,100}", content_type, re.ASCII)
        else "application/octet-stream"
    )
