"""What the desk is filled from: what is asked of the server, and where the answers go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.messages import (
    CountsCame,
    CustomerCame,
    DetailCame,
    DraftsCame,
    FieldsCame,
    OlderCame,
    PageCame,
    PeopleCame,
    Refused,
    SuggestionsCame,
    Unanswered,
)
from omni_console.views import ListWindow
from server.protocol import Counts, Customer, Draft, FieldSpec, View

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

PAGE = 100  # conversations
OLDER = 100  # messages
FAR = 200  # messages a page on the way to a place far back
BASES: tuple[View, ...] = ("mine", "queue")  # whatever is on the screen: attention and numbers come of them
AGAIN_S = 1.0  # after which a list that did not come is asked for again
COUNTS_AFTER_S = 0.3  # many changes at once are counted once


class Loader:
    """`load_*` asks and returns at once; what came is handed by the screen to a `*_came`."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._desk = screen.desk
        self._client = screen.client
        self._counts_due = False

    # --- lists ------------------------------------------------------------------------------------------

    def load_view(self, view: View) -> None:
        """The beginning of a view, whole."""
        self._load_page(view, self._desk.windows[view])

    def load_list(self) -> None:
        """The beginning of the list on the screen, filtered or not."""
        place = self._screen.list.place
        self._load_page(place, self._desk.window(place))

    def load_more(self, place: str) -> None:
        """The next page of a list, unless it is on its way or there is none."""
        window = self._desk.window(place)
        if not window.loading and window.next is not None:
            self._load_page(place, window, window.next)

    def _load_page(self, place: str, window: ListWindow, after: str | None = None) -> None:
        window.loading = True
        client, view = self._client, window.view
        asked = window.narrowed.asked if window.narrowed is not None else ""
        errands.send(
            self._screen,
            f"view.{place}",
            lambda: client.conversations(view, after=after, limit=PAGE, filtered=asked),
            lambda page: PageCame(place, page, first=after is None, asked=asked),
        )

    def page_came(self, event: PageCame) -> None:
        screen = self._screen
        self._desk.put_page(event.place, event.page, first=event.first, asked=event.asked)
        screen.status.changed()
        screen.keys.changed()
        screen.browsing.begin()
        if event.place == screen.list.place:
            screen.list.rows_changed()

    def load_counts(self) -> None:
        if not self._counts_due:
            self._counts_due = True
            self._screen.set_timer(COUNTS_AFTER_S, self._ask_counts)

    def _ask_counts(self) -> None:
        self._counts_due = False
        errands.send(self._screen, "counts", self._client.counts, CountsCame)

    def counts_came(self, counts: Counts) -> None:
        self._desk.put_counts(counts)
        self._screen.status.changed()
        self._screen.browsing.begin()

    # --- one conversation, one customer -----------------------------------------------------------------

    def load_detail(self, conversation_id: int) -> None:
        errands.send(
            self._screen,
            "detail",
            partial(self._client.detail, conversation_id),
            DetailCame,
            conversation_id=conversation_id,
        )

    def detail_came(self, event: DetailCame) -> None:
        screen, row = self._screen, event.detail.conversation
        self._desk.put_detail(event.detail)
        screen.layouts.detail_came(row.id)
        pane, active = screen.grid.showing(row.id), screen.grid.active
        empty = not active.conversation_id and not active.awaits
        if pane is None and (empty or screen.browsing.awaited == row.id):
            screen.browsing.open(row.id)
            pane = screen.grid.showing(row.id)
        if pane is not None:
            pane.restore()
            pane.changed()
            screen.reading.find_place(pane)
        screen.list.rows_changed()
        screen.card.changed()
        screen.keys.changed()
        screen.writing.detail_came(row.id)
        self.load_suggestions(event.detail.customer)

    def load_older(self, customer_id: int, count: int = OLDER) -> None:
        """The page of the history before what is loaded, unless it is on its way or there is none."""
        river, client = self._desk.river(customer_id), self._client
        if river.loading or river.before is None:
            return
        river.loading = True
        before = river.before
        errands.send(
            self._screen,
            f"older.{customer_id}",
            lambda: client.history(customer_id, before, limit=count),
            lambda page: OlderCame(customer_id, page),
        )

    def older_came(self, event: OlderCame) -> None:
        self._desk.put_history(event.customer_id, event.page, older=True)
        for pane in self._screen.grid.panes:
            if pane.river.customer_id == event.customer_id:
                pane.changed()
                self._screen.reading.find_place(pane)

    def load_customer(self, customer_id: int) -> None:
        errands.send(self._screen, "customer", partial(self._client.customer, customer_id), CustomerCame)

    def customer_came(self, customer: Customer) -> None:
        self._desk.put_customer(customer)
        self._screen.list.rows_changed()
        self._screen.card.changed()
        self.load_suggestions(customer)

    # --- who is whom --------------------------------------------------------------------------------------

    def load_inbox(self) -> None:
        """How many suggestions are open."""
        api = self._client.people
        errands.send(
            self._screen,
            "inbox",
            lambda: api.suggestions(limit=1),
            lambda page: SuggestionsCame(None, page),
        )

    def load_suggestions(self, customer: Customer) -> None:
        """Those that speak of this person, where there are any."""
        if not customer.suggestions:
            self._desk.suggestions.pop(customer.id, None)
            return
        api, key = self._client.people, customer.id
        errands.send(
            self._screen,
            "inbox",
            lambda: api.suggestions(key),
            lambda page: SuggestionsCame(key, page),
        )

    def suggestions_came(self, event: SuggestionsCame) -> None:
        self._desk.put_suggestions(event.customer_id, event.page)
        self._screen.status.changed()
        self._screen.card.changed()

    def load_fields(self) -> None:
        errands.send(self._screen, "fields", self._client.people.fields, FieldsCame)

    def fields_came(self, fields: list[FieldSpec]) -> None:
        self._desk.fields = {field.name: field for field in fields}
        self._screen.card.changed()

    # --- operators and channels, drafts ------------------------------------------------------------------

    def load_people(self) -> None:
        client = self._client

        async def ask() -> PeopleCame:
            return PeopleCame(await client.channels(), await client.operators())

        errands.send(self._screen, "people", ask, lambda message: message)

    def people_came(self, event: PeopleCame) -> None:
        self._desk.channels = {channel.id: channel for channel in event.channels}
        self._desk.operators = {}
        for operator in event.operators:
            self._desk.put_operator(operator)
        self._screen.status.changed()

    def _load_drafts(self) -> None:
        errands.send(self._screen, "drafts", self._client.drafts, DraftsCame)

    def drafts_came(self, drafts: list[Draft]) -> None:
        for draft in drafts:
            self._desk.put_draft(draft)
        self._screen.list.lines_changed()

    # --- all of it ----------------------------------------------------------------------------------------

    def redraw(self) -> None:
        """As the operator asks for it. While the server is lost, what is loaded is all there is."""
        if self._screen.online:
            self.reload()
        else:
            self._screen.app.refresh(layout=True)

    def reload(self) -> None:
        """Everything anew: at the beginning, after a reset, or because the operator asked for it."""
        screen, desk = self._screen, self._desk
        desk.forget_lists()
        screen.list.rows_changed()
        self._load_missing()
        for key in screen.grid.conversations():
            self.load_detail(key)
        self._load_drafts()
        self.load_fields()
        self.load_inbox()
        screen.narrowing.load()
        screen.mentions.load()
        screen.app.refresh(layout=True)

    def online_again(self) -> None:
        """What was asked before is not answered any more: ask again for what is on the screen."""
        screen, desk = self._screen, self._desk
        for window in (*desk.windows.values(), *desk.narrowed.values()):
            window.loading = False
        for key in screen.grid.conversations():
            if key not in desk.ways:
                self.load_detail(key)
        if desk.operator is not None:  # before, the greeting loads everything
            self._load_missing()

    def _load_missing(self) -> None:
        """The beginnings of lists that should be here, and neither are nor are on their way."""
        for view in BASES:
            if self._desk.windows[view].is_missing:
                self.load_view(view)
        if self._desk.window(self._screen.list.place).is_missing:
            self.load_list()

    def _once_more(self) -> None:
        if self._screen.online:  # else they are asked for with the connection
            self._load_missing()

    def gave_up(self, event: Refused | Unanswered) -> bool:
        """An errand failed: if it was about a page, that page may be asked for again. True when nobody
        needs to hear of it: an older server knows no such question."""
        what = event.what
        for place, window in (*self._desk.windows.items(), *self._desk.narrowed.items()):
            if what == f"view.{place}":
                window.loading = False
                if isinstance(event, Unanswered) or event.problem.code == "unavailable":
                    self._screen.set_timer(AGAIN_S, self._once_more)
        for customer_id, river in self._desk.rivers.items():
            if what == f"older.{customer_id}":
                river.loading = False
        pane = self._screen.grid.showing(event.conversation_id) if what == "detail" else None
        if pane is not None:
            pane.river.did_not_come()
            self._screen.card.changed()
        return what in ("inbox", "fields", "codes", "views")
