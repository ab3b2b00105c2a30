"""Every adapter of ours keeps the promises that the kit checks, and the kit notices broken ones."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
import pytest

from channels.base import (
    Channel,
    ChannelSettings,
    HookRequest,
    InboundEvent,
    Outbound,
    Rejected,
    SendResult,
    Sent,
    Verified,
)
from channels.email import EmailChannel
from channels.secret import Secret
from channels.telegram import TelegramChannel, TelegramSettings
from channels.testkit import Conformance, ConformanceError
from channels.webchat import WebchatChannel, WebchatSettings
from channels.webhook import WebhookChannel, WebhookSettings, standard
from tests.fakes.mail_account import channel as mail_channel
from tests.fakes.mail_account import settings as mail_settings

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
KEY = standard.read_secret(SECRET)
SHOP = "https://shop.example"

BODIES = [
    json.dumps(
        {
            "type": "message",
            "timestamp": "2026-11-21T12:00:00Z",
            "data": {
                "conversation_key": "order-1187",
                "sender": {
                    "id": "77",
                    "name": "Иван",
                    "email": "ivan@example.org",
                    "phone": "+79161234567",
                    "verified": ["email"],
                },
                "text": "Когда приедет заказ?",
                "subject": "Заказ",
                "attachments": [{"name": "a.txt", "content_type": "text/plain", "base64": "YQ=="}],
                "reply_to": "m-0",
            },
        }
    ).encode(),
    b'{"type":"read","data":{"conversation_key":"order-1187","target":"out_1"}}',
]

MAIL = (
    b"From: Anna <anna@customer.example>\r\nTo: support@shop.example\r\n"
    b"Subject: =?utf-8?b?0JfQsNC60LDQtw==?=\r\n"
    b"Message-ID: <first@customer.example>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nWhere is my order?\r\n--x\r\n"
    b'Content-Type: text/html\r\nContent-Disposition: attachment; filename="a.html"\r\n\r\n'
    b"<b>x</b>\r\n--x--\r\n"
)


def hook(body: bytes, webhook_id: str, at: int) -> HookRequest:
    headers = standard.headers([KEY], webhook_id, at // 1000, body)
    return HookRequest(method="POST", headers=headers, body=body, received_at=at)


def webhook(secret: str = SECRET, **settings: Any) -> WebhookChannel:
    secrets = [Secret(secret)] if secret else []
    return WebhookChannel("shop", WebhookSettings(kind="webhook", secrets=secrets, **settings))


def webchat(**settings: Any) -> WebchatChannel:
    return WebchatChannel("site", WebchatSettings(**{"kind": "webchat", "origins": [SHOP], **settings}))


class Visitor:
    """The same visitor saying the same thing, however often he has to."""

    def __init__(self) -> None:
        self._token = ""

    async def __call__(self, session: aiohttp.ClientSession, base: str) -> int:
        headers = {"Origin": SHOP}
        if not self._token:
            async with session.post(f"{base}/webchat/site/session", json={}, headers=headers) as answer:
                if answer.status != 200:
                    return answer.status
                self._token = (await answer.json())["token"]
        headers["Authorization"] = f"Bearer {self._token}"
        body = {"client_id": "client-0001", "text": "hello"}
        async with session.post(f"{base}/webchat/site/messages", json=body, headers=headers) as answer:
            return answer.status


def mail(smtp_port: int = 1) -> EmailChannel:
    made = mail_channel(mail_settings(1, smtp_port))
    made.pace = msgspec.structs.replace(
        made.pace, **{name: 0.5 for name in made.pace.__struct_fields__ if name.startswith("smtp")}
    )
    return made


def incomplete_mail() -> EmailChannel:
    given = mail_settings(1, 1)
    return mail_channel(
        msgspec.structs.replace(given, imap=msgspec.structs.replace(given.imap, host="mail.example"))
    )


TELEGRAM_SECRET = "a-secret_of-Telegram"
TELEGRAM_TOKEN = "77:conformance"
TELEGRAM_BODIES = [
    b'{"update_id":1001,"message":{"message_id":5,"date":1795262400,"chat":{"id":77,"type":"private"},'
    b'"from":{"id":77,"is_bot":false,"first_name":"\\u0418\\u0432\\u0430\\u043d","username":"ivan",'
    b'"language_code":"ru"},"text":"\\ud83d\\ude00 /start","reply_to_message":{"message_id":4},'
    b'"quote":{"text":"q"},"forward_origin":{"type":"user","sender_user":{"id":1,"first_name":"A"}}}}',
    b'{"update_id":1002,"edited_message":{"message_id":5,"date":1795262400,"edit_date":1795262500,'
    b'"chat":{"id":77,"type":"private"},"from":{"id":77,"first_name":"I"},"caption":"two",'
    b'"media_group_id":"13","photo":[{"file_id":"a","file_size":1},{"file_id":"b","file_size":2}]}}',
    b'{"update_id":1003,"message":{"message_id":6,"date":1795262400,"chat":{"id":77,"type":"private"},'
    b'"from":{"id":77,"first_name":"I"},"contact":{"phone_number":"79161234567","user_id":77}}}',
    b'{"update_id":1004,"message":{"message_id":7,"date":1795262400,"chat":{"id":77,"type":"private"},'
    b'"from":{"id":77,"first_name":"I"},"venue":{"title":"t","location":{"latitude":55.5,"longitude":37}}}}',
    b'{"update_id":1005,"callback_query":{"id":"9","from":{"id":77},"data":"yes","message":'
    b'{"message_id":3,"chat":{"id":77,"type":"private"}}}}',
    b'{"update_id":1006,"message_reaction":{"chat":{"id":77,"type":"private"},"message_id":3,"date":1795262400,'
    b'"user":{"id":77},"old_reaction":[],"new_reaction":[{"type":"emoji","emoji":"x"}]}}',
    b'{"update_id":1007,"my_chat_member":{"chat":{"id":77,"type":"private"},"from":{"id":77},'
    b'"date":1795262400,"new_chat_member":{"status":"kicked"}}}',
    b'{"update_id":1008,"message":{"message_id":8,"date":1795262400,"chat":{"id":77,"type":"private"},'
    b'"from":{"id":77,"first_name":"I"},"sticker":{"file_id":"s","emoji":"x","is_video":true},'
    b'"document":{"file_id":"d"}}}',
]


def telegram(secret: str = TELEGRAM_SECRET, token: str = TELEGRAM_TOKEN, **settings: Any) -> TelegramChannel:
    given = {"mode": "webhook", "api_base": "http://127.0.0.1:1", "timeout": 0.3, **settings}
    return TelegramChannel(
        "bot",
        TelegramSettings(
            kind="telegram", token=Secret(token), secret=Secret(secret) if secret else None, **given
        ),
    )


class TalkingTelegram(TelegramChannel):
    """The kit writes to customer@example.org; here that is a chat."""

    async def send(self, message: Outbound) -> SendResult:
        return await super().send(msgspec.structs.replace(message, to="77", thread="77"))


def aimed_telegram(port: int) -> TelegramChannel:
    made = telegram(api_base=f"http://127.0.0.1:{port}")
    return TalkingTelegram("bot", made.settings)


KITS: dict[str, Callable[[], Conformance]] = {
    "webhook": lambda: Conformance(
        webhook,
        incomplete=[lambda: webhook(""), lambda: webhook("whsec_c2hvcnQ=")],
        sign=hook,
        bodies=BODIES,
        aim=lambda port: webhook(deliver_url=f"http://127.0.0.1:{port}/in", deliver_timeout_s=0.3),
    ),
    "webchat": lambda: Conformance(
        webchat,
        incomplete=[lambda: webchat(origins=[]), lambda: webchat(allow_anonymous=False)],
        knock=Visitor(),
    ),
    "email": lambda: Conformance(
        mail,
        incomplete=[incomplete_mail],
        raw=[MAIL, MAIL.replace(b"<first@", b"<second@")],
        meta={"folder": "INBOX"},
        aim=mail,
    ),
    "telegram": lambda: Conformance(
        telegram,
        incomplete=[lambda: telegram(""), lambda: telegram("not a secret"), lambda: telegram(token="none")],
        sign=lambda body, webhook_id, at: HookRequest(
            method="POST",
            headers={"x-telegram-bot-api-secret-token": TELEGRAM_SECRET},
            body=body,
            received_at=at,
        ),
        bodies=TELEGRAM_BODIES,
        signs_body=False,
        aim=aimed_telegram,
    ),
}
CHECKS = ["spec", "refusals", "verify", "parse", "dedupe", "send", "unavailable", "stop"]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", KITS)
async def test_our_adapters(kind: str, check: str) -> None:
    kit = KITS[kind]()
    outcome = getattr(kit, f"check_{check}")()
    if outcome is not None:
        await outcome


# --- the kit itself: each promise, broken ------------------------------------------------------------


class Careless(WebhookChannel):
    """Breaks one promise at a time."""

    wrong = ""

    def verify(self, request: HookRequest) -> Verified | Rejected:
        if self.wrong == "believes":
            return Verified()
        if self.wrong == "header only" and request.headers.get("webhook-signature"):
            return Verified()
        return super().verify(request)

    def parse(self, request: HookRequest) -> list[InboundEvent]:
        if self.wrong == "raises":
            json.loads(request.body)
        (event,) = super().parse(request)
        if self.wrong == "clock key":
            return [msgspec.structs.replace(event, dedupe_key=str(request.received_at))]
        if self.wrong == "constant key":
            return [msgspec.structs.replace(event, dedupe_key="1")]
        if self.wrong == "nul":
            return [msgspec.structs.replace(event, text="\x00")]
        if self.wrong == "surrogate":
            return [msgspec.structs.replace(event, detail={"problem": "\ud800"})]
        return [event]

    async def send(self, message: Outbound) -> SendResult:
        if self.wrong == "send raises":
            raise ConnectionResetError
        return Sent() if self.wrong == "always sent" else await super().send(message)

    async def stop(self) -> None:
        if self.wrong != "leaks":
            await super().stop()

    async def start(self, host: Any) -> None:
        await super().start(host)
        if self.wrong == "leaks":
            self._left = asyncio.create_task(asyncio.sleep(0.2))
            await super().stop()


class Unlocked(WebhookChannel):
    """Takes a configuration without a secret for consent."""

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        Channel.__init__(self, channel_id, settings)


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ("believes", "verify"),
        ("header only", "verify"),
        ("raises", "parse"),
        ("nul", "parse"),
        ("surrogate", "parse"),
        ("clock key", "dedupe"),
        ("constant key", "dedupe"),
        ("send raises", "send"),
        ("always sent", "send"),
        ("leaks", "stop"),
    ],
)
async def test_the_kit_notices(wrong: str, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Careless, "wrong", wrong)

    def careless(**settings: Any) -> Careless:
        return Careless("shop", WebhookSettings(kind="webhook", secrets=[Secret(SECRET)], **settings))

    kit = Conformance(
        careless,
        incomplete=[lambda: webhook("")],
        sign=hook,
        bodies=BODIES,
        aim=lambda port: careless(deliver_url=f"http://127.0.0.1:{port}/in", deliver_timeout_s=0.3),
    )
    expected: type[Exception] = ConformanceError if wrong != "raises" else ValueError
    with pytest.raises(expected):
        outcome = getattr(kit, f"check_{check}")()
        if outcome is not None:
            await outcome


def test_the_kit_notices_a_missing_refusal() -> None:
    kit = Conformance(webhook, incomplete=[lambda: Unlocked("shop", WebhookSettings(kind="webhook"))])
    with pytest.raises(ConformanceError, match="tell friend from foe"):
        kit.check_refusals()


def test_the_kit_needs_no_test_framework() -> None:
    code = (
        "import channels.testkit, sys; print(sorted({'pytest', 'hypothesis', 'server'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
