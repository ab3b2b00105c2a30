"""A reply as calls of the Bot API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
import msgspec

from channels.base import Host, Outbound, OutboundFile, SendResult
from channels.json_input import table
from channels.messenger import sending
from channels.messenger.answer import Answer, judge
from channels.messenger.pace import Pace
from channels.messenger.reading import integer
from channels.messenger.sending import Call
from channels.telegram.api import Api
from channels.telegram.parse import remote_id
from channels.telegram.settings import TelegramSettings

TEXT_MAX: Final = 4096  # after entities; counted here in UTF-16, the strictest reading
CAPTION_MAX: Final = 1024
GROUP_MAX: Final = 10  # files of one sendMediaGroup
UPLOAD_MAX: Final = 50_000_000
PHOTO_MAX: Final = 10_000_000
PHOTO_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
PER_SECOND: Final = 30.0
PER_CHAT_S: Final = 1.0  # seconds between two messages to one chat

_CHAT = re.compile(r"-?[0-9]{1,16}")
_UNDRESSED = re.compile(r"can't parse|parse_mode|repl(y|ied)", re.IGNORECASE)
_NO_PHOTO = re.compile(r"photo|image|dimension|media", re.IGNORECASE)


class Sender(sending.Sender):
    platform = "Telegram"

    def __init__(self, api: Api, host: Host, settings: TelegramSettings, per_chat_s: float) -> None:
        super().__init__(host, Pace(PER_SECOND, per_chat_s), settings.timeout)
        self._api = api
        self._settings = settings

    def plan(self, message: Outbound) -> tuple[str, list[Call]]:
        chat = chat_of(message, self._settings.groups)
        if chat is None:
            raise ValueError("this is no chat that the bot may write to")
        quote = quoted(message, chat, self.ours) if self._settings.quote else None
        return str(chat), plan(message, chat, quote)

    async def call(
        self, method: str, params: dict[str, Any], form: aiohttp.FormData | None, patience: float | None
    ) -> Answer:
        return await self._api.call(method, params, form, patience)

    def judge(self, answer: Answer, chat: str) -> SendResult:
        return judge(answer, self.platform, lambda result: _named(result, int(chat)))

    def simpler(self, call: Call, answer: Answer) -> Call | None:
        return simpler(call, answer)


def _named(result: Any, chat: int) -> str | None:
    """The first message's remote id, out of the result of a sending call."""
    number = integer(table(result[0] if isinstance(result, list) and result else result).get("message_id"))
    return None if number is None else remote_id(chat, number)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def chat_of(message: Outbound, groups: bool) -> int | None:
    """The chat to write to, or None where it is none of ours: channels and groups hear nothing by mistake."""
    where = message.thread or message.to
    if not _CHAT.fullmatch(where) or (where.startswith("-") and not groups):
        return None
    return int(where)


def quoted(message: Outbound, chat: int, ours: Sequence[str] | dict[str, None]) -> int | None:
    """Number of the customer's message that this reply answers, if that is the last of this chat."""
    last = message.references[-1] if message.references else ""
    where, _, number = last.rpartition(":")
    if where != str(chat) or last in ours or not (number.isascii() and number.isdigit()):
        return None
    return int(number)


def plan(message: Outbound, chat: int, quote: int | None) -> list[Call]:
    """The calls of a reply, in order: one, or two where the text is too long for a caption.

    Several files are one call, so that they arrive together or not at all. Texts go without parse_mode:
    what an operator typed is what arrives. Raises ValueError for what Telegram takes in no way.
    """
    base: dict[str, Any] = {"chat_id": chat}
    if quote is not None:
        base["reply_parameters"] = {"message_id": quote, "allow_sending_without_reply": True}
    text = message.text if message.text.strip() else ""
    for file in message.files:
        if file.size > UPLOAD_MAX:
            raise ValueError(f"{file.name} is larger than the {UPLOAD_MAX // 10**6} MB that Telegram takes")
        if file.size == 0:
            raise ValueError(f"{file.name} is empty, which Telegram does not take")
    if not message.files:
        if not text:
            raise ValueError("there is nothing to send")
        return [Call(method="sendMessage", params={**base, "text": text})]
    calls = []
    if utf16(text) > CAPTION_MAX:
        calls.append(Call(method="sendMessage", params={**base, "text": text}))
        base, text = {"chat_id": chat}, ""
    photos = all(file.content_type in PHOTO_TYPES and file.size <= PHOTO_MAX for file in message.files)
    calls.append(_with_files(base, text, message.files, photos))
    return calls


def _with_files(base: dict[str, Any], caption: str, files: tuple[OutboundFile, ...], photos: bool) -> Call:
    kind = "photo" if photos else "document"
    captioned = {"caption": caption} if caption else {}
    if len(files) == 1:
        params = {**base, kind: "attach://file0", **captioned}
        return Call(method=f"send{kind.title()}", params=params, files=files, photos=photos)
    media: list[dict[str, str]] = [{"type": kind, "media": f"attach://file{n}"} for n in range(len(files))]
    # Under photos the first caption is shown for all, under documents each has its own.
    media[0 if photos else -1] |= captioned
    return Call(method="sendMediaGroup", params={**base, "media": media}, files=files, photos=photos)


def simpler(call: Call, answer: Answer) -> Call | None:
    """How to say the same in a way that Telegram may take, after it refused this one; None: no way."""
    if answer.status != 400 or not answer.spoken:
        return None
    if call.photos and _NO_PHOTO.search(answer.description):
        base: dict[str, Any] = {
            name: call.params[name] for name in ("chat_id", "reply_parameters") if name in call.params
        }
        captions = [call.params, *call.params.get("media", ())]
        caption = next((one["caption"] for one in captions if "caption" in one), "")
        return _with_files(base, caption, call.files, photos=False)
    if _UNDRESSED.search(answer.description):
        bare = {name: value for name, value in call.params.items() if name != "reply_parameters"}
        return msgspec.structs.replace(call, params=bare)
    return None
