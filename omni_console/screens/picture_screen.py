"""Pictures of a message, one at a time, as well as a terminal can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.i18n import _
from omni_console.images import decoder
from omni_console.images.blocks import Picture, pixels_in
from omni_console.images.decoder import UnreadableError
from omni_console.messages import Refused, Report, Unanswered
from omni_console.refusals import refusal
from omni_console.screens.window import Window
from omni_console.text import safe_line
from omni_console.widgets.file_lines import size
from omni_console.widgets.foot import Foot
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, balanced
from omni_console.widgets.picture_view import PictureView
from server.protocol import File

SETTLE_S = 0.1  # while a window is drawn larger, its size is another one many times a second

STEPS = {"n": 1, "т": 1, "right": 1, "p": -1, "з": -1, "left": -1}
DEEDS = {"o": "open", "щ": "open", "s": "save", "ы": "save"}


class PictureCame(Report):
    """`at`: which of the files; its bytes, and what was decoded of them, or why nothing was."""

    at: int
    data: bytes
    picture: Picture | None
    why: str = ""


class Head(Lines):
    """Its name at the left, what is known of it at the right."""

    def __init__(self) -> None:
        super().__init__(classes="title")
        self.name_shown = ""
        self.facts: list[str] = []

    def tell(self, name: str, facts: list[str]) -> None:
        self.name_shown, self.facts = name, facts
        self.changed()

    def lay_out(self, width: int) -> list[Line]:
        right: Line = [(safe_line(fact, before="  "), "dim") for fact in self.facts]
        return [balanced([(safe_line(self.name_shown), "strong")], right, width)]


class PictureScreen(Window[None]):
    """`take`: what is done with a file, "open" or "save"; it tells here how it went, while this stands."""

    BINDINGS: ClassVar = [("escape,q,й", "leave", "")]

    def __init__(
        self, client: ServerClient, files: Sequence[File], at: int, take: Callable[[File, str], None]
    ) -> None:
        super().__init__()
        self.client = client
        self.files = files
        self.at = at
        self.head = Head()
        self.view = PictureView()
        more = [("n p", _("next, previous"))] if len(files) > 1 else []
        self.foot = Foot(*more, ("o", _("open in your program")), ("s", _("save")), ("esc", _("close")))
        self._take = take
        self._data: bytes | None = None  # of the one that is shown

    def compose(self) -> ComposeResult:
        with Vertical(classes="window -picture"):
            yield self.head
            yield self.view
            yield self.foot

    def opened(self) -> None:
        self.view.focus()
        self._turn_to(self.at)

    @property
    def file(self) -> File:
        return self.files[self.at]

    def _turn_to(self, at: int) -> None:
        self.at, self._data = at, None
        self._tell()
        self.foot.say("")
        self.view.say(_("loading…"))
        self._ask()

    def _tell(self, picture: Picture | None = None) -> None:
        facts = [size(self.file.size)]
        if picture is not None:
            facts.insert(0, f"{picture.width}×{picture.height} {picture.format}")
        if len(self.files) > 1:
            facts.append(_("{n} of {all}").format(n=self.at + 1, all=len(self.files)))
        self.head.tell(self.file.name or self.file.kind, facts)

    def _ask(self, pause: float = 0.0) -> None:
        """Decode it for the room there is now; what was asked before is not wanted any more."""
        self.workers.cancel_group(self, "picture")
        if not self.view.size:
            return  # its size comes, and asks again
        at, file, data = self.at, self.file, self._data
        room = pixels_in(*self.view.size)

        async def ask() -> PictureCame:
            await asyncio.sleep(pause)
            got = data
            try:
                decoder.check_size(file.size)
                if got is None:
                    got = await self.client.file(file.id)
                return PictureCame(at, got, await decoder.decode(got, room))
            except UnreadableError as error:
                return PictureCame(at, got or b"", None, error.why)

        errands.send(self, "picture", ask, lambda came: came, group="picture")

    @on(PictureView.Resized)
    def resized(self) -> None:
        self._ask(SETTLE_S if self._data is not None else 0.0)

    @on(PictureCame)
    def picture_came(self, event: PictureCame) -> None:
        if event.at != self.at:
            return
        self._data = event.data
        self._tell(event.picture)
        if event.picture is None:
            self.view.say(event.why, "bad")
        else:
            self.view.show(event.picture)

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self.view.say(refusal(event.problem), "bad")

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self.view.say(_("no answer from the server: {why}").format(why=event.why), "bad")

    def on_key(self, event: events.Key) -> None:
        if event.key in STEPS and len(self.files) > 1:
            event.stop()
            self._turn_to((self.at + STEPS[event.key]) % len(self.files))
        elif event.key in DEEDS:
            event.stop()
            self._take(self.file, DEEDS[event.key])

    def say(self, text: str, *, bad: bool = False) -> None:
        self.foot.say(text, "bad" if bad else "dim")
