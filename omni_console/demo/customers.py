"""Simulated customers. They write through the real doors and keep their own books.

`said` holds what a customer was acknowledged; `heard` what reached his own end. Nothing here asks the
server how it went.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, formataddr, make_msgid, parseaddr
from typing import Any

import aiohttp
from aiohttp import web

from channels.webhook import standard
from omni_console.demo.configuration import SHOP_ORIGIN, SUPPORT
from omni_console.demo.mailserver import MailServer, ReceivedMail, SmtpSink

RETRY_S = 0.3
PATIENCE_S = 120.0

Heard = Callable[["Customer", str], None]


class GaveUpError(Exception):
    """A customer was never acknowledged."""


class Customer:
    """The books of one customer, whatever he writes with."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.said: list[str] = []
        self.heard: list[str] = []
        self.on_heard: Heard = lambda customer, text: None

    def hear(self, text: str) -> None:
        self.heard.append(text)
        self.on_heard(self, text)

    async def say(self, text: str) -> None:
        """Write to the company; returns when acknowledged. Raises GaveUpError."""
        raise NotImplementedError(type(self).__name__)


def identity_token(secret: str, channel_id: str, claims: dict[str, Any]) -> str:
    """What the shop's own site would sign for its signed-in user (JWT, HS256)."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    whole = {"aud": channel_id, "exp": int(time.time()) + 300, **claims}
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(whole)}"
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


class SiteVisitor(Customer):
    """Uses the site chat's API as the widget does: a session, POST up, an event stream down."""

    def __init__(
        self, name: str, http: aiohttp.ClientSession, base_url: str, identity: str = "", typed: str = ""
    ) -> None:
        super().__init__(name)
        self._typed = typed  # an e-mail address that he types, and that nobody has verified
        self._http = http
        self._url = f"{base_url}/webchat/site"
        self._identity = identity
        self._token = ""
        self._after = 0
        self._listening: asyncio.Task[None] | None = None

    def _headers(self) -> dict[str, str]:
        headers = {"Origin": SHOP_ORIGIN}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST until it is acknowledged, the same body each time, as the widget's outbox does."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                async with self._http.post(
                    f"{self._url}{path}",
                    json=body,
                    headers=self._headers(),
                    timeout=aiohttp.ClientTimeout(total=10),
                ) as answer:
                    if answer.status == 200:
                        found: dict[str, Any] = await answer.json()
                        return found
                    if answer.status not in (429, 500, 502, 503):
                        raise GaveUpError(f"{path}: {answer.status} {await answer.text()}")
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                pass  # the server is away: the widget keeps the message and tries again
            await asyncio.sleep(RETRY_S)
        raise GaveUpError(f"{self.name}: {path} was never acknowledged")

    async def arrive(self) -> None:
        body = {"protocol": 1, "identity": self._identity} if self._identity else {"protocol": 1}
        answer = await self._post("/session", body)
        self._token = str(answer["token"])
        if not self._identity:
            typed = {"email": self._typed} if self._typed else {}
            await self._post("/contact", {"name": self.name, **typed})
        self._listening = asyncio.create_task(self._listen())

    async def say(self, text: str) -> None:
        if not self._token:
            await self.arrive()
        await self._post("/messages", {"client_id": uuid.uuid4().hex, "text": text})
        self.said.append(text)

    async def _listen(self) -> None:
        """Read the event stream, with Last-Event-ID after every break."""
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
                headers = {**self._headers(), "Last-Event-ID": str(self._after)}
                timeout = aiohttp.ClientTimeout(total=None, sock_read=40)
                async with self._http.get(f"{self._url}/events", headers=headers, timeout=timeout) as answer:
                    event = data = ""
                    async for raw in answer.content:
                        line = raw.decode().rstrip("\r\n")
                        name, _, value = line.partition(": ")
                        if name == "event":
                            event = value
                        elif name == "data":
                            data = value
                        elif not line and data:
                            self._take(event, json.loads(data))
                            event = data = ""
            await asyncio.sleep(RETRY_S)

    def _take(self, event: str, body: dict[str, Any]) -> None:
        if event != "message":
            return
        self._after = max(self._after, int(body["seq"]))
        if not body["mine"]:
            self.hear(str(body["text"]))

    async def leave(self) -> None:
        """Close the page. What he wrote stays."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None


class MarketCustomer(Customer):
    """Writes on a marketplace that speaks Standard Webhooks with us."""

    def __init__(self, name: str, market: Market, key: str) -> None:
        super().__init__(name)
        self._market = market
        self.key = key

    async def say(self, text: str, file: tuple[str, str, bytes] | None = None) -> None:
        data: dict[str, Any] = {
            "conversation_key": self.key,
            "sender": {"id": self.key, "name": self.name},
            "text": text,
        }
        if file is not None:
            name, content_type, content = file
            encoded = base64.b64encode(content).decode()
            data["attachments"] = [{"name": name, "content_type": content_type, "base64": encoded}]
        await self._market.post({"type": "message", "timestamp": datetime.now(UTC).isoformat(), "data": data})
        self.said.append(text)


class Market:
    """The marketplace: signs what its customers write, takes and checks what we answer."""

    def __init__(self, http: aiohttp.ClientSession, secret: str) -> None:
        self._http = http
        self._key = standard.read_secret(secret)
        self.base_url = ""
        self.customers: dict[str, MarketCustomer] = {}
        self._taken: set[str] = set()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_post("/answers", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/answers"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def customer(self, name: str, key: str) -> MarketCustomer:
        self.customers[key] = MarketCustomer(name, self, key)
        return self.customers[key]

    async def post(self, body: dict[str, Any]) -> None:
        """Deliver a webhook, with the same id until it is acknowledged."""
        raw = json.dumps(body, ensure_ascii=False).encode()
        webhook_id = f"msg_{uuid.uuid4().hex}"
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            headers = standard.headers([self._key], webhook_id, int(time.time()), raw)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
                async with self._http.post(
                    f"{self.base_url}/hooks/market",
                    data=raw,
                    headers={**headers, "Content-Type": "application/json"},
                    timeout=aiohttp.ClientTimeout(total=10),
                ) as answer:
                    if answer.status < 300:
                        return
                    if answer.status not in (429, 500, 502, 503):
                        raise GaveUpError(f"webhook: {answer.status} {await answer.text()}")
            await asyncio.sleep(RETRY_S)
        raise GaveUpError("a webhook was never acknowledged")

    async def _answer(self, request: web.Request) -> web.Response:
        """Take one answer of ours. A repeat under the same id is the same answer, as the standard says."""
        raw = await request.read()
        given = {name.lower(): value for name, value in request.headers.items()}
        try:
            webhook_id = standard.check([self._key], given, raw, int(time.time()))
        except standard.SignatureError:
            return web.Response(status=401)
        if webhook_id not in self._taken:
            self._taken.add(webhook_id)
            data = json.loads(raw)["data"]
            customer = self.customers.get(str(data.get("conversation_key")))
            if customer is not None:
                customer.hear(str(data["text"]))
        return web.Response(status=200)


def above_quotation(text: str) -> str:
    """What is new in a mail, as people look at it: without the quotation at its end and the line over it."""
    lines = text.strip().splitlines()
    end = len(lines)
    while end and lines[end - 1].startswith(">"):
        end -= 1
    if 0 < end < len(lines) and lines[end - 1].endswith(":"):
        lines = lines[: end - 1]
    return "\n".join(lines).strip()


class MailCustomer(Customer):
    """Writes mail. His provider's acknowledgement is that the mail lies in our mailbox."""

    def __init__(self, name: str, address: str, server: MailServer) -> None:
        super().__init__(name)
        self.address = address
        self._server = server
        self._last_heard: EmailMessage | None = None

    async def say(
        self, text: str, subject: str = "Question", file: tuple[str, str, bytes] | None = None
    ) -> None:
        mail = EmailMessage()
        mail["From"] = formataddr((self.name, self.address))
        mail["To"] = SUPPORT
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=self.address.partition("@")[2])
        answered = self._last_heard
        if answered is not None:
            subject = str(answered["Subject"])
            subject = subject if subject.lower().startswith("re:") else f"Re: {subject}"
            mail["In-Reply-To"] = str(answered["Message-ID"])
            mail["References"] = f"{answered['References'] or ''} {answered['Message-ID']}".strip()
        mail["Subject"] = subject
        mail.set_content(text)
        if file is not None:
            name, content_type, content = file
            main, _, sub = content_type.partition("/")
            mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
        await self._server.append(mail.as_bytes())
        self.said.append(text)

    def receive(self, mail: EmailMessage) -> None:
        self._last_heard = mail
        body = mail.get_body(("plain",))
        self.hear(above_quotation(body.get_content()) if body is not None else "")


class PostOffice:
    """Brings the mails that we handed to SMTP to the customers they are addressed to."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink
        self.customers: dict[str, MailCustomer] = {}
        self.undeliverable: list[ReceivedMail] = []

    def add(self, customer: MailCustomer) -> MailCustomer:
        self.customers[customer.address] = customer
        return customer

    async def run(self) -> None:
        while True:
            received = await self._sink.next(timeout=365 * 86_400)
            mail = message_from_bytes(received.data, policy=default)
            for recipient in received.recipients:
                customer = self.customers.get(parseaddr(recipient)[1].lower())
                if customer is None:
                    self.undeliverable.append(received)
                else:
                    customer.receive(mail)
