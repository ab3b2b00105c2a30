"""A Telegram in this process: the Bot API as the real one behaves, and customers who write to the bot.

Updates wait until somebody fetches or takes them: the webhook is told those of one chat one after the
other, again and again until it answers 200; getUpdates holds its answer until there is something.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from tests.fakes.platform import Platform, Received

TOKEN = "7001:AAH-a_token_that_must_not_be_seen"
SECRET = "header-secret_1"
NOW_S = 1_795_262_400
RETRY_S = 0.02


def person(user_id: int, first_name: str = "Иван", **more: Any) -> dict[str, Any]:
    return {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": "ru", **more}


class FakeTelegram(Platform):
    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.files: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}  # what getFile says, where it is not the truth
        self.pending: list[dict[str, Any]] = []
        self.webhook: dict[str, Any] = {}
        self.statuses: list[int] = []  # what the webhook answered
        self.blocked: set[int] = set()
        self.polling = 0
        self._numbers = itertools.count(1001)
        self._messages = itertools.count(1)
        self._news = asyncio.Event()
        self.app.router.add_post("/bot{token}/{method}", self._serve)
        self.app.router.add_get("/file/bot{token}/{path:.*}", self._serve_file)

    # --- customers -----------------------------------------------------------------------------------

    def say(self, user_id: int, text: str = "", **content: Any) -> int:
        """Somebody writes to the bot; the number of his message."""
        number = content.pop("message_id", None) or next(self._messages)
        message = {
            "message_id": number,
            "from": person(user_id),
            "chat": {"id": user_id, "type": "private", "first_name": "Иван"},
            "date": NOW_S,
            **({"text": text} if text else {}),
            **content,
        }
        self.post({"message": message})
        return int(number)

    def post(self, update: dict[str, Any]) -> dict[str, Any]:
        """An update, numbered, for whoever listens."""
        numbered = {"update_id": next(self._numbers), **update}
        self.pending.append(numbered)
        self._news.set()
        return numbered

    def file(self, content: bytes, **more: Any) -> dict[str, Any]:
        """A document, photo or voice as a message names it."""
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = content
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(content), **more}

    def photo(self, content: bytes) -> list[dict[str, Any]]:
        return [{**self.file(b"thumb"), "width": 90, "height": 90}, {**self.file(content), "width": 900}]

    # --- the webhook ---------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        async with super().served():
            pump = asyncio.create_task(self._pump())
            try:
                yield
            finally:
                self._news.set()
                pump.cancel()
                await asyncio.gather(pump, return_exceptions=True)

    async def _pump(self) -> None:
        while True:
            await self._news.wait()
            if not self.webhook or not self.pending:
                self._news.clear()
                continue
            chats: dict[int, dict[str, Any]] = {}
            for update in self.pending:
                chats.setdefault(_chat_of(update), update)
            done = await asyncio.gather(*(self._push(update) for update in chats.values()))
            if not all(done):
                await asyncio.sleep(RETRY_S)

    async def _push(self, update: dict[str, Any]) -> bool:
        status = await self.knock(update)
        self.statuses.append(status)
        if status == 200 and update in self.pending:
            self.pending.remove(update)
        self._later(self._tell())
        return status == 200

    async def knock(self, update: dict[str, Any], secret: str | None = None) -> int:
        """One request to the webhook; its status, 0 where nobody answers."""
        headers = {"Content-Type": "application/json"}
        if token := self.webhook.get("secret_token") if secret is None else secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = token
        try:
            async with self.http.post(
                self.webhook["url"],
                data=msgspec.json.encode(update),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=5),
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0

    # --- the Bot API ---------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if request.match_info["token"] != self.token:
            return _refused(401, "Unauthorized")
        params, files = await _params(request)
        self.note(method, params)
        trouble = self.next_trouble(method)
        if trouble is not None and not trouble.taken:
            return await self.misbehave(request, trouble)
        answer = await self._answer(method, params, files)
        return answer if trouble is None else await self.misbehave(request, trouble)

    async def _answer(
        self, method: str, params: dict[str, Any], files: dict[str, tuple[str, str, bytes]]
    ) -> web.Response:
        if method == "getMe":
            return _good({"id": 7001, "is_bot": True, "first_name": "Shop", "username": "shop_bot"})
        if method == "setWebhook":
            self.webhook = params
            self._news.set()
            return _good(True)
        if method == "deleteWebhook":
            self.webhook = {}
            return _good(True)
        if method == "getWebhookInfo":
            url = self.webhook.get("url", "")
            return _good({"url": url, "pending_update_count": len(self.pending)})
        if method == "getUpdates":
            return await self._get_updates(params)
        if method == "getFile":
            return self._get_file(params)
        if method in ("sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup"):
            return self._send(method, params, files)
        return _refused(404, "Not Found")

    async def _get_updates(self, params: dict[str, Any]) -> web.Response:
        if self.webhook:
            return _refused(409, "Conflict: can't use getUpdates method while webhook is active")
        if self.polling:
            return _refused(409, "Conflict: terminated by other getUpdates request")
        offset = params.get("offset", 0)
        self.pending = [update for update in self.pending if update["update_id"] >= offset]
        if not self.pending and params.get("timeout"):
            self._news.clear()
            self.polling += 1
            try:
                async with asyncio.timeout(params["timeout"]):
                    await self._news.wait()
            except TimeoutError:
                pass
            finally:
                self.polling -= 1
        return _good(self.pending[: params.get("limit", 100)])

    def _get_file(self, params: dict[str, Any]) -> web.Response:
        file_id = params.get("file_id", "")
        if file_id not in self.files:
            return _refused(400, "Bad Request: invalid file_id")
        if len(self.files[file_id]) > 20 << 20:
            return _refused(400, "Bad Request: file is too big")
        return _good({"file_id": file_id, "file_path": f"documents/{file_id}.bin"})

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        self.note("file", {"path": request.match_info["path"]})
        if trouble := self.next_trouble("file"):
            return await self.misbehave(request, trouble)
        file_id = request.match_info["path"].removeprefix("documents/").removesuffix(".bin")
        if request.match_info["token"] != self.token or file_id not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[file_id])

    def _send(
        self, method: str, params: dict[str, Any], files: dict[str, tuple[str, str, bytes]]
    ) -> web.Response:
        chat = int(params["chat_id"])
        text = params.get("text" if method == "sendMessage" else "caption", "")
        if chat in self.blocked:
            return _refused(403, "Forbidden: bot was blocked by the user")
        limit = 4096 if method == "sendMessage" else 1024
        if method == "sendMessage" and not text.strip():
            return _refused(400, "Bad Request: message text is empty")
        media = params.get("media", [])
        for caption in (text, *(one.get("caption", "") for one in media)):
            if len(caption) > limit:
                return _refused(400, "Bad Request: message is too long")
        if method == "sendMediaGroup" and not 2 <= len(media) <= 10:
            return _refused(400, "Bad Request: wrong number of media")
        shown: list[tuple[str, tuple[tuple[str, str, bytes], ...]]]
        if method == "sendMediaGroup":
            shown = [(one.get("caption", ""), (files[one["media"][9:]],)) for one in media]
        elif method == "sendMessage":
            shown = [(text, ())]
        else:
            shown = [(text, (files[params[method[4:].lower()][9:]],))]
        results = []
        for caption, given in shown:
            number = next(self._messages)
            quoted = params.get("reply_parameters", {}).get("message_id")
            self.show(
                Received(
                    chat=str(chat),
                    text=caption,
                    files=given,
                    reply_to=str(quoted) if quoted else None,
                    remote_id=f"{chat}:{number}",
                    how=method,
                )
            )
            results.append({"message_id": number, "chat": {"id": chat, "type": "private"}, "date": NOW_S})
        return _good(results if method == "sendMediaGroup" else results[0])


def _chat_of(update: dict[str, Any]) -> int:
    body: dict[str, Any] = next(value for value in update.values() if isinstance(value, dict))
    where: dict[str, Any] = body.get("chat") or body.get("from") or {}
    return int(where.get("id", 0))


def _good(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _refused(status: int, description: str, **parameters: Any) -> web.Response:
    return web.json_response(refusal(status, description, **parameters), status=status)


def refusal(status: int, description: str, **parameters: Any) -> dict[str, Any]:
    """The body of a refusal, as Telegram words it."""
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return body | ({"parameters": parameters} if parameters else {})


async def _params(request: web.Request) -> tuple[dict[str, Any], dict[str, tuple[str, str, bytes]]]:
    if request.content_type == "application/json":
        return await request.json(), {}
    params: dict[str, Any] = {}
    files: dict[str, tuple[str, str, bytes]] = {}
    async for part in await request.multipart():
        assert isinstance(part, aiohttp.BodyPartReader) and part.name
        content = bytes(await part.read(decode=False))
        if part.filename is not None:
            files[part.name] = (part.filename, part.headers.get("Content-Type", ""), content)
        else:
            text = content.decode()
            params[part.name] = msgspec.json.decode(text) if text[:1] in ("{", "[") else text
    return params, files
