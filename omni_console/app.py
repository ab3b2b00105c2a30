"""OmniConsole: the operator's program. Holds the client, the desk and the one worker that listens."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from msgspec.structs import replace
from textual import events, on
from textual.app import App
from textual.binding import BindingType
from textual.scrollbar import ScrollBar
from textual.timer import Timer

from omni_console import i18n, keymap
from omni_console.client import Backoff, Link, RefusedError, ServerClient, UnreachableError
from omni_console.desk import Desk
from omni_console.key_order import PATIENCE_S, KeyArrived, KeyOrder
from omni_console.keymap import repair_alt_digits
from omni_console.look import DARK, OMNI, OMNI_LIGHT, OMNI_PALETTE, PALETTE, THEMES
from omni_console.messages import Greeted, Heard, LinkChanged
from omni_console.own import Own
from omni_console.own import read as read_own
from omni_console.own_keys import OwnKeys
from omni_console.refusals import refusal
from omni_console.screens.desk_screen import DeskScreen
from omni_console.screens.window import Window
from omni_console.terminal_input import end_with_the_terminal, prompt
from omni_console.terminal_signs import BRING_BACK_TITLE, KEEP_TITLE, takes_titles
from omni_console.timing import Clock
from omni_console.widgets.whole_cells import WholeCells
from server.protocol import Envelope

STARTED_S = 3.0  # after which garbage is collected again


class OmniConsole(App[int]):
    """`own`: what is the operator's own; `changes`: only his keys by action id, checked (own_keys.py)."""

    TITLE = "Omni Console"
    CSS_PATH = "styles/omni.tcss"
    ENABLE_COMMAND_PALETTE = False
    # Textual's own ctrl+q cannot be moved, and its ctrl+c answers with a lecture.
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        client: ServerClient,
        *,
        clock: Clock | None = None,
        changes: Mapping[str, str] | None = None,
        own: Own | None = None,
        theme: str = "dark",
    ) -> None:
        # Greys are colours too: where none are wanted, the terminal's own two are left as they are.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.driver_class = prompt(self.driver_class)
        repair_alt_digits()
        ScrollBar.renderer = WholeCells
        own = own or Own(keys=OwnKeys(dict(changes or {})))
        keymap.use(own.keys.changes)
        for one in (OMNI, OMNI_LIGHT, OMNI_PALETTE):
            self.register_theme(one)
        self.theme = PALETTE if self.no_color else THEMES.get(theme, DARK)
        self.client = client
        self.clock = clock or Clock()
        self.desk = Desk()
        self.desk_screen = DeskScreen(self.desk, client, self.clock, own.keys.changes, own)
        self._order = KeyOrder()
        self._patience: Timer | None = None
        self._titled = own.settings.title and takes_titles(os.environ)
        for key in ("ctrl+q", "ctrl+c"):
            self._bindings.key_to_bindings.pop(key, None)
        keymap.install_quit(self, own.keys.changes)

    def get_default_screen(self) -> DeskScreen:
        """The first thing that is painted, and not over an empty screen of Textual's own."""
        return self.desk_screen

    def on_mount(self) -> None:
        if self._titled:
            self.emit(KEEP_TITLE)
        if not gc.isenabled():
            self.set_timer(STARTED_S, _collect_again)
        self.run_worker(self._live(), name="live", group="live", exit_on_error=True)

    def emit(self, sequence: str) -> None:
        """Write what is no drawing to the terminal: a title, a notification."""
        if sequence and self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    async def on_unmount(self) -> None:
        if self._titled:
            self.emit(BRING_BACK_TITLE)
        await self.client.close()

    async def action_quit(self) -> None:
        """From wherever it is asked: windows that lose nothing by it close, then the desk ends."""
        while self.screen is not self.desk_screen:
            if isinstance(self.screen, Window) and not self.screen.may_leave():
                return
            await self.screen.dismiss(None)
        self.desk_screen.action_do("app.quit")

    # --- keys ---------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif not self._order.takes(event):
            await self._route(event)

    async def _route(self, event: events.Key | events.Paste) -> None:
        target = self.focused or self.screen
        await super().on_event(event)
        # What was not handed on is done; whoever had the focus may be gone with it.
        self._follow(target.post_message if event.is_forwarded else self.post_message)

    def _follow(self, post: Callable[[KeyArrived], object]) -> None:
        """Until the marker is back, what is typed waits."""
        marker = self._order.begin()
        if not post(marker):
            self.post_message(marker)
        self._patience = self.set_timer(PATIENCE_S, partial(self._arrived, marker.number))

    @on(KeyArrived)
    async def key_arrived(self, event: KeyArrived) -> None:
        event.stop()
        await self._arrived(event.number)

    async def _arrived(self, number: int) -> None:
        if not self._order.arrived(number):
            return
        if self._patience is not None:
            self._patience.stop()  # or a held key would leave a clock behind each time
        if isinstance(self.screen, Window) and not self.screen.is_open:
            self._follow(self.screen.tell_open)
        while (event := self._order.next()) is not None:
            await self._route(event)

    async def _live(self) -> None:
        """Say hello until somebody answers, then listen for ever."""
        backoff = Backoff()
        greeted = await self._greet()
        while not greeted:
            await asyncio.sleep(backoff.pause())
            greeted = await self._greet()
        await self.client.listen(self._heard, self._link)

    async def _greet(self) -> bool:
        try:
            hello = await self.client.hello()
        except UnreachableError as error:
            self.desk_screen.post_message(LinkChanged(Link("offline", str(error))))
            return False
        except RefusedError as error:
            why = refusal(error.body)
            self.desk_screen.post_message(LinkChanged(Link("offline", why)))
            return False
        if self.client.seq is None:
            self.client.seq = hello.seq
        self.desk_screen.post_message(Greeted(hello))
        return True

    def _heard(self, envelope: Envelope) -> None:
        self.desk_screen.post_message(Heard(envelope))

    def _link(self, link: Link) -> None:
        self.desk_screen.post_message(LinkChanged(link))
        if link.state == "online":
            # Another server may be there now, or other channels: ask again.
            self.run_worker(self._greet(), name="greet", group="greet", exclusive=True)


def _collect_again() -> None:
    """What is there after the start stays there: it need not be looked through each time."""
    gc.collect()
    gc.freeze()
    gc.enable()


def run_console(
    socket_path: str | None,
    *,
    url: str = "http://omni",
    token: str = "",
    language: str | None = None,
    mouse: bool = True,
    keys_path: Path | None = None,
    tour: bool = False,
    remembers: bool = True,
) -> int:
    """Run the console until the operator quits; the exit code.

    `remembers`: begin with the layout of the last time, and keep that of this one.
    """
    i18n.use(language)
    end_with_the_terminal()
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    client = ServerClient(socket_path, url=url, token=token)
    own = read_own(keys_path, tour=tour)
    console = OmniConsole(
        client,
        own=own if remembers else replace(own, layouts=None),
        theme=os.environ.get("OMNI_THEME") or own.settings.theme,
    )
    console.animation_level = "none"
    code = console.run(mouse=mouse)
    return code if isinstance(code, int) else console.return_code or 0
