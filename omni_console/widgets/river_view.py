"""The history of a customer, drawn line by line from the message at the top of the screen.

Only what is on the screen is ever wrapped: ten thousand messages cost as much as ten. The place is a
message and a line of it, so older pages, new messages and other widths do not move what is being read.
Without a place the newest message is at the bottom, and stays there.
"""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message as Told
from textual.strip import Strip

from omni_console.desk import Desk
from omni_console.i18n import _
from omni_console.keymap import key_for
from omni_console.river import River
from omni_console.server_words import said_by_server
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.line_canvas import Laid, LineCanvas
from omni_console.widgets.message_lines import (
    Context,
    day_line,
    message_lines,
    seconds_left,
    separator,
)
from omni_console.widgets.paint import Line
from server.protocol import Conversation, Message

AHEAD = 30  # messages before the oldest loaded one at which the page before it is asked for
CACHE_MAX = 1_000
WHEEL_LINES = 3


class RiverView(LineCanvas, can_focus=True):
    class OlderWanted(Told):
        def __init__(self, sender: RiverView, customer_id: int) -> None:
            super().__init__()
            self.sender = sender
            self.customer_id = customer_id

        @property
        def control(self) -> RiverView:
            return self.sender

    class Read(Told):
        """Messages were painted; `seq` is the newest of the pane's conversation that the customer wrote."""

        def __init__(self, sender: RiverView, conversation_id: int, seq: int) -> None:
            super().__init__()
            self.sender = sender
            self.conversation_id = conversation_id
            self.seq = seq

        @property
        def control(self) -> RiverView:
            return self.sender

    class Called(Told):
        """Notes were painted in which a colleague calls this operator."""

        def __init__(self, sender: RiverView, messages: list[int]) -> None:
            super().__init__()
            self.sender = sender
            self.messages = messages

        @property
        def control(self) -> RiverView:
            return self.sender

    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__(classes="river")
        self.desk = desk
        self.clock = clock
        self.conversation_id = 0
        self.customer_id = 0
        self.only_channel = ""
        self.painted_seq = 0  # newest event of this pane that was on the screen
        self.hit: int | None = None  # the message a search led to
        self._top: tuple[int, int] | None = None  # message id and line of it; None: follow the newest
        self._top_lines = 0  # lines that this message had then; at another width it has others
        self._left: tuple[int, int] | None = None  # the place, while a larger screen shows the end as well
        self.marked: set[int] = set()  # messages, to split them off
        self.at: int | None = None  # the message under the cursor, while messages are marked
        self._opened: set[int] = set()  # messages whose folds are open
        self._items: list[Message] = []
        self._items_of: tuple[int, int, str] | None = None
        self._cache: dict[int, tuple[tuple[object, ...], list[Line]]] = {}
        self._screen: list[tuple[Line, int]] | None = None
        self._laid_out_for = Size(0, 0)

    # --- what is shown ------------------------------------------------------------------------------

    def show(self, conversation_id: int, customer_id: int) -> None:
        if (conversation_id, customer_id) == (self.conversation_id, self.customer_id):
            return
        self.conversation_id = conversation_id
        self.customer_id = customer_id
        self.only_channel = ""
        self.painted_seq = 0
        self.hit = None
        self.marked.clear()
        self.at = None
        self._top = None
        self._left = None
        self._opened.clear()
        self._cache.clear()
        self.changed()

    def follow(self, customer_id: int) -> None:
        """The conversation is another person's now: cards were merged, or taken apart."""
        self.customer_id = customer_id
        self._cache.clear()
        self.changed()

    @property
    def river(self) -> River:
        return self.desk.river(self.customer_id)

    @property
    def following(self) -> bool:
        """Is the newest message at the bottom?"""
        return self._top is None

    def changed(self) -> None:
        """Something in the river, or around it, is new; the last line is painted in any case, for with it
        what is on the screen counts as read."""
        self._screen = None
        self.lines_changed()
        if self.size.height:
            self.refresh(Region(0, self.size.height - 1, self.size.width, 1))

    def did_not_come(self) -> None:
        """What was asked for; what is here already can still be read."""
        if not self.river.loaded:
            self.river.failed = True
            self.changed()

    def show_channel(self, channel_id: str) -> None:
        self.only_channel = channel_id
        self._top = None
        self._left = None
        self.changed()

    def on_resize(self, event: events.Resize) -> None:
        self.changed()

    def items(self) -> list[Message]:
        wanted = (id(self.river), self.river.version, self.only_channel)
        if self._items_of != wanted:
            messages = self.river.messages()
            if self.only_channel:
                messages = [one for one in messages if one.channel_id == self.only_channel]
            self._items = messages
            self._items_of = wanted
            self._screen = None  # its lines count the messages that were there before
            if self._top is None:
                self._left = None  # who followed the newest goes on following
        return self._items

    # --- laying out -----------------------------------------------------------------------------------

    def block(self, index: int) -> list[Line]:
        """The lines of one message with what stands above it."""
        items = self.items()
        message = items[index]
        before = items[index - 1] if index else None
        row = self.river.conversations.get(message.conversation_id)
        unread = message.conversation_id == self.conversation_id and self.desk.unread_message(message)
        width = self.size.width
        opened = message.id in self._opened
        key = (
            message,
            before,
            row,
            unread,
            width,
            self.hit == message.id,
            self._today(),
            opened,
            self._sign(message),
            seconds_left(message, self.clock),
        )
        cached = self._cache.get(message.id)
        if cached is not None and cached[0] == key:
            return cached[1]
        lines = self._block(message, before, row, unread=unread, width=width)
        if len(self._cache) >= CACHE_MAX:
            self._cache.clear()
        self._cache[message.id] = (key, lines)
        return lines

    def _today(self) -> int:
        return self.clock.local(self.clock.now()).toordinal()

    def _block(
        self, message: Message, before: Message | None, row: Conversation | None, *, unread: bool, width: int
    ) -> list[Line]:
        lines: list[Line] = []
        new_case = before is None or before.conversation_id != message.conversation_id
        if new_case:
            channel = self.desk.channels.get(message.channel_id)
            lines.append(
                separator(
                    row, said_by_server(channel.title) if channel else "", message.at, self.clock, width
                )
            )
        elif self.clock.day(before.at) != self.clock.day(message.at) if before else False:
            lines.append(day_line(message.at, self.clock, width))
        subject = bool(message.subject) and (
            new_case or before is None or _bare(before.subject) != _bare(message.subject)
        )
        context = Context(
            width=width,
            unread=unread,
            subject=subject,
            hit=self.hit == message.id,
            opened=message.id in self._opened,
            sign=self._sign(message),
        )
        lines.extend(message_lines(message, self.clock, context))
        return lines

    def _lay_out(self) -> list[tuple[Line, int]]:
        """Every line of the screen with the index of its message (-1: nothing there)."""
        items, height = self.items(), self.size.height
        blank: tuple[Line, int] = ([], -1)
        if height <= 0 or self.size.width <= 0:
            return []
        if not items:
            hint: Line = [(Content("  "), "base"), (safe_line(self._why_empty()), "dim")]
            return [(hint, -1) if y == 1 else blank for y in range(height)]
        if self._top is not None:
            index = self._index_of(self._top[0])
            if index is None:
                self._top = None
            else:
                lines: list[tuple[Line, int]] = []
                skip = self._line_of_top(index)
                while index < len(items) and len(lines) < height + skip:
                    lines.extend((line, index) for line in self.block(index))
                    index += 1
                shown = lines[skip : skip + height]
                if len(shown) == height and (index < len(items) or len(lines) > skip + height):
                    return shown
                self._top = None  # the end is on the screen: follow it
        lines = []
        index = len(items) - 1
        while index >= 0 and len(lines) < height:
            lines[:0] = [(line, index) for line in self.block(index)]
            index -= 1
        lines = lines[-height:]
        return [blank] * (height - len(lines)) + lines

    def _why_empty(self) -> str:
        if not self.conversation_id:
            return _("enter opens a conversation here")
        if self.river.failed:
            return _("this could not be loaded; {key} tries again").format(key=key_for("screen.redraw"))
        return ""  # it comes at once

    def _line_of_top(self, index: int) -> int:
        """The line of the message at the top, which may be wrapped at another width by now."""
        line = self._top[1] if self._top is not None else 0
        now = len(self.block(index)) if line else 0
        return line * now // self._top_lines if line and now != self._top_lines else line

    def _index_of(self, message_id: int) -> int | None:
        if not self.only_channel:
            return self.river.index_of(message_id)
        for index, message in enumerate(self.items()):
            if message.id == message_id:
                return index
        return None

    def screen_lines(self) -> list[tuple[Line, int]]:
        self.items()  # a message may be gone already, and the news of it not painted yet
        # Textual may paint a new size before it tells of it, or without telling at all.
        if self._screen is None or self._laid_out_for != self.size:
            resized = self._laid_out_for != self.size
            self._laid_out_for = self.size
            if resized:
                self._top = self._top or self._left
                self._left = self._top
            self._screen = self._lay_out()
        return self._screen

    def laid_line(self, y: int) -> Laid:
        lines = self.screen_lines()
        if y >= len(lines):
            return ([], ())
        line, index = lines[y]
        states = []
        if index >= 0:
            message = self.items()[index]
            states = [
                *(["private"] if message.kind == "note" else []),
                *(["cursor"] if message.id == self.at else []),
            ]
        return (line, tuple(states))

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        lines = self.screen_lines()
        if y == len(lines) - 1:
            self._painted(lines)
        return strip

    def _painted(self, lines: list[tuple[Line, int]]) -> None:
        items = self.items()
        shown = {index for _line, index in lines if index >= 0}
        mine = [items[index] for index in shown if items[index].conversation_id == self.conversation_id]
        newest = max((message.seq for message in mine), default=0)
        self.painted_seq = max(self.painted_seq, newest)
        heard = max((message.seq for message in mine if message.kind == "in"), default=0)
        row = self.desk.conversations.get(self.conversation_id)
        if row is not None and heard > self.desk.seen_seq(row):
            self.post_message(self.Read(self, self.conversation_id, heard))
        calls = [items[index].id for index in shown if items[index].id in self.desk.called]
        if calls:
            self.post_message(self.Called(self, calls))
        first = min(shown, default=0)
        if first < AHEAD and self.river.before is not None and not self.river.loading:
            self.post_message(self.OlderWanted(self, self.customer_id))

    # --- folds ---------------------------------------------------------------------------------------------

    def toggle_folds(self) -> bool:
        """Open what is folded in the messages on the screen; where all is open, fold. False: no folds."""
        items = self.items()
        shown = {index for _line, index in self.screen_lines() if index >= 0}
        folded = {items[index].id for index in shown if items[index].folds}
        if not folded:
            return False
        if folded <= self._opened:
            self._opened -= folded
        else:
            self._opened |= folded
        if self._top is not None and (index := self._index_of(self._top[0])) is not None:
            # What is being read stays; a message that became shorter has no such line any more.
            line = self._line_of_top(index)
            self._top_lines = len(self.block(index))
            self._top = (self._top[0], min(line, self._top_lines - 1))
        self.changed()
        return True

    # --- marking ------------------------------------------------------------------------------------------

    def _sign(self, message: Message) -> str:
        """What stands before the message while messages are marked: "*" marked, "›" the cursor."""
        if message.id in self.marked:
            return "*"
        return "›" if message.id == self.at else ""

    def toggle_mark(self) -> None:
        """Begin marking at the newest message on the screen; then mark what the cursor is on, or not."""
        items = self.items()
        shown = [index for _line, index in self.screen_lines() if index >= 0]
        if not shown:
            return
        if self.at is None or self._index_of(self.at) is None:
            mine = [index for index in shown if items[index].conversation_id == self.conversation_id]
            self.at = items[(mine or shown)[-1]].id
            self._top = self._top or (items[shown[0]].id, 0)
        self.marked ^= {self.at}
        self.changed()

    def end_marking(self) -> None:
        if self.at is not None or self.marked or self.hit is not None:
            self.marked.clear()
            self.at = None
            self.hit = None
            self.changed()

    def move_mark(self, messages: int) -> None:
        """The cursor of the marks, by whole messages; the screen follows it."""
        items = self.items()
        index = None if self.at is None else self._index_of(self.at)
        if index is None:
            return
        index = max(0, min(len(items) - 1, index + messages))
        self.at = items[index].id
        self._screen = None
        shown = [at for _line, at in self.screen_lines()]
        if index not in shown or (messages > 0 and shown[-1] == index and index < len(items) - 1):
            height = self.size.height
            above = 1 if messages < 0 else max(1, height - len(self.block(index)))
            self._top = (items[index].id, 0)
            self._screen = None
            self.scroll_lines(-above)
        self.changed()

    # --- moving -------------------------------------------------------------------------------------------

    def scroll_lines(self, lines: int) -> None:
        """Down (positive) or up."""
        items = self.items()
        shown = self.screen_lines()
        first = next(((y, index) for y, (_line, index) in enumerate(shown) if index >= 0), None)
        if first is None:
            return
        if first[0] > 0:
            return  # everything fits
        index = first[1]
        block = self.block(index)
        height_of_first = sum(1 for _line, other in shown if other == index)
        last = shown[-1][1]
        line = self._line_of_top(index) if self._top is not None else max(0, len(block) - height_of_first)
        if self._top is None and last == index:
            line = max(0, len(block) - len(shown))
        line += lines
        while line < 0 and index > 0:
            index -= 1
            line += len(self.block(index))
        while index < len(items) - 1 and line >= len(self.block(index)):
            line -= len(self.block(index))
            index += 1
        self._top_lines = len(self.block(index))
        self._top = (items[index].id, max(0, min(line, self._top_lines - 1)))
        self._left = None
        self.changed()

    def scroll_pages(self, pages: float) -> None:
        self.scroll_lines(int(self.size.height * pages) or 1)

    def to_case(self, step: int) -> None:
        """To the beginning of the conversation above (-1) or below (1); below the last one, to the end."""
        items = self.items()
        first = next((index for _line, index in self.screen_lines() if index >= 0), None)
        if first is None:
            return
        line = self._top[1] if self._top is not None and items[first].id == self._top[0] else 0
        begins = [
            index
            for index, message in enumerate(items)
            if index == 0 or items[index - 1].conversation_id != message.conversation_id
        ]
        if step < 0:
            before = [index for index in begins if index < first or (index == first and line > 0)]
            if before:
                self._top = (items[before[-1]].id, 0)
        else:
            after = [index for index in begins if index > first]
            self._top = (items[after[0]].id, 0) if after else None
            self._left = None
        self.changed()

    def to_oldest(self) -> None:
        items = self.items()
        if items:
            self._top = (items[0].id, 0)
            self.changed()

    def to_newest(self) -> None:
        self._top = None
        self._left = None
        self.changed()

    def jump(self, message_id: int) -> bool:
        """Bring a message to the upper third of the screen. False when it is not loaded."""
        if self._index_of(message_id) is None:
            return False
        self.hit = message_id
        self._opened.add(message_id)  # what was sought may stand in what it quotes
        self._top = (message_id, 0)
        self._screen = None
        self.scroll_lines(-(self.size.height // 3))
        return True

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-WHEEL_LINES)


def _bare(subject: str | None) -> str:
    text = (subject or "").strip()
    while text[:3].lower() in ("re:", "fw:"):
        text = text[3:].strip()
    return text
