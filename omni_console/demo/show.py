"""The demo as a newcomer sees it: the console in front, everything else behind it."""

from __future__ import annotations

import asyncio
import contextlib
import locale
import os
import signal
import threading
from pathlib import Path

from omni_console.app import run_console
from omni_console.client import ServerClient
from omni_console.demo.colleagues import hand_out
from omni_console.demo.play import Player, play_past
from omni_console.demo.ready_texts import ready_texts
from omni_console.demo.story import story
from omni_console.demo.world import World
from omni_console.screens.touring import was_shown

READY_S = 60.0


class Backstage(threading.Thread):
    """The world on a thread of its own, so that nothing in it can make a key of the console wait."""

    def __init__(self, folder: Path, language: str) -> None:
        super().__init__(name="demo", daemon=True)
        self.world = World(folder, language, hold=True, colleagues=True)
        self.failure: BaseException | None = None
        self._language = language
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as failure:
            self.failure = failure
        finally:
            self._ready.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        tale = story(self._language)
        async with self.world:
            async with ServerClient(str(self.world.socket)) as client:
                await client.templates.put(ready_texts())
                await play_past(self.world, client, tale)
                await hand_out(self.world, client)
            player = Player(self.world, tale)
            await player.open()
            self._ready.set()
            await self._over.wait()
            await player.close()

    def wait_until_ready(self) -> None:
        """Raises what went wrong."""
        self._ready.wait(READY_S)
        if self.failure is not None:
            raise self.failure

    def end(self) -> None:
        """Stop everything and wait for it."""
        if self._loop is not None and self._over is not None and self.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._over.set)
        self.join(30.0)


def spoken_language(given: str | None) -> str:
    """--lang, or the language of the terminal."""
    if given:
        return given
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ru" if (named or (locale.getlocale()[0] or "")).lower().startswith("ru") else "en"


def show(folder: Path, lang: str | None, tour: bool | None = None) -> bool:
    """Run the console on a living demo; True when it was left in peace. `tour` None: only the first time."""
    language = spoken_language(lang)
    wanted = not was_shown() if tour is None else tour
    backstage = Backstage(folder, language)
    backstage.start()

    def hung_up(number: int, _frame: object) -> None:
        """The terminal was closed. The server is in a session of its own, and would not hear of it; the
        console has nowhere to draw its end."""
        backstage.end()
        os._exit(128 + number)

    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, hung_up)
    try:
        backstage.wait_until_ready()
        code = run_console(str(backstage.world.socket), language=language, tour=wanted, remembers=False)
    finally:
        backstage.end()
    return code == 0
