"""Debian's chromium, a chat server that can be restarted, and a site on another origin."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from channels.secret import Secret
from channels.testkit import MemoryHost, door
from channels.webchat import ContinueLink, WebchatChannel, WebchatSettings

KEY = "s" * 48


def free_socket() -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    return listening


class Site:
    """A page of the shop, on an origin of its own, under a strict policy of its own."""

    def __init__(self, chat: str) -> None:
        self._socket = free_socket()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._chat = chat
        self._runner: web.AppRunner | None = None
        self.identity = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._page)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        identity = f'data-identity="{self.identity}"' if self.identity else ""
        return web.Response(
            text=f"""<!doctype html><html><head><meta charset="utf-8"><title>Green Leaf</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<script async src="{self._chat}/webchat/site/widget.js" {identity}></script></head>
<body><h1>Green Leaf</h1><p>Tea and teapots.</p><a id="link" href="/cart">Cart</a></body></html>""",
            content_type="text/html",
            headers={
                "Content-Security-Policy": (
                    f"default-src 'self'; script-src {self._chat}; frame-src {self._chat}; img-src data:"
                )
            },
        )


class TodaysHost(MemoryHost):
    """With the browser's own time, so that days are shown as people see them."""

    def now(self) -> int:
        return int(time.time() * 1000)


class Stage:
    """A chat server, its host in memory, and the shop's site."""

    def __init__(self, chat_host: str = "localhost", **settings: Any) -> None:
        """`chat_host` "127.0.0.1" is the site's own host: there browsers give the frame its storage."""
        self._socket = free_socket()
        self._port = self._socket.getsockname()[1]
        self.chat_url = f"http://{chat_host}:{self._port}"
        self.site = Site(self.chat_url)
        self.stranger = Site(self.chat_url)
        self.host = TodaysHost("site", base_url=self.chat_url, site_name="Green Leaf")
        self._settings = WebchatSettings(
            **{
                "kind": "webchat",
                "origins": [self.site.url],
                "identity_secret": Secret(KEY),
                "continue_links": [
                    ContinueLink(title="Telegram", url="https://t.me/example_bot"),
                    ContinueLink(title="E-mail", url="mailto:help@shop.example"),
                ],
                **settings,
            }
        )
        self.channel = WebchatChannel("site", self._settings)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        await self.site.start()
        await self.stranger.start()
        await self.serve()

    async def serve(self) -> None:
        if self._socket.fileno() < 0:
            self._socket = socket.socket()
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(("127.0.0.1", self._port))
        self.channel = WebchatChannel("site", self._settings)
        await self.channel.start(self.host)
        self._runner = web.AppRunner(door(self.channel, self.host), shutdown_timeout=1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def halt(self) -> None:
        """The server goes away; what it has stored stays."""
        await self.channel.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._socket.close()

    async def stop(self) -> None:
        await self.halt()
        await self.site.stop()
        await self.stranger.stop()

    @property
    def texts(self) -> list[str]:
        """Texts of the messages that were acknowledged, in order."""
        events = [delivery.event for delivery in self.host.deliveries]
        return [event.text for event in events if event and event.kind == "message"]

    @property
    def visitor(self) -> str:
        events = [delivery.event for delivery in self.host.deliveries]
        return next(event.thread for event in reversed(events) if event and event.kind == "message")


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        problem = "needs Debian's package chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(
        viewport={"width": 1100, "height": 760}, locale="en-GB", reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    made = await context.new_page()
    yield made
    await context.close()
