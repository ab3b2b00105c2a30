"""One conversation on the screen: header, history, what is in the way, and the editor."""

from __future__ import annotations

from collections.abc import Mapping

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from omni_console.addressees import Addressees, of_draft
from omni_console.desk import Desk
from omni_console.drafts import ComposeKind
from omni_console.i18n import _, ngettext
from omni_console.keymap import install, key_for
from omni_console.server_words import said_by_server
from omni_console.timing import Clock
from omni_console.widgets.close_form import CloseForm
from omni_console.widgets.composer import Composer
from omni_console.widgets.pane_lines import ComposeLine, Notice, PaneHeader
from omni_console.widgets.river_view import RiverView
from server.protocol import Conversation, Draft, ReplyWay
from server.protocol.quotes import quotes_by_hand

ROOMY = 30  # lines of a pane from which its header says everything; below it has two or three


class Pane(Vertical):
    """Shows one conversation, or nothing. It holds the text being written; the desk keeps the draft."""

    class DraftChanged(Message):
        def __init__(self, draft: Draft) -> None:
            super().__init__()
            self.draft = draft

    def __init__(self, desk: Desk, clock: Clock, changes: Mapping[str, str], key: int) -> None:
        super().__init__(classes="pane")
        self.key = key  # its number in the tree of splits
        self.desk = desk
        self.conversation_id = 0
        self.awaits = 0  # a conversation that is to be shown here as soon as it is loaded
        self.chosen_way: tuple[str, int] | None = None  # (channel, address); None: the best one
        self.addressees = Addressees()  # whom the reply goes to, where the way lets us choose
        self._changes = changes
        self._missing: list[str] = []  # variables that stand in the text, as they stand there
        self.header = PaneHeader(desk, clock)
        self.river = RiverView(desk, clock)
        self.notice = Notice()
        self.line = ComposeLine(desk, clock)
        self.composer = Composer(changes)
        self.form = CloseForm()
        install(self.river, ("browse", "panes"), changes)

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.river
        yield self.form
        yield self.notice
        yield self.line
        yield self.composer

    def on_mount(self) -> None:
        self._show_writing()

    def make_room(self, height: int) -> None:
        """The pane is about to have so many lines: its header takes as many as it may."""
        roomy = height >= ROOMY
        if roomy != self.header.roomy:
            self.header.roomy = roomy
            self.header.changed(layout=True)

    # --- what is shown -------------------------------------------------------------------------------

    @property
    def row(self) -> Conversation | None:
        return self.desk.conversations.get(self.conversation_id)

    @property
    def ways(self) -> list[ReplyWay]:
        return self.desk.ways.get(self.conversation_id, [])

    @property
    def way(self) -> ReplyWay | None:
        for way in self.ways:
            if (way.channel_id, way.address_id) == self.chosen_way:
                return way
        return self.ways[0] if self.ways else None

    @property
    def writing(self) -> bool:
        return self.is_attached and self.screen.focused is self.composer

    def show(self, row: Conversation | None) -> None:
        """Another conversation. What was being written stays behind as its draft."""
        if row is not None and row.id == self.conversation_id:
            return
        self.keep()
        self.awaits = 0
        self.conversation_id = 0  # nothing typed now belongs to anybody
        self.composer.put("")
        self.composer.read_only = False
        self.composer.turn("reply")
        self.notice.clear()
        self.form.display = False
        self.chosen_way = None
        self.addressees = Addressees()
        self._missing = []
        self.line.busy = False
        self.conversation_id = row.id if row else 0
        self.header.conversation_id = self.conversation_id
        self.header.only_channel = ""
        self.line.conversation_id = self.conversation_id
        self.river.show(self.conversation_id, row.customer_id if row else 0)
        self.restore()
        self.changed()

    def restore(self) -> None:
        """Bring back the draft, unless something is being written."""
        if self.conversation_id and self.composer.text:
            known = self.desk.drafts.get(self.conversation_id, self.composer.kind)
            if known is not None and known.text == self.composer.text:
                self._choose_way(known)  # the ways to answer are known only now
        elif self.conversation_id:
            kind = self.composer.kind
            draft = self.desk.drafts.get(self.conversation_id, kind)
            if draft is None and kind == "reply" and not self.writing:
                draft = self.desk.drafts.get(self.conversation_id, "note")
                if draft is not None:
                    self.composer.turn("note")
            if draft is None and kind == "reply" and not self.writing:
                draft = self.desk.drafts.get(self.conversation_id, "first")
                if draft is not None:
                    self.composer.turn("first")
            if draft is not None:
                self._choose_way(draft)
                self.composer.put(draft.text)
        self._show_writing()

    def bring_back(self, kind: ComposeKind) -> None:
        """It was taken back: its draft, with what was begun since, stands in the editor."""
        draft = self.desk.drafts.get(self.conversation_id, kind)
        if draft is not None:
            self.composer.turn(kind)
            self.notice.clear()
            self._choose_way(draft)
            self.composer.put(draft.text)
        self._show_writing()

    def _choose_way(self, draft: Draft) -> None:
        for way in self.ways:
            if (way.channel_id, way.address_id) == (draft.channel_id, draft.address_id):
                self.chosen_way = (way.channel_id, way.address_id)
                self.addressees = of_draft(draft)

    def changed(self) -> None:
        """Rows, messages or the time changed."""
        row = self.row
        if row is not None and row.customer_id != self.river.customer_id:
            self.river.follow(row.customer_id)
        self.header.changed()
        self.river.changed()
        self._show_writing()

    def set_active(self, active: bool, number: int, count: int) -> None:
        """`number` of `count`, as one reads the panes."""
        self.header.active = active
        self.header.number, self.header.count = number, count
        self.header.awaited = bool(self.awaits)
        self.set_class(active, "-active")
        self._show_focus()

    def _show_focus(self) -> None:
        """What is typed goes here, or not: its head says so in words of light and in reverse."""
        focused = self.is_attached and self.has_focus_within
        self.header.focused = focused
        self.set_class(focused, "-focused")
        self.header.changed()

    def _show_writing(self) -> None:
        line = self.line
        line.note = self.composer.kind == "note"
        line.first = self.composer.kind == "first"
        line.way = self.way
        line.ways = len(self.ways)
        line.addressees = self.addressees
        line.files = [file.name for file in self.desk.drafts.attached.get(self.conversation_id, [])]
        line.length = len(self.composer.text)
        line.by_hand = quotes_by_hand(self.composer.text)
        line.writing = self.writing
        line.changed()
        self.set_class(line.note, "-note")
        busy_text = bool(self.composer.text) or self.writing
        self.composer.display = busy_text and bool(self.conversation_id)
        self.line.display = bool(self.conversation_id)

    # --- writing ---------------------------------------------------------------------------------------

    def write(self, kind: ComposeKind) -> None:
        """Start writing; what was begun of this kind comes back."""
        if not self.conversation_id:
            return
        self.turn(kind)
        self.composer.display = True
        self.screen.set_focus(self.composer)  # at once: the next key is text already

    def turn(self, kind: ComposeKind) -> None:
        if self.composer.kind != kind:
            self.keep()
            self.composer.turn(kind)
            draft = self.desk.drafts.get(self.conversation_id, kind)
            self.composer.put(draft.text if draft else "")
            self.notice.clear()
        self._show_writing()

    def next_way(self) -> None:
        ways, way = self.ways, self.way
        if way is not None and len(ways) > 1:
            following = ways[(ways.index(way) + 1) % len(ways)]
            self.chosen_way = (following.channel_id, following.address_id)
            self.addressees = Addressees()  # of another channel, or with another customer among them
            self.keep()
            self._show_writing()

    def keep(self) -> None:
        """Tell the desk what is written, now."""
        if not self.conversation_id:
            return
        way = self.way
        known = self.desk.drafts.get(self.conversation_id, self.composer.kind)
        if way is None and known is not None and known.text == self.composer.text:
            return  # restored before the ways to answer were known: it keeps its own
        draft = Draft(
            conversation_id=self.conversation_id,
            kind=self.composer.kind,
            text=self.composer.text,
            subject=known.subject if known is not None else None,
            channel_id=way.channel_id if way else "",
            address_id=way.address_id if way else None,
            to=list(self.addressees.to),
            cc=list(self.addressees.cc),
            bcc=list(self.addressees.bcc),
            files=list(self.desk.drafts.attached.get(self.conversation_id, []))
            if self.composer.kind == "reply"
            else [],
        )
        if self.desk.drafts.write(draft):
            self.post_message(self.DraftChanged(draft))

    def address(self, addressees: Addressees) -> None:
        """Whom the reply goes to."""
        way = self.way
        if way is not None:
            self.chosen_way = (way.channel_id, way.address_id)
        self.addressees = addressees
        self.keep()
        self._show_writing()

    def _hold_way(self) -> None:
        """What is being written goes where it was begun for, wherever the customer writes meanwhile; an
        empty composer follows him."""
        way = self.way
        if not self.composer.text:
            self.chosen_way = self.chosen_way if self.addressees else None
        elif self.chosen_way is None and way is not None:
            self.chosen_way = (way.channel_id, way.address_id)

    def set_busy(self, busy: bool) -> None:
        """A reply is on its way to the server: its words stay as they are until it answers."""
        self.line.busy = busy
        self.composer.read_only = busy
        self.line.changed()

    def too_long(self, text: str, way: ReplyWay) -> bool:
        """More than the channel takes? Then the operator is told."""
        over = len(text) - way.text_max
        if over > 0:
            words = ngettext(
                "{n} character too many for {channel}: not sent",
                "{n} characters too many for {channel}: not sent",
                over,
            )
            self.notice.say(words.format(n=over, channel=said_by_server(way.channel_title)))
        return over > 0

    def lacks(self, missing: list[str]) -> None:
        """Variables that nobody could fill in: told until they are gone from the text."""
        self._missing = [f"{{{name}}}" for name in missing]
        if missing:
            names = ", ".join(self._missing)
            self.notice.say(_("write in what belongs there, or it is not sent: {names}").format(names=names))

    def not_answered(self, *, maybe_done: bool) -> None:
        """The server said nothing to what was to be sent."""
        self.set_busy(False)
        text = _("not sent: the server cannot be reached. The text stays here")
        if maybe_done:
            text = _("no answer: it may have been sent. {key} asks again, and cannot send it twice")
            text = text.format(key=key_for("compose.send"))
        self.notice.say(text)

    def sent(self, kind: ComposeKind) -> None:
        """The server has taken what was written."""
        self.set_busy(False)
        self._missing = []
        self.notice.clear()
        if kind != "note":
            self.chosen_way = None
            self.addressees = Addressees()
        if kind == "reply":
            self.desk.drafts.attached.pop(self.conversation_id, None)
        if self.composer.kind == kind:
            self.composer.put("")
            self.keep()
            self.composer.turn("reply")
            draft = self.desk.drafts.get(self.conversation_id, "reply")
            if draft is not None:
                self._choose_way(draft)
                self.composer.put(draft.text)  # begun before the note: an empty editor would replace it
        self.river.to_newest()
        self._show_writing()

    @on(TextArea.Changed)
    def typed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._missing and not any(name in self.composer.text for name in self._missing):
            self._missing = []
            self.notice.clear()
        self._hold_way()
        self.keep()
        self._show_writing()

    def on_descendant_focus(self) -> None:
        self._show_focus()
        self._show_writing()

    def on_descendant_blur(self) -> None:
        self.call_later(self._show_focus)
        self.call_later(self._show_writing)
