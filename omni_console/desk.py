"""The console's own copy of what this operator sees. Plain Python; no Textual, no network.

Pages, details and events go in, in any order and as often as they come; an older row never replaces a
newer one. Events are read in `desk_events`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from omni_console.drafts import DraftBook
from omni_console.outgoing import is_held
from omni_console.river import River
from omni_console.views import RANK, VIEWS, ListWindow, Narrowed, belongs, sort_at
from server.protocol import (
    ChannelInfo,
    Company,
    Conversation,
    ConversationDetail,
    ConversationPage,
    Counts,
    Customer,
    Draft,
    FieldSpec,
    Hello,
    HistoryPage,
    MentionPage,
    Message,
    OperatorInfo,
    ReplyWay,
    Role,
    SavedView,
    Stopped,
    Suggestion,
    SuggestionPage,
    TeamInfo,
    View,
)

SLOTS = 7
ANSWERING: frozenset[Role] = frozenset({"operator", "lead", "admin"})  # roles that write to customers
KEEP_ROWS = 2_000  # of a list that nobody looks at
KEEP_SEEN = 20_000  # conversations that are forgotten otherwise: a number each


class Desk:
    """Everything one operator sees. `me` is 0 until `hello` came."""

    def __init__(self) -> None:
        self.me = 0
        self.operator: OperatorInfo | None = None
        self.site = ""
        self.seq = 0
        self.trouble = ""
        self.counts = Counts()
        self.operators: dict[int, OperatorInfo] = {}
        self.channels: dict[str, ChannelInfo] = {}
        self.teams: list[TeamInfo] = []
        self.conversations: dict[int, Conversation] = {}
        self.customers: dict[int, Customer] = {}
        self.ways: dict[int, list[ReplyWay]] = {}  # by conversation
        self.stopped: dict[int, Stopped] = {}  # by conversation
        self.fields: dict[str, FieldSpec] = {}  # that cards may have
        self.suggestions: dict[int, list[Suggestion]] = {}  # open ones, by customer
        self.inbox = 0  # open suggestions of everybody
        self.company: dict[int, Company] = {}  # who is at which conversation now
        self.mentions = 0  # notes that call this operator and that he has not seen
        self.called: dict[int, int] = {}  # of the newest of them: message -> mention
        self.called_in: set[int] = set()  # and their conversations
        self.rivers: dict[int, River] = {}  # by customer
        self.windows: dict[View, ListWindow] = {view: ListWindow(view) for view in VIEWS}
        self.narrowed: dict[str, ListWindow] = {}  # filtered lists, by view or number of a saved view
        self.saved_views: list[SavedView] = []
        self.pinned: set[int] = set()  # conversations that are being read
        self.drafts = DraftBook()
        self.held: dict[int, Message] = {}  # mine, that the server holds for a moment
        self.slots: list[int | None] = [None] * SLOTS
        self.unknown_kinds: Counter[str] = Counter()
        self._seen: dict[int, int] = {}

    # --- what comes in ----------------------------------------------------------------------------

    def greet(self, hello: Hello) -> None:
        self.me = hello.operator.id
        self.operator = hello.operator
        self.site = hello.site
        self.trouble = hello.trouble
        self.operators = {operator.id: operator for operator in hello.operators}
        self.channels = {channel.id: channel for channel in hello.channels}
        self.teams = hello.teams

    def forget_lists(self) -> None:
        """Before loading everything anew: the log no longer reaches back to what we know."""
        for window in self._all_windows():
            window.clear()
        for river in self.rivers.values():
            river.clear()

    def window(self, place: str) -> ListWindow:
        """What is loaded of a list: of a view, filtered or not, or of a saved view ("7")."""
        if place in self.narrowed:
            return self.narrowed[place]
        return next((window for view, window in self.windows.items() if view == place), self.windows["mine"])

    def narrow(self, place: str, view: View, narrowed: Narrowed | None) -> None:
        """Filter a list from now on; None: not any more."""
        self.narrowed.pop(place, None)
        if narrowed is not None:
            self.narrowed[place] = ListWindow(view, narrowed)

    def pin(self, conversations: Iterable[int]) -> bool:
        """These are being read: no filter takes them out. True when another one leaves a list now."""
        released = self.pinned - (pinned := set(conversations))
        self.pinned = pinned
        return any(
            [self._put(window, self.conversations[key])
             for key in released if key in self.conversations
             for window in self.narrowed.values()]
        )  # fmt: skip

    def _all_windows(self) -> list[ListWindow]:
        return [*self.windows.values(), *self.narrowed.values()]

    def _put(self, window: ListWindow, row: Conversation, *, from_page: bool = False) -> bool:
        seen = self._seen.get(row.id, 0)
        return window.put(row, self.me, from_page=from_page, seen_seq=seen, stays=row.id in self.pinned)

    def put_page(self, place: str, page: ConversationPage, *, first: bool, asked: str = "") -> None:
        """A page of a list. `first`: the beginning of the list, which replaces what is loaded of it; `asked`:
        with which filter. A page of a filter that is not in force any more is none."""
        window = self.narrowed.get(place) if asked else self.windows.get(place)  # type: ignore[call-overload]
        if window is None or (window.narrowed is not None and window.narrowed.asked != asked):
            return
        if first:
            window.clear()
        for row in page.items:
            self._put(window, self._keep(row, with_seen=True), from_page=True)
        window.page_loaded(page.items[-1] if page.items else None, page.next)
        # What changed between the page's snapshot and now was already heard: put it in its place.
        for row in list(self.conversations.values()) if first else ():
            if row.seq > page.seq:
                self._put(window, row)
        self.put_counts(page.counts)
        self._deal_slots()

    def put_operator(self, info: OperatorInfo) -> None:
        self.operators[info.id] = info
        if info.id == self.me:
            self.operator = info

    def put_counts(self, counts: Counts) -> None:
        self.counts = counts

    def put_detail(self, detail: ConversationDetail) -> None:
        self.put_row(detail.conversation, with_seen=True)
        self.put_customer(detail.customer)
        self.ways[detail.conversation.id] = detail.ways
        self.stopped[detail.conversation.id] = detail.stopped
        self.put_history(detail.customer.id, detail.history, older=False)
        for draft in detail.drafts:
            self.drafts.take(draft)

    def put_customer(self, customer: Customer) -> None:
        self.customers[customer.id] = customer
        for row in customer.conversations:
            self.put_row(row, with_seen=True)
            self.river(customer.id).put_conversation(self.conversations[row.id])

    def put_suggestions(self, customer_id: int | None, page: SuggestionPage) -> None:
        """`customer_id` None: the beginning of the whole inbox, which knows how many there are."""
        self.inbox = page.open
        if customer_id is not None:
            self.suggestions[customer_id] = page.items

    def put_mentions(self, page: MentionPage) -> None:
        """The beginning of the list of those that were not seen."""
        self.mentions = page.open
        self.called = {one.note.id: one.id for one in page.items}
        self.called_in = {one.conversation_id for one in page.items}

    def regrouped(self, customers: Iterable[int]) -> None:
        """These histories are others now: cards were merged or taken apart, conversations regrouped."""
        for key in customers:
            if key in self.rivers:
                self.rivers[key].stale = True

    def put_history(self, customer_id: int, page: HistoryPage, *, older: bool) -> None:
        for row in page.conversations:
            self.put_row(row, with_seen=True)
        self.river(customer_id).put_page(page, older=older)

    def put_row(self, row: Conversation, *, with_seen: bool = False) -> bool:
        """A conversation, from wherever. True when something changed for the eye."""
        known, seen = self.conversations.get(row.id), self._seen.get(row.id)
        kept = self._keep(row, with_seen=with_seen)
        if known is not None and kept is known:
            if seen != self._seen.get(row.id):
                self._sift(kept)
            return False
        for window in self._all_windows():
            self._put(window, kept)
        river = self.rivers.get(kept.customer_id)
        if river is not None:
            river.put_conversation(kept)
        self._deal_slots(kept)
        return True

    def put_held(self, messages: Iterable[Message]) -> None:
        """All of mine that the server holds."""
        self.held = {message.id: message for message in messages}

    def note_held(self, message: Message) -> None:
        if message.author_id == self.me and is_held(message):
            self.held[message.id] = message
        else:
            self.held.pop(message.id, None)

    def still_held(self, now: int) -> list[Message]:
        """The oldest first; the time of what is not here any more is over."""
        self.held = {key: one for key, one in self.held.items() if (one.leaves_at or 0) > now}
        return sorted(self.held.values(), key=lambda one: one.id)

    def put_message(self, message: Message, as_of: int | None = None) -> bool:
        """A message from an answer or an event. `as_of`: seq it reflects, the message's own by default."""
        river = self.rivers.get(message.customer_id)
        if river is None or not river.loaded:
            return False
        return river.put(message, message.seq if as_of is None else as_of)

    def mark_seen(self, conversation_id: int, seq: int) -> bool:
        if seq <= self._seen.get(conversation_id, 0):
            return False
        self._seen[conversation_id] = seq
        row = self.conversations.get(conversation_id)
        if row is not None:
            self._sift(row)
        return True

    def note_unseen(self, conversation_id: int) -> None:
        """It begins now: nobody has read in it."""
        self._seen.setdefault(conversation_id, 0)

    def _sift(self, row: Conversation) -> None:
        """It was read: filters that ask for what is unread judge it anew."""
        for window in self.narrowed.values():
            self._put(window, row)

    def answered_there(self, message: Message) -> bool:
        """Whether our answers already go where this message came from (or nobody asked yet where)."""
        ways = self.ways.get(message.conversation_id)
        if ways is None:
            return True
        return bool(ways) and (ways[0].channel_id, ways[0].address_id) == (
            message.channel_id,
            message.address_id,
        )

    # --- what is asked ------------------------------------------------------------------------------

    def river(self, customer_id: int) -> River:
        if customer_id not in self.rivers:
            self.rivers[customer_id] = River(customer_id)
        return self.rivers[customer_id]

    def seen_seq(self, row: Conversation) -> int:
        known = self._seen.get(row.id)
        # Never told: then whoever answered last is presumed to have read.
        return row.reply_seq if known is None else known

    def unread(self, row: Conversation) -> bool:
        return row.customer_seq > self.seen_seq(row) and row.state != "closed"

    def unread_message(self, message: Message) -> bool:
        row = self.conversations.get(message.conversation_id)
        return message.kind == "in" and row is not None and message.seq > self.seen_seq(row)

    def slot_of(self, conversation_id: int) -> int | None:
        """1 to 7, or None."""
        return self.slots.index(conversation_id) + 1 if conversation_id in self.slots else None

    def next_attention(
        self, current: int | None, *, back: bool = False, besides: Collection[int] = ()
    ) -> int | None:
        """Where the operator is needed next: mine before the queue, unread before read, urgent before the
        rest, oldest first; none of those `besides`.

        Asked again and again, it goes round: what was just looked at comes last.
        """
        order = [
            row.id
            for view in ("mine", "queue")
            for row in sorted(
                (row for row in self.rows(view) if row.id not in besides),
                key=lambda row: (not self.unread(row), RANK[row.priority], sort_at(row), row.id),
            )
        ]
        if not order:
            return None
        unread = [key for key in order if key != current and self.unread(self.conversations[key])]
        mine_unread = [key for key in unread if self.conversations[key].assignee_id == self.me]
        if not back and (mine_unread or unread):
            return (mine_unread or unread)[0]
        if current not in order:
            return order[-1] if back else order[0]
        step = -1 if back else 1
        found = order[(order.index(current) + step) % len(order)]
        return None if found == current else found

    def rows(self, view: View) -> Iterable[Conversation]:
        return [self.conversations[key] for key in self.windows[view].ids()]

    def trim(self, open_conversations: Iterable[int], shown: str) -> None:
        """Forget what no list and no pane holds, so that a long day stays small."""
        for place, window in (*self.windows.items(), *self.narrowed.items()):
            if place != shown:
                window.trim(KEEP_ROWS)
        wanted = set(open_conversations) | {key for key in self.slots if key is not None}
        for window in self._all_windows():
            wanted.update(window.ids())
        customers = {self.conversations[key].customer_id for key in wanted if key in self.conversations}
        held = {
            self.conversations[key].customer_id for key in open_conversations if key in self.conversations
        }
        for key in [key for key in self.rivers if key not in held]:
            del self.rivers[key]
        for key in [key for key in self.customers if key not in customers]:
            del self.customers[key]
            self.suggestions.pop(key, None)
        for key in [key for key in self.conversations if key not in wanted]:
            del self.conversations[key]
            self.ways.pop(key, None)
            self.stopped.pop(key, None)
        # How far they were read is told with lists alone, and an event may bring them back at any time.
        if len(self._seen) > len(self.conversations) + KEEP_SEEN:
            unheard = [key for key in self._seen if key not in self.conversations]
            for key in unheard[:-KEEP_SEEN]:
                del self._seen[key]

    def erase(self, conversations: Iterable[int]) -> None:
        """Keep nothing of these conversations, nor of whose they are."""
        for key in conversations:
            for window in self._all_windows():
                window.drop(key)
            row = self.conversations.pop(key, None)
            if row is not None:
                self.customers.pop(row.customer_id, None)
                self.suggestions.pop(row.customer_id, None)
                self.rivers.pop(row.customer_id, None)
            self.slots = [None if slot == key else slot for slot in self.slots]
            self.drafts.forget(key)
            for known in (self.ways, self.stopped, self.company, self._seen):
                known.pop(key, None)

    # --- inside ---------------------------------------------------------------------------------------

    def _keep(self, row: Conversation, *, with_seen: bool) -> Conversation:
        if with_seen:
            self._seen[row.id] = max(row.seen_seq, self._seen.get(row.id, 0))
        known = self.conversations.get(row.id)
        if known is not None and known.seq >= row.seq:
            return known
        self.conversations[row.id] = row
        return row

    def _deal_slots(self, *rows: Conversation) -> None:
        """Each conversation that I hold gets the lowest free number and keeps it."""
        for index, key in enumerate(self.slots):
            row = None if key is None else self.conversations.get(key)
            if row is None or row.assignee_id != self.me or row.state == "closed":
                self.slots[index] = None
        for row in rows or self.rows("mine"):
            if not belongs(row, "mine", self.me) or row.id in self.slots:
                continue
            place = self._free_slot()
            if place is not None:
                self.slots[place] = row.id

    def _free_slot(self) -> int | None:
        for index, key in enumerate(self.slots):
            if key is None:
                return index
        for index, key in enumerate(self.slots):
            # Who waits for the customer makes room.
            if key is not None and self.conversations[key].state != "open":
                return index
        return None

    def put_draft(self, draft: Draft) -> bool:
        return self.drafts.take(draft)
