"""A reply as calls of the Bot API, and what each answer means. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from channels.base import BadCredentials, Failed, Outbound, OutboundFile, Retry, SendResult, Sent, Unknown
from channels.json_input import table
from channels.telegram.api import Answer, UnreachedError
from channels.telegram.const import CAPTION_MAX, PHOTO_MAX, PHOTO_TYPES, UPLOAD_MAX
from channels.telegram.content import integer
from channels.telegram.parse import remote_id

_CHAT = re.compile(r"-?[0-9]{1,16}")
_UNDRESSED = re.compile(r"can't parse|parse_mode|repl(y|ied)", re.IGNORECASE)
_NO_PHOTO = re.compile(r"photo|image|dimension|media", re.IGNORECASE)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request; `files` go with it as multipart, under the names that `params` give them."""

    method: str
    params: dict[str, Any]
    files: tuple[OutboundFile, ...] = ()
    photos: bool = False


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


def judge(answer: Answer, chat: int) -> SendResult:
    """What an answer to a sending call means for the message."""
    status, told = answer.status, answer.description or f"status {answer.status}"
    if 200 <= status < 300:
        if not answer.spoken or not answer.ok:
            return Unknown("an answer came that is not Telegram's")
        result = answer.result()
        first = table(result[0] if isinstance(result, list) and result else result)
        number = integer(first.get("message_id"))
        return Sent(remote_id=None if number is None else remote_id(chat, number))
    if status in (401, 404):
        return BadCredentials(f"Telegram does not know this bot ({told}): is the token right?")
    if status == 429:
        return Retry(f"Telegram asks to wait ({told})", after=answer.retry_after)
    if status == 504 and not answer.spoken:
        return Unknown("a server in between gave up waiting for Telegram")
    if status >= 500 or status in (408, 409, 425):
        return Retry(f"Telegram answers {status}", after=answer.retry_after)
    if 300 <= status < 400:
        return Failed(f"api_base redirects ({status}): set it to where the Bot API is")
    return Failed(f"Telegram refuses it: {told}")


def lost(error: UnreachedError) -> SendResult:
    """What no answer means: only what did not begin was surely not delivered."""
    if error.begun:
        return Unknown(f"Telegram may have taken it: {error.reason}")
    return Retry(f"Telegram cannot be reached: {error.reason}")


def partly(result: SendResult, noted: bool) -> SendResult:
    """The result of a reply whose text arrived and whose files did not. `noted`: a further attempt knows."""
    if isinstance(result, Sent):
        return result
    if isinstance(result, Unknown):
        return Unknown(f"the text arrived; of the files nobody knows: {result.reason}")
    told = f"the text arrived, the files did not: {result.reason}"
    if isinstance(result, Failed) or noted:
        return msgspec.structs.replace(result, reason=told)
    return Unknown(told)
