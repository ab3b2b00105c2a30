"""How the Bot API is called: https://core.telegram.org/bots/api#making-requests."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final
from urllib.parse import quote

from channels.messenger.api import Api, Envelope
from channels.messenger.fetch import FetchError
from channels.messenger.planning import Call, OutgoingForm, Piece
from channels.messenger.polling import Polling
from channels.messenger.probe import Myself
from channels.messenger.webhook import Webhook
from channels.telegram.settings import TelegramSettings
from channels.telegram.updates import UPDATES

# Without this list message_reaction is never sent.
ALLOWED: Final = tuple(kind.at for kind in UPDATES.kinds)

MYSELF: Final = Myself(method="getMe", username="username", hint="@BotFather shows it, and makes a new one")
POLLING: Final = Polling(
    method="getUpdates",
    mark="offset",
    hold="timeout",
    number="update_id",
    params={"allowed_updates": ALLOWED},
    # A webhook, also one of another program's, would keep getUpdates from answering.
    clear=("deleteWebhook", {"drop_pending_updates": False}),
)
WEBHOOK: Final = Webhook(
    method="setWebhook",
    address="url",
    secret="secret_token",  # noqa: S106 - a parameter's name
    # Telegram sends updates of one chat one after the other, those of different chats at the same time.
    params={"allowed_updates": ALLOWED, "max_connections": 16, "drop_pending_updates": False},
    look="getWebhookInfo",
    url="url",
    waiting="pending_update_count",
    failed_at="last_error_date",
    problem="last_error_message",
    needs="on port 443, 80, 88 or 8443",
)


class BotApi(Api):
    platform: ClassVar[str] = "Telegram"
    envelope: ClassVar[Envelope] = Envelope(
        ok="ok", result="result", description="description", retry_after="parameters.retry_after"
    )

    def __init__(self, settings: TelegramSettings) -> None:
        super().__init__(settings)
        self.file_base = (settings.file_base or settings.api_base).rstrip("/")

    def address(self, method: str) -> str:
        return f"{self.base}/bot{self.token}/{method}"

    async def locate(self, ref: str) -> str:
        path = await self.ask_for_place("getFile", {"file_id": ref}, "file_path")
        if path.startswith("/") or ".." in path.split("/"):
            raise FetchError("Telegram named no place to fetch it from")
        return f"{self.file_base}/file/bot{self.token}/{quote(path)}"


def compose(piece: Piece) -> Call:
    params: dict[str, Any] = {"chat_id": int(piece.chat)}
    if piece.quote is not None:
        params["reply_parameters"] = {"message_id": piece.quote, "allow_sending_without_reply": True}
    if not piece.files:
        return Call("sendMessage", {**params, "text": piece.text})
    kind = "photo" if piece.photos else "document"
    caption = {"caption": piece.text} if piece.text else {}
    if len(piece.files) == 1:
        return Call(f"send{kind.title()}", {**params, kind: "attach://file0", **caption})
    media = [{"type": kind, "media": f"attach://file{number}"} for number in range(len(piece.files))]
    # Under photos the first caption is shown for all, under documents each has its own.
    media[0 if piece.photos else -1] |= caption
    return Call("sendMediaGroup", {**params, "media": media})


OUTGOING: Final = OutgoingForm(
    compose=compose,
    number="message_id",
    private=re.compile(r"[0-9]{1,16}"),
    group=re.compile(r"-[0-9]{1,16}"),
    caption_max=1024,
    photo_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
    photo_bytes_max=10_000_000,
    refuses_photo=re.compile(r"photo|image|dimension|media", re.IGNORECASE),
    refuses_quote=re.compile(r"can't parse|parse_mode|repl(y|ied)", re.IGNORECASE),
)
