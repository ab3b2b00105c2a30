"""The identity inbox: two cards side by side, and why they may be one person. One key decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.i18n import _
from omni_console.messages import Done, InboxCame, Refused, TakeBack, Unanswered
from omni_console.refusals import refusal
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.window import Window
from omni_console.server_words import said_by_server
from omni_console.text import fit, safe_line
from omni_console.timing import Clock
from omni_console.widgets.card import words
from omni_console.widgets.foot import Foot, Hint
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line
from server.protocol import Customer, Suggestion

HEIGHT = 6
ADDRESSES = 3
MORE_AHEAD = 10

KEYS: Mapping[str, str] = {
    "y": "yes", "н": "yes", "n": "no", "т": "no", "u": "undo", "г": "undo",
    "j": "down", "о": "down", "down": "down", "k": "up", "л": "up", "up": "up",
    "h": "left", "р": "left", "left": "left", "l": "right", "д": "right", "right": "right",
    "tab": "turn", "enter": "open",
}  # fmt: skip


class GoTo(msgspec.Struct, frozen=True):
    """Somebody whose conversation is wanted."""

    customer_id: int


class InboxRows(LineList):
    row_height = HEIGHT

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.items: list[Suggestion] = []
        self.side: Literal[0, 1] = 0
        self.loaded = False

    def row_count(self) -> int:
        return len(self.items)

    def empty(self) -> str:
        return _("nobody to decide about") if self.loaded else _("loading…")

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        item = self.items[index]
        edge = (Content("▌ " if selected else "  "), "accent")
        room = width - 3
        if line == 0:
            sure = _("{n} of 100").format(n=min(100, item.score))
            why = fit(safe_line(words.reasons(item)), max(0, room - len(sure) - 2))
            return [edge, (why, "note"), (safe_line(sure, before="  "), "dim")]
        if line == HEIGHT - 1:
            return [edge]
        half = (room - 2) // 2
        out: Line = [edge]
        for side, person in enumerate((item.one, item.other)):
            here = selected and side == self.side
            content, role = self._side(person, line, here=here)
            out += [(fit(content, half), role), (Content("  "), "base")]
        return out

    def _side(self, person: Customer, line: int, *, here: bool) -> tuple[Content, str]:
        sign = "› " if here else "  "
        if line == 1:
            name = person.name.strip() or _("(no name)")
            return safe_line(name, before=sign), "name" if here else "strong"
        if line - 2 < min(ADDRESSES, len(person.addresses)):
            address = person.addresses[line - 2]
            known = words.proof(address)
            mark = "✓ " if address.verified else "? "
            text = f"{mark}{said_by_server(address.label)}" + (f" · {known}" if known else "")
            return safe_line(text, before="  "), "base" if address.verified else "dim"
        if line - 2 == len(person.addresses):
            since = _("since {day}").format(day=self.clock.day(person.created_at))
            return safe_line("  ".join([since, *(f"#{tag}" for tag in person.tags)]), before="  "), "dim"
        return Content(""), "base"


class IdentityScreen(Window[GoTo]):
    """Ends with the person to go to, or None."""

    BINDINGS: ClassVar = [("escape,q,й", "leave", "")]

    def __init__(self, client: ServerClient, clock: Clock, customer_id: int | None = None) -> None:
        super().__init__()
        self.client = client
        self.rows = InboxRows(clock)
        self.foot = Foot(("esc", _("close")))
        self._customer_id = customer_id
        self._next: str | None = None
        self._backs: list[TakeBack] = []
        self._deciding = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="window -tall"):
            yield TextLines(_("Who is whom"), role="strong", classes="title")
            yield self.rows
            yield self.foot

    def opened(self) -> None:
        self.rows.focus()
        self._load()

    def _load(self, after: str | None = None) -> None:
        client, customer_id = self.client, self._customer_id
        self._next = None
        errands.send(
            self, "inbox", lambda: client.people.suggestions(customer_id, after), lambda page: InboxCame(page)
        )

    @on(InboxCame)
    def came(self, event: InboxCame) -> None:
        known = {item.id for item in self.rows.items}
        self.rows.items += [item for item in event.page.items if item.id not in known]
        self.rows.loaded = True
        self._next = event.page.next
        self._rows_changed()

    def _rows_changed(self) -> None:
        self.rows.rows_changed()
        keys: list[Hint] = []
        if self.rows.items:
            keys += [("y", _("one person")), ("n", _("two people"))]
        if self._backs:
            keys.append(("u", _("take back")))
        if self.rows.items:
            keys.append(("← → enter", _("open a conversation")))
        self.foot.offer(*keys, ("esc", _("close")))

    # --- deciding -------------------------------------------------------------------------------------

    def _decide(self, *, one_person: bool) -> None:
        if self._deciding or not self.rows.items:
            return
        item, api = self.rows.items[self.rows.cursor], self.client.people
        names = _("{one} and {other}").format(one=item.one.name, other=item.other.name)
        if one_person:
            said = _("{names}: one person").format(names=names)

            async def ask() -> Done:
                merged = await api.accept(item.id)

                async def back() -> Done:
                    await api.unmerge(merged.merge_id)
                    await api.ask_again(item.id)
                    return Done(_("{names}: two people again").format(names=names))

                return Done(said, back=TakeBack(said, back))
        else:
            said = _("{names}: two people; not asked again").format(names=names)

            async def ask() -> Done:
                await api.refuse(item.id)

                async def back() -> Done:
                    await api.ask_again(item.id)
                    return Done(_("{names}: open again").format(names=names))

                return Done(said, back=TakeBack(said, back))

        self._deciding = True
        at = self.rows.cursor
        errands.send(self, "decide", ask, lambda done: done)
        self.rows.items = [one for one in self.rows.items if one.id != item.id]
        self.rows.cursor = at
        self._rows_changed()

    def _undo(self) -> None:
        if self._deciding:
            return
        if not self._backs:
            self.foot.say(_("nothing to take back"), "dim")
            return
        self._deciding = True
        errands.send(self, "undo", self._backs.pop().ask, lambda done: done)
        self._rows_changed()

    @on(Done)
    def done(self, event: Done) -> None:
        self._deciding = False
        self.foot.say(event.said, "strong")
        if event.back is not None:
            self._backs.append(event.back)
            self._rows_changed()
            if self._next is not None and len(self.rows.items) < MORE_AHEAD:
                self._load(self._next)
        else:
            self._load()  # what was decided is open again

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self._deciding = False
        self.foot.say(refusal(event.problem), "bad")
        if not self.rows.loaded:
            self.rows.lost()
        if event.what == "decide":
            self._load()

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self._deciding = False
        self.foot.say(_("no answer from the server: {why}").format(why=event.why), "bad")
        if not self.rows.loaded:
            self.rows.lost()
        if event.what == "decide":
            self._load()

    # --- keys -----------------------------------------------------------------------------------------

    @on(LineList.Chosen)
    def clicked(self, event: LineList.Chosen) -> None:
        event.stop()
        self._open()

    def _open(self) -> None:
        if self.rows.items:
            item = self.rows.items[self.rows.cursor]
            self.dismiss(GoTo((item.one, item.other)[self.rows.side].id))

    def on_key(self, event: events.Key) -> None:
        what = KEYS.get(event.key)
        if what is None:
            return
        event.stop()
        event.prevent_default()
        if what in ("yes", "no"):
            self._decide(one_person=what == "yes")
        elif what == "undo":
            self._undo()
        elif what in ("down", "up"):
            self.rows.move(1 if what == "down" else -1)
            if self._next is not None and self.rows.cursor + MORE_AHEAD > len(self.rows.items):
                self._load(self._next)
        elif what == "open":
            self._open()
        else:
            self.rows.side = {"left": 0, "right": 1}.get(what, 1 - self.rows.side)  # type: ignore[assignment]
            self.rows.refresh()
