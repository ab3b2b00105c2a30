"""Tells colleagues what is on this screen: which conversations, and where something is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.protocol import PANES_MAX, Draft, Whereabouts

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

TICK_S = 2.0
RENEWED_EVERY = 2  # ticks; the server forgets what is typed after 8 s, and what is looked at after 15 s
QUIET_AFTER = 2  # ticks without a key: he thinks, or went away


class Attending:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._said = Whereabouts()
        self._typed: Draft | None = None  # the newest change of what is written
        self._quiet = 0  # ticks since then
        self._ticks = 0

    def typed(self, draft: Draft) -> None:
        """What is being written changed, by keys or because it was sent."""
        self._typed = draft if draft.text else None
        self._quiet = 0
        self.say()

    def tick(self) -> None:
        self._ticks += 1
        self._quiet += 1
        self.say(again=self._ticks % RENEWED_EVERY == 0)

    def say(self, *, again: bool = False) -> None:
        """Tell the server, if it is news, or if it is time to say it again."""
        now = self._now()
        if now != self._said or (again and now.open):
            self._said = now
            self._screen.run_worker(self._screen.client.attend(now), group="attend", exit_on_error=True)

    def _now(self) -> Whereabouts:
        screen = self._screen
        if not screen.app.app_focus:
            return Whereabouts()  # the terminal is behind another window
        shown = screen.grid.conversations()[:PANES_MAX]
        typed, pane = self._typed, screen.pane
        writes = typed is not None and pane is not None and pane.writing and self._quiet < QUIET_AFTER
        if typed is None or not writes or typed.conversation_id not in shown:
            return Whereabouts(open=shown)
        return Whereabouts(
            open=shown, typing=typed.conversation_id, kind="note" if typed.kind == "note" else "reply"
        )
