"""One attempt to deliver a reply: its pieces one after the other, in the pace that the platform asks for."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from channels.base import Capabilities, Failed, Host, HostUnavailableError, Outbound, SendResult, Sent
from channels.messenger.answer import Answer, judge, lost, partly
from channels.messenger.api import Api
from channels.messenger.link import UnreachedError
from channels.messenger.pace import Pace
from channels.messenger.paths import at
from channels.messenger.planning import OutgoingForm, Piece, chat_of, pieces, quoted, simpler
from channels.messenger.reading import integer
from channels.messenger.settings import BotSettings
from channels.messenger.updates import remote_id

UPLOAD_BYTES_PER_S = 128 * 1024
UPLOAD_S_MAX = 240.0
OURS_REMEMBERED = 5000


class Sender:
    """Sends replies. A reply of two pieces notes the first in the channel's durable state, under the
    message's key: a later attempt goes on with the second, and nothing arrives twice.
    """

    def __init__(
        self, form: OutgoingForm, can: Capabilities, api: Api, host: Host, settings: BotSettings, pace: Pace
    ) -> None:
        self._form = form
        self._can = can
        self._api = api
        self._host = host
        self._settings = settings
        self._pace = pace
        self._ours: OrderedDict[str, None] = OrderedDict()  # the last remote ids given to what we sent

    def plan(self, message: Outbound) -> list[Piece]:
        """One or two pieces. Raises ValueError for what the platform takes in no way."""
        chat = chat_of(self._form, message, self._settings.groups)
        quote = quoted(message, chat, self._ours) if self._settings.quote else None
        return pieces(self._form, self._can, self._api.platform, message, chat, quote)

    def judge(self, answer: Answer, chat: str) -> SendResult:
        def name(result: Any) -> str | None:
            number = integer(at(result, self._form.number))
            return None if number is None else remote_id(chat, number)

        return judge(answer, self._api.platform, name)

    async def send(self, message: Outbound) -> tuple[SendResult, bool]:
        """The result, and whether the customer has blocked us."""
        try:
            planned = self.plan(message)
        except ValueError as error:
            return Failed(str(error)), False
        if len(planned) == 1:
            return await self._deliver(planned[0])
        return await self._go_on(message.key, *planned)

    async def _go_on(self, key: str, text: Piece, files: Piece) -> tuple[SendResult, bool]:
        """A text, then its files."""
        note = f"sent:{key}"
        earlier = await self._host.get(note)
        noted = earlier is not None
        if earlier is None:
            first, blocked = await self._deliver(text)
            if not isinstance(first, Sent):
                return first, blocked
            name = first.remote_id or ""
            with contextlib.suppress(HostUnavailableError):
                await self._host.put(note, name.encode())
                noted = True
        else:
            name = earlier.decode()
        result, blocked = await self._deliver(files)
        if isinstance(result, Sent):
            with contextlib.suppress(HostUnavailableError):
                await self._host.put(note, None)
            return Sent(remote_id=name or result.remote_id), False
        return partly(result, noted), blocked

    async def _deliver(self, piece: Piece) -> tuple[SendResult, bool]:
        try:
            answer = await self._ask(piece)
            other = simpler(self._form, piece, answer)
            if other is not None:
                answer = await self._ask(other)
        except UnreachedError as error:
            return lost(error, self._api.platform), False
        except OSError as error:
            return Failed(f"a file cannot be read: {error.strerror}"), False
        result = self.judge(answer, piece.chat)
        if isinstance(result, Sent) and result.remote_id is not None:
            self._ours[result.remote_id] = None
            if len(self._ours) > OURS_REMEMBERED:
                self._ours.popitem(last=False)
        return result, answer.status == 403

    async def _ask(self, piece: Piece) -> Answer:
        await self._pace.turn(piece.chat)
        call = self._form.compose(piece)
        if not piece.files:
            return await self._api.call(call.method, call.params)
        form = aiohttp.FormData(quote_fields=False)  # names travel as UTF-8, as messengers read them
        for name, value in call.params.items():
            given = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            form.add_field(name, given)
        size = sum(file.size for file in piece.files)
        patience = self._settings.timeout + min(size / UPLOAD_BYTES_PER_S, UPLOAD_S_MAX)
        with contextlib.ExitStack() as opened:
            for number, file in enumerate(piece.files):
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
