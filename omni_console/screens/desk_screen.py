"""The desk: status line, list, panes, card, keys; and who does what when a key is pressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.desk import Changed, Desk
from omni_console.i18n import _
from omni_console.keymap import install
from omni_console.messages import (
    CountsCame,
    CustomerCame,
    DetailCame,
    DraftSaved,
    DraftsCame,
    Greeted,
    Heard,
    LinkChanged,
    OlderCame,
    PageCame,
    PeopleCame,
    Refused,
    RowCame,
    Sent,
    Unanswered,
)
from omni_console.outgoing import Outgoing
from omni_console.screens.cases import Cases
from omni_console.screens.windows import Windows
from omni_console.screens.writing import Writing
from omni_console.timing import Clock
from omni_console.views import VIEWS
from omni_console.widgets.banner import OfflineBanner
from omni_console.widgets.close_form import CloseForm
from omni_console.widgets.composer import Composer
from omni_console.widgets.conversation_list import ConversationList
from omni_console.widgets.customer_card import CustomerCard
from omni_console.widgets.key_line import KeyLine
from omni_console.widgets.line_list import LineList
from omni_console.widgets.pane import Pane
from omni_console.widgets.pane_grid import PaneGrid
from omni_console.widgets.river_view import RiverView
from omni_console.widgets.status_line import StatusLine
from server.protocol import Conversation, View

PAGE = 100
OLDER = 100
TICK_S = 10.0
COUNTS_AFTER_S = 0.3
CARD_FROM = 110  # columns below which the card is not offered


class DeskScreen(Screen[None]):
    """The one screen an operator works in. Everything else is a small window over it."""

    AUTO_FOCUS = None
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]  # noqa: RUF012 - Textual's

    def __init__(self, desk: Desk, client: ServerClient, clock: Clock, changes: Mapping[str, str]) -> None:
        super().__init__()
        self.desk = desk
        self.client = client
        self.clock = clock
        self.changes = changes
        self.online = False
        self.greeted = False
        self._begun = False
        self.outgoing: dict[int, Outgoing] = {}
        self.status = StatusLine(desk, clock)
        self.banner = OfflineBanner()
        self.list = ConversationList(desk, clock)
        self.grid = PaneGrid(desk, clock, changes)
        self.card = CustomerCard(desk, clock)
        self.keys = KeyLine(changes)
        self.writing = Writing(self)
        self.cases = Cases(self)
        self.windows = Windows(self)
        self._came_from: int | None = None
        self._changed: Changed | None = None
        self._counts_due = False
        self._seen_asked: dict[int, int] = {}
        self._jump_to: tuple[int, int] | None = None  # conversation and message a search led to
        install(self, ("anywhere",), changes)
        install(self.list, ("list", "browse"), changes)
        self._commands = self._make_commands()

    def compose(self) -> ComposeResult:
        yield self.status
        yield self.banner
        with Horizontal(id="body"):
            yield self.list
            yield self.grid
            yield self.card
        yield self.keys

    def on_mount(self) -> None:
        self.set_focus(self.list)
        self.set_interval(TICK_S, self.tick)

    def tick(self) -> None:
        """Time goes on: ages are painted anew."""
        self.list.refresh()
        self.status.changed()
        for pane in self.grid.panes:
            pane.header.changed()

    # --- keys -----------------------------------------------------------------------------------------

    def _make_commands(self) -> dict[str, Callable[[], None]]:
        commands: dict[str, Callable[[], None]] = {
            "row.next": lambda: self._move(1),
            "row.prev": lambda: self._move(-1),
            "page.half_down": lambda: self._page(0.5),
            "page.half_up": lambda: self._page(-0.5),
            "list.top": lambda: self._to_end(top=True),
            "list.bottom": lambda: self._to_end(top=False),
            "thread.next": lambda: self._neighbour(1),
            "thread.prev": lambda: self._neighbour(-1),
            "thread.open": self._open_selected,
            "thread.last": self._back_and_forth,
            "attention.next": lambda: self.go_on(),
            "attention.prev": lambda: self.go_on(back=True),
            "view.next": lambda: self._turn_view(1),
            "view.prev": lambda: self._turn_view(-1),
            "pane.next": lambda: self._turn_focus(1),
            "pane.prev": lambda: self._turn_focus(-1),
            "pane.split_right": lambda: self._split(right=True),
            "pane.split_down": lambda: self._split(right=False),
            "pane.zoom": self._zoom,
            "pane.close": self._close_pane,
            "history.channels": self._one_channel,
            "thread.card": self._toggle_card,
            "screen.redraw": self.reload,
            "app.quit": self.writing.quit,
        }
        commands |= self.writing.commands() | self.cases.commands() | self.windows.commands()
        for number in range(1, 8):
            commands[f"slot.{number}"] = partial(self._slot, number)
        return commands

    def action_do(self, command: str) -> None:
        """Every key and every line of the palette ends here.

        While something is written, letters may still wait in the editor's queue when the next key is
        read: what that key does waits behind them, or half a word would be sent, or land elsewhere.
        """
        if isinstance(self.focused, Composer):
            self.focused.call_later(self._commands[command])
        else:
            self._commands[command]()

    def say(self, text: str, *, bad: bool = False) -> None:
        self.keys.say(text, bad=bad)

    @property
    def pane(self) -> Pane | None:
        """The active pane, when it shows a conversation."""
        pane = self.grid.active
        return pane if pane is not None and pane.conversation_id else None

    @property
    def target(self) -> Conversation | None:
        """The conversation that a command is about: under the cursor in the list, else in the pane."""
        if self.focused is self.list or self.pane is None:
            key = self.list.conversation_id
            return None if key is None else self.desk.conversations.get(key)
        return self.pane.row

    def _move(self, rows: int) -> None:
        focused = self.focused
        if isinstance(focused, LineList):
            focused.move(rows)
        elif isinstance(focused, RiverView):
            focused.scroll_lines(rows)

    def _page(self, pages: float) -> None:
        focused = self.focused
        if isinstance(focused, LineList):
            focused.move_pages(pages)
        elif isinstance(focused, RiverView):
            focused.scroll_pages(pages)

    def _to_end(self, *, top: bool) -> None:
        focused = self.focused
        if isinstance(focused, LineList):
            focused.move_to(0 if top else focused.row_count() - 1)
        elif isinstance(focused, RiverView):
            if top:
                focused.to_oldest()
            else:
                focused.to_newest()

    # --- focus, views, panes ------------------------------------------------------------------------------

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        widget = event.widget
        pane = next((node for node in widget.ancestors_with_self if isinstance(node, Pane)), None)
        if pane is not None and pane is not self.grid.active:
            self.grid.activate(pane)
            self._show_card()
        if pane is not None:
            pane.river.changed()  # what it shows counts as read from now on
        if widget is self.list:
            self.keys.show_mode("list")
        elif isinstance(widget, RiverView):
            self.keys.show_mode("browse")
        elif pane is not None and widget is pane.composer:
            self.keys.show_mode("compose")
        else:
            self.keys.show_mode("anywhere")

    def _turn_focus(self, step: int) -> None:
        panes = [pane for pane in self.grid.panes if pane.conversation_id]
        stops = [self.list, *(pane.river for pane in panes)]
        here = 0
        for index, pane in enumerate(panes, 1):
            if self.focused is not None and pane in self.focused.ancestors_with_self:
                here = index
        wanted = stops[(here + step) % len(stops)]
        self._show_reading(wanted is not self.list)
        if wanted is not self.list:
            self.grid.activate(panes[stops.index(wanted) - 1])
        self.set_focus(wanted)

    def _show_reading(self, reading: bool) -> None:
        self.set_class(reading, "-reading")
        if not reading:
            self.grid.remove_class("-zoomed")
            self.remove_class("-zoomed-screen")

    def _turn_view(self, step: int) -> None:
        self.show_view(VIEWS[(VIEWS.index(self.list.view) + step) % len(VIEWS)])

    def show_view(self, view: View) -> None:
        self._show_reading(False)
        self.desk.trim(self.grid.conversations(), view)
        self.list.show(view)
        self.status.show_view(view)
        self.set_focus(self.list)
        if not self.desk.windows[view].loaded:
            self.load_view(view)

    @on(StatusLine.ViewChosen)
    def view_clicked(self, event: StatusLine.ViewChosen) -> None:
        self.show_view(event.view)

    @on(LineList.Chosen, "#list")
    def row_clicked(self) -> None:
        self._open_selected()

    def _open_selected(self) -> None:
        key = self.list.conversation_id
        if key is not None:
            self.open(key)

    def _neighbour(self, step: int) -> None:
        pane = self.pane
        if pane is not None:
            self.list.select(pane.conversation_id)
        self.list.move(step)
        self._open_selected()

    def _slot(self, number: int) -> None:
        key = self.desk.slots[number - 1]
        if key is None:
            self.say(_("nothing has the number {n}").format(n=number))
        else:
            self.open(key)

    def _back_and_forth(self) -> None:
        if self._came_from is not None:
            self.open(self._came_from)

    def go_on(self, *, back: bool = False) -> None:
        """To where the operator is needed next."""
        here = self.pane.conversation_id if self.pane else None
        key = self.desk.next_attention(here, back=back)
        if key is None:
            self.say(_("nobody waits for you"))
        else:
            self.open(key)

    def open(self, conversation_id: int, *, focus: bool = True) -> None:
        """Show a conversation: in the pane that has it, else in the active one."""
        pane = self.grid.showing(conversation_id) or self.grid.active
        row = self.desk.conversations.get(conversation_id)
        if pane is None:
            return
        if row is None:
            self.load_detail(conversation_id)
            return
        before = self.pane.conversation_id if self.pane else None
        if before is not None and before != conversation_id:
            self._came_from = before
        self.grid.activate(pane)
        self._show_reading(True)
        if pane.conversation_id != conversation_id:
            pane.show(row)
            self.load_detail(conversation_id)
        self.list.select(conversation_id)
        self._show_opened()
        if focus:
            self.set_focus(pane.river)

    def _show_opened(self) -> None:
        self.list.opened = set(self.grid.conversations())
        self.list.refresh()
        self._show_card()

    def _show_card(self) -> None:
        self.card.show(self.pane.conversation_id if self.pane else 0)

    def _split(self, *, right: bool) -> None:
        pane = self.grid.split(right=right)
        if pane is None:
            self.say(_("no room for another pane"))
            return
        self.set_class(False, "-zoomed-screen")
        # A new pane shows what is needed next, or waits for the list.
        here = self.grid.conversations()
        key = self.list.conversation_id if self.focused is self.list else None
        if key is None or key in here:
            key = self.desk.next_attention(here[0] if here else None)
        if key is not None and key not in here and key in self.desk.conversations:
            pane.show(self.desk.conversations[key])
            self.load_detail(key)
            self.list.select(key)
            self.set_focus(pane.river)
        else:
            self.set_focus(self.list)
        self._show_opened()

    def _zoom(self) -> None:
        if self.pane is None:
            return
        self.grid.zoom()
        self.set_class(self.grid.has_class("-zoomed"), "-zoomed-screen")
        self.set_focus(self.pane.river)

    def _close_pane(self) -> None:
        self.writing.save_now()
        if self.focused is self.list and self.has_class("-narrow"):
            return
        left = self.grid.close_active()
        self.remove_class("-zoomed-screen")
        if left is None:
            if self.grid.active is not None and not self.has_class("-narrow"):
                self.grid.active.show(None)
            self._show_reading(False)
            self.set_focus(self.list)
        else:
            self.set_focus(left.river)
        self._show_opened()

    def _one_channel(self) -> None:
        pane = self.pane
        if pane is None:
            return
        found = {message.channel_id for message in pane.river.river.messages() if message.channel_id}
        choices = ["", *sorted(found)]
        if len(choices) < 3:
            self.say(_("everything was said on one channel"))
            return
        at = choices.index(pane.river.only_channel) if pane.river.only_channel in choices else 0
        channel = choices[(at + 1) % len(choices)]
        pane.river.show_channel(channel)
        pane.header.only_channel = channel
        pane.header.changed()

    def _toggle_card(self) -> None:
        if self.has_class("-wide"):
            self.toggle_class("-no-card")
        elif self.size.width >= CARD_FROM:
            self.toggle_class("-card")
        else:
            self.say(_("the card needs a terminal of {n} columns").format(n=CARD_FROM))

    # --- loading ------------------------------------------------------------------------------------------

    def load_view(self, view: View) -> None:
        window = self.desk.windows[view]
        window.loading = True
        client = self.client
        errands.send(
            self,
            f"view.{view}",
            lambda: client.conversations(view, limit=PAGE),
            lambda page: PageCame(view, page, first=True),
        )

    @on(ConversationList.MoreWanted)
    def load_more(self, event: ConversationList.MoreWanted) -> None:
        window = self.desk.windows[event.view]
        if window.loading or window.next is None:
            return
        window.loading = True
        client, after, view = self.client, window.next, event.view
        errands.send(
            self,
            f"view.{view}",
            lambda: client.conversations(view, after=after, limit=PAGE),
            lambda page: PageCame(view, page, first=False),
        )

    def load_detail(self, conversation_id: int) -> None:
        client = self.client
        errands.send(
            self,
            "detail",
            lambda: client.detail(conversation_id),
            DetailCame,
            conversation_id=conversation_id,
        )

    @on(RiverView.OlderWanted)
    def load_older(self, event: RiverView.OlderWanted) -> None:
        river = self.desk.river(event.customer_id)
        if river.loading or river.before is None:
            return
        river.loading = True
        client, before, customer_id = self.client, river.before, event.customer_id
        errands.send(
            self,
            f"older.{customer_id}",
            lambda: client.history(customer_id, before, limit=OLDER),
            lambda page: OlderCame(customer_id, page),
        )

    def load_counts(self) -> None:
        if not self._counts_due:
            self._counts_due = True
            self.set_timer(COUNTS_AFTER_S, self._ask_counts)

    def _ask_counts(self) -> None:
        self._counts_due = False
        errands.send(self, "counts", self.client.counts, CountsCame)

    def _load_people(self) -> None:
        client = self.client

        async def ask() -> PeopleCame:
            return PeopleCame(await client.channels(), await client.operators())

        errands.send(self, "people", ask, lambda message: message)

    def reload(self) -> None:
        """Everything anew: after a reset, or because the operator asked for it."""
        self.desk.forget_lists()
        self.list.rows_changed()
        for view in ("mine", "queue", self.list.view):
            if not self.desk.windows[view].loading:
                self.load_view(view)
        for key in self.grid.conversations():
            self.load_detail(key)
        errands.send(self, "drafts", self.client.drafts, DraftsCame)
        self.app.refresh(layout=True)

    # --- what comes -----------------------------------------------------------------------------------------

    @on(Greeted)
    def greeted_by_server(self, event: Greeted) -> None:
        self.clock.set_by(event.hello.now)
        self.desk.greet(event.hello)
        first = not self.greeted
        self.greeted = True
        self.status.changed()
        if first:
            self.reload()
        else:
            self.load_counts()

    @on(LinkChanged)
    def link_changed(self, event: LinkChanged) -> None:
        link = event.link
        self.online = link.state == "online"
        self.status.online = self.online
        self.status.changed()
        if self.online:
            self.banner.hide()
            for window in self.desk.windows.values():
                window.loading = False
            for key in self.grid.conversations():
                pane = self.grid.showing(key)
                if pane is not None and key not in self.desk.ways:
                    self.load_detail(key)
            if self.greeted and not self.desk.windows[self.list.view].loaded:
                self.load_view(self.list.view)
            self.writing.online_again()
        else:
            self.banner.show(link.why, for_good=link.state == "refused")

    @on(Heard)
    def heard(self, event: Heard) -> None:
        if event.envelope.type == "reset":
            self.reload()
            return
        changed = self.desk.apply(event.envelope)
        merged = self._changed
        if merged is None:
            self._changed = changed
            self.call_after_refresh(self._paint_changes)
        else:
            merged.lists |= changed.lists
            merged.counts |= changed.counts
            merged.people |= changed.people
            merged.conversations |= changed.conversations
            merged.customers |= changed.customers
            merged.drafts |= changed.drafts
            merged.stale_customers |= changed.stale_customers
            merged.stale_ways |= changed.stale_ways
            merged.arrived = changed.arrived or merged.arrived

    def _paint_changes(self) -> None:
        changed, self._changed = self._changed, None
        if changed is None:
            return
        if changed.lists or changed.customers:
            self.list.rows_changed()
        if changed.counts:
            self.load_counts()
        if changed.people:
            self._load_people()
            self.status.changed()
        for pane in self.grid.panes:
            row = pane.row
            if row is None:
                continue
            if row.id in changed.conversations or row.customer_id in changed.customers:
                pane.changed()
        for customer_id in changed.stale_customers:
            errands.send(self, "customer", partial(self.client.customer, customer_id), CustomerCame)
        for conversation_id in changed.stale_ways:
            self.load_detail(conversation_id)
        self.card.changed()
        arrived = changed.arrived
        if arrived is not None and not self.app.app_focus:
            row = self.desk.conversations.get(arrived.conversation_id)
            if row is not None and row.assignee_id in (None, self.desk.me):
                self.app.bell()

    @on(PageCame)
    def page_came(self, event: PageCame) -> None:
        self.desk.put_page(event.view, event.page, first=event.first)
        self.status.changed()
        self._begin_where_work_is(event)
        if event.view == self.list.view:
            self.list.rows_changed()

    def _begin_where_work_is(self, event: PageCame) -> None:
        """Nobody waits for this operator yet: the day begins with the queue."""
        if event.view != "mine" or self._begun:
            return
        self._begun = True
        if not event.page.items and event.page.counts.queue and self.list.view == "mine":
            self.show_view("queue")

    @on(DetailCame)
    def detail_came(self, event: DetailCame) -> None:
        detail = event.detail
        row = detail.conversation
        self.desk.put_detail(detail)
        pane = self.grid.showing(row.id)
        if pane is None and self.grid.active is not None and not self.grid.active.conversation_id:
            self.open(row.id)
            pane = self.grid.showing(row.id)
        if pane is not None:
            pane.restore()
            pane.changed()
            self._jump(pane)
        self.list.rows_changed()
        self.card.changed()
        self.writing.detail_came(row.id)

    def jump_to(self, conversation_id: int, message_id: int) -> None:
        """Open a conversation at one message, loading older pages until it is there."""
        self._jump_to = (conversation_id, message_id)
        if self.grid.showing(conversation_id) is not None:
            self.open(conversation_id)
            pane = self.grid.showing(conversation_id)
            if pane is not None:
                self._jump(pane)
        else:
            self.open(conversation_id)

    def _jump(self, pane: Pane) -> None:
        if self._jump_to is None or self._jump_to[0] != pane.conversation_id:
            return
        if pane.river.jump(self._jump_to[1]):
            self._jump_to = None
        elif pane.river.river.before is not None:
            self.load_older(RiverView.OlderWanted(pane.river, pane.river.customer_id))
        else:
            self._jump_to = None

    @on(OlderCame)
    def older_came(self, event: OlderCame) -> None:
        self.desk.put_history(event.customer_id, event.page, older=True)
        for pane in self.grid.panes:
            if pane.river.customer_id == event.customer_id:
                pane.changed()
                self._jump(pane)

    @on(CountsCame)
    def counts_came(self, event: CountsCame) -> None:
        self.desk.put_counts(event.counts)
        self.status.changed()

    @on(CustomerCame)
    def customer_came(self, event: CustomerCame) -> None:
        self.desk.put_customer(event.customer)
        self.list.rows_changed()
        self.card.changed()

    @on(PeopleCame)
    def people_came(self, event: PeopleCame) -> None:
        self.desk.channels = {channel.id: channel for channel in event.channels}
        self.desk.operators = {operator.id: operator for operator in event.operators}
        self.status.changed()

    @on(DraftsCame)
    def drafts_came(self, event: DraftsCame) -> None:
        for draft in event.drafts:
            self.desk.put_draft(draft)
        self.list.refresh()

    @on(RowCame)
    def row_came(self, event: RowCame) -> None:
        self.put_row(event.row)
        self.cases.done(event.row)
        if event.said:
            self.say(event.said)

    def put_row(self, row: Conversation) -> None:
        self.desk.put_row(row, with_seen=True)
        self.list.rows_changed()
        pane = self.grid.showing(row.id)
        if pane is not None:
            pane.changed()
        self.load_counts()

    @on(RiverView.Read)
    def read(self, event: RiverView.Read) -> None:
        """Painted, in the pane that has the focus, while somebody looks: seen."""
        pane = self.grid.active
        if pane is None or pane.river is not event.sender or not self.app.app_focus:
            return
        if (
            self.focused is None
            or pane not in self.focused.ancestors_with_self
            or self.app.screen is not self
        ):
            return
        key, seq = event.conversation_id, event.seq
        if not self.online or self._seen_asked.get(key, 0) >= seq:
            return
        self._seen_asked[key] = seq
        client = self.client
        errands.send(self, "seen", lambda: client.seen(key, seq), RowCame, conversation_id=key)

    def on_app_focus(self) -> None:
        if self.pane is not None:
            self.pane.river.changed()

    @on(CloseForm.Filled)
    def form_filled(self, event: CloseForm.Filled) -> None:
        self.cases.form_filled(event)

    @on(CloseForm.Left)
    def form_left(self) -> None:
        if self.pane is not None:
            self.set_focus(self.pane.river)

    @on(Pane.DraftChanged)
    def draft_changed(self) -> None:
        self.writing.save_soon()
        self.list.refresh()

    @on(DraftSaved)
    def draft_saved(self, event: DraftSaved) -> None:
        self.desk.drafts.saved(event.draft, event.ticket)

    @on(Sent)
    def sent(self, event: Sent) -> None:
        self.writing.sent(event)

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self._give_up_loading(event.what)
        if event.what == "seen":
            self._seen_asked.pop(event.conversation_id, None)
        elif not (self.writing.refused(event) or self.cases.refused(event)):
            self.say(f"{event.problem.message}. {event.problem.hint}".strip(" ."), bad=True)

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self._give_up_loading(event.what)
        if event.what == "seen":
            self._seen_asked.pop(event.conversation_id, None)
        elif not self.writing.unanswered(event) and self.online:
            self.say(_("no answer from the server: {why}").format(why=event.why), bad=True)

    def _give_up_loading(self, what: str) -> None:
        for view, window in self.desk.windows.items():
            if what == f"view.{view}":
                window.loading = False
        for customer_id, river in self.desk.rivers.items():
            if what == f"older.{customer_id}":
                river.loading = False
