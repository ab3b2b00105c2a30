"""Keys act one after the other, however many come at once.

Over a line that stalls, a second of typing arrives as one piece. Textual hands a key to what has the focus
when it arrives, and a binding acts only when its key has bubbled up from there: of "refund", enter, "paid"
all would be typed into the first line, and a backspace would take the last letter instead of its own. So
while a key is on its way, or the window that it opened, the next ones wait. A marker that follows the key
from queue to queue says that it arrived.
"""

from __future__ import annotations

from collections import deque

from textual import events
from textual.message import Message

PATIENCE_S = 1.0  # for a marker whose widget went away with it


class KeyArrived(Message, bubble=True):
    """Comes to the app behind the key that it follows."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class KeyOrder:
    """What waits, and for which key. It decides; the app routes."""

    def __init__(self) -> None:
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._number = 0
        self._under_way = False

    def takes(self, event: events.Key | events.Paste) -> bool:
        """True where it has to wait its turn: it is kept."""
        if self._under_way:
            self._waiting.append(event)
        return self._under_way

    def begin(self) -> KeyArrived:
        """A key is on its way from now on; this must come back."""
        self._number += 1
        self._under_way = True
        return KeyArrived(self._number)

    def arrived(self, number: int) -> bool:
        """Whether this marker is the one that was waited for."""
        if not self._under_way or number != self._number:
            return False
        self._under_way = False
        return True

    def next(self) -> events.Key | events.Paste | None:
        """The next one to be routed, where none is on its way."""
        return self._waiting.popleft() if self._waiting and not self._under_way else None
