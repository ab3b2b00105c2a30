"""Tells the operator what happens elsewhere: bell, a line, his own program, the terminal's notification."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from omni_console.happenings import Happening
from omni_console.telling import Telling, decide, title
from omni_console.terminal_signs import notification, title_sequence

if TYPE_CHECKING:
    from omni_console.own_settings import Settings
    from omni_console.screens.desk_screen import DeskScreen

PROGRAM_S = 10.0  # that the operator's own program may take


class Teller:
    """Several happenings within a few seconds are told as one."""

    def __init__(self, screen: DeskScreen, settings: Settings) -> None:
        self._screen = screen
        self._settings = settings
        self._waiting: list[Happening] = []
        self._gathering = False
        self._title = ""

    def heard(self, happened: Sequence[Happening]) -> None:
        if not happened:
            return
        self._waiting += happened
        if self._gathering:
            return
        if self._tell() and self._settings.tell.gather_seconds:
            self._gathering = True
            self._screen.set_timer(self._settings.tell.gather_seconds, self._gathered)

    def _gathered(self) -> None:
        self._gathering = False
        happened, self._waiting = self._waiting, []
        self.heard(happened)

    def _tell(self) -> bool:
        """True when something was told."""
        screen, happened = self._screen, self._waiting
        self._waiting = []
        pane, away = screen.pane, not screen.app.app_focus
        looked_at = {pane.conversation_id} if pane and screen.reading.looked_at(pane.river) else set()
        there = screen.clock.local(screen.clock.now())
        telling = decide(happened, looked_at, self._settings.tell, there, away=away)
        if telling is None:
            return False
        self._do(telling)
        return True

    def _do(self, telling: Telling) -> None:
        screen, tell = self._screen, self._settings.tell
        if "bell" in telling.ways:
            screen.app.bell()
        if "line" in telling.ways:
            screen.say(telling.text)
        if "terminal" in telling.ways:
            screen.console.emit(notification(tell.terminal, telling.text, os.environ))
        if "command" in telling.ways and tell.command:
            screen.run_worker(
                run_program(tell.command, telling), group="telling", exclusive=True, exit_on_error=False
            )

    def show_title(self) -> None:
        """How many of this operator's conversations are unread, in the terminal's title."""
        desk = self._screen.desk
        unread = sum(desk.unread(row) for row in desk.rows("mine")) + desk.mentions
        text = title(unread)
        if self._settings.title and text != self._title:
            self._title = text
            self._screen.console.emit(title_sequence(text))


async def run_program(command: Sequence[str], telling: Telling) -> None:
    """The operator's own program: no shell; what is told stands in its environment and its input. One that
    is not there, fails or hangs is let be."""
    environ = {
        **os.environ,
        "OMNI_KIND": telling.kind,
        "OMNI_TEXT": telling.text,
        "OMNI_COUNT": str(telling.count),
    }
    with contextlib.suppress(OSError, ValueError):
        program = await asyncio.create_subprocess_exec(
            *command,
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(PROGRAM_S):
                await program.communicate(telling.text.encode() + b"\n")
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()
