"""One customer's river: every message on every channel, in order, as far as it is loaded. Plain Python."""

from __future__ import annotations

from bisect import bisect_left, insort

from server.protocol import Conversation, HistoryPage, Message

Place = tuple[int, int]  # (at, id): the order of the river


def place_of(message: Message) -> Place:
    return (message.at, message.id)


class River:
    """The newest messages of a customer, back to the oldest page that was asked for.

    `version` rises with every change, so that whoever paints knows when to paint anew.
    """

    def __init__(self, customer_id: int) -> None:
        self.customer_id = customer_id
        self._order: list[Place] = []
        self._messages: dict[int, Message] = {}
        self._as_of: dict[int, int] = {}  # message id -> seq of the event or page it was taken from
        self.conversations: dict[int, Conversation] = {}
        self.before: str | None = None
        self.loaded = False
        self.loading = False
        self.failed = False  # it was asked for, and did not come
        self.stale = False  # messages went elsewhere, or came from there: the next newest page begins anew
        self.version = 0

    def __len__(self) -> int:
        return len(self._order)

    def at(self, index: int) -> Message:
        return self._messages[self._order[index][1]]

    def get(self, message_id: int) -> Message | None:
        return self._messages.get(message_id)

    def index_of(self, message_id: int) -> int | None:
        message = self._messages.get(message_id)
        return None if message is None else bisect_left(self._order, place_of(message))

    def messages(self) -> list[Message]:
        return [self._messages[key[1]] for key in self._order]

    def newest_seq(self) -> int:
        """The seq of the newest message that is loaded."""
        return max((self._messages[key[1]].seq for key in self._order[-20:]), default=0)

    def clear(self) -> None:
        self._order.clear()
        self._messages.clear()
        self._as_of.clear()
        self.conversations.clear()
        self.before = None
        self.loaded = False
        self.loading = False
        self.failed = False
        self.stale = False
        self.version += 1

    def put_page(self, page: HistoryPage, *, older: bool) -> None:
        """`older`: a page before what is loaded; otherwise the newest page.

        When the newest page does not touch what is loaded (more was said meanwhile than a page holds),
        what is loaded is dropped: a river has no holes.
        """
        if self.stale and older:
            self.loading = False
            return
        if self.stale:
            self.clear()
        if not older and self.loaded and page.messages and page.before is not None:
            first = place_of(page.messages[0])
            if self._order and self._order[-1] < first:
                self.clear()
        fresh = not self.loaded
        for message in page.messages:
            self.put(message, page.seq, from_page=True)
        for row in page.conversations:
            self.put_conversation(row)
        if older or fresh:
            self.before = page.before
        self.loaded = True
        self.loading = False
        self.failed = False
        self.version += 1

    def put(self, message: Message, as_of: int, *, from_page: bool = False) -> bool:
        """Take a message as it was at event `as_of`. False when a newer copy is here already."""
        if as_of < self._as_of.get(message.id, -1):
            return False
        old = self._messages.get(message.id)
        place = place_of(message)
        if message.kind_of_event == "withdrawn":
            self._as_of[message.id] = as_of  # an older copy does not bring it back
            return old is not None and self._drop(old)
        if old is None:
            if not from_page and self.before is not None and self._order and place < self._order[0]:
                return False  # older than what is loaded: its page will bring it
            insort(self._order, place)
        elif place_of(old) != place:
            del self._order[bisect_left(self._order, place_of(old))]
            insort(self._order, place)
        if old == message:
            self._as_of[message.id] = as_of
            return False
        self._messages[message.id] = message
        self._as_of[message.id] = as_of
        self.version += 1
        return True

    def _drop(self, message: Message) -> bool:
        del self._order[bisect_left(self._order, place_of(message))]
        del self._messages[message.id]
        self.version += 1
        return True

    def put_conversation(self, row: Conversation) -> None:
        known = self.conversations.get(row.id)
        if known is None or known.seq < row.seq:
            self.conversations[row.id] = row
            self.version += 1
