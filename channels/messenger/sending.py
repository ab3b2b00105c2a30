"""One attempt to deliver a reply: its calls one after the other, in the pace that the platform asks for."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from channels.base import Failed, Host, HostUnavailableError, Outbound, OutboundFile, SendResult, Sent
from channels.messenger.answer import Answer, lost, partly
from channels.messenger.link import UnreachedError
from channels.messenger.pace import Pace

UPLOAD_BYTES_PER_S = 128 * 1024
UPLOAD_S_MAX = 240.0
OURS_REMEMBERED = 5000


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request; `files` go with it as multipart, under the names that `params` give them."""

    method: str
    params: dict[str, Any]
    files: tuple[OutboundFile, ...] = ()
    photos: bool = False


class Sender:
    """Sends replies. A reply of two calls notes the first in the channel's durable state, under the
    message's key: a later attempt goes on with the second, and nothing arrives twice.

    A platform's own says how a reply is planned, called and judged. `ours` are the last remote ids that
    were given to what we sent.
    """

    platform = ""

    def __init__(self, host: Host, pace: Pace, timeout: float) -> None:
        self._host = host
        self._pace = pace
        self._timeout = timeout
        self.ours: OrderedDict[str, None] = OrderedDict()

    def plan(self, message: Outbound) -> tuple[str, list[Call]]:
        """The chat and one or two calls. Raises ValueError for what the platform takes in no way."""
        raise NotImplementedError

    async def call(
        self, method: str, params: dict[str, Any], form: aiohttp.FormData | None, patience: float | None
    ) -> Answer:
        """Raises UnreachedError."""
        raise NotImplementedError

    def judge(self, answer: Answer, chat: str) -> SendResult:
        raise NotImplementedError

    def simpler(self, call: Call, answer: Answer) -> Call | None:
        """How to say the same in a way that may be taken, after this one was refused; None: no way."""
        return None

    async def send(self, message: Outbound) -> tuple[SendResult, bool]:
        """The result, and whether the customer has blocked us."""
        try:
            chat, calls = self.plan(message)
        except ValueError as error:
            return Failed(str(error)), False
        if len(calls) == 1:
            return await self._make(calls[0], chat)
        return await self._go_on(message.key, calls, chat)

    async def _go_on(self, key: str, calls: list[Call], chat: str) -> tuple[SendResult, bool]:
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

    async def _make(self, call: Call, chat: str) -> tuple[SendResult, bool]:
        try:
            answer = await self._ask(call, chat)
            other = self.simpler(call, answer)
            if other is not None:
                answer = await self._ask(other, chat)
        except UnreachedError as error:
            return lost(error, self.platform), False
        except OSError as error:
            return Failed(f"a file cannot be read: {error.strerror}"), False
        result = self.judge(answer, chat)
        if isinstance(result, Sent) and result.remote_id is not None:
            self.ours[result.remote_id] = None
            if len(self.ours) > OURS_REMEMBERED:
                self.ours.popitem(last=False)
        return result, answer.status == 403

    async def _ask(self, call: Call, chat: str) -> Answer:
        await self._pace.turn(chat)
        if not call.files:
            return await self.call(call.method, call.params, None, None)
        form = aiohttp.FormData(quote_fields=False)  # names travel as UTF-8, as messengers read them
        for name, value in call.params.items():
            given = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            form.add_field(name, given)
        size = sum(file.size for file in call.files)
        patience = self._timeout + min(size / UPLOAD_BYTES_PER_S, UPLOAD_S_MAX)
        with contextlib.ExitStack() as opened:
            for number, file in enumerate(call.files):
                handle = opened.enter_context(await asyncio.to_thread(Path(file.path).open, "rb"))
                form.add_field(
                    f"file{number}",
                    handle,
                    filename=_file_name(file.name),
                    content_type=_type(file.content_type),
                )
            return await self.call(call.method, call.params, form, patience)


def _file_name(name: str) -> str:
    return re.sub(r'[\x00-\x1f\x7f"\\/\ud800-\udfff]', "_", name)[:200] or "file"


def _type(content_type: str) -> str:
    """A type that is one: another's words go into a header."""
    return (
        content_type
        if re.fullmatch(r"[\w.+-]{1,100}/[\w.+-]{1,100}", content_type, re.ASCII)
        else "application/octet-stream"
    )
