"""One reply on its way to the server: made once, repeated without harm. Plain Python.

The id is made at the first attempt and kept for as long as the same words go the same way, so a second
ctrl+j, a lost answer or a reconnect never sends twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from omni_console.addressees import Addressees
from omni_console.quoting import own_words
from omni_console.river import River
from server.protocol import Message, NoteCommand, ReplyCommand, ReplyWay


def new_id() -> str:
    return str(uuid.uuid4())


def is_held(message: Message) -> bool:
    """Waits out its hold on the server: a reply, or a first message or forward that is a line until then."""
    waits = message.status == "queued" or (message.status == "scheduled" and "becomes" in message.detail)
    return waits and message.leaves_at is not None


class Outgoing:
    """The replies of one conversation, one after the other."""

    def __init__(self, make_id: Callable[[], str] = new_id) -> None:
        self._make_id = make_id
        self._reply: ReplyCommand | None = None
        self._note: NoteCommand | None = None
        self._known: int = 0  # newest message at the first attempt
        self.consent = 0  # the operator has seen what is new up to here, and sends all the same
        self.in_flight = False
        self.doubtful: ReplyCommand | None = None  # left us, and no answer came

    def reply(
        self,
        text: str,
        way: ReplyWay,
        painted_seq: int,
        newest_id: int,
        addressees: Addressees | None = None,
        files: Sequence[int] = (),
        *,
        at: int | None = None,
        keep: bool = False,
    ) -> ReplyCommand:
        after = max(painted_seq, self.consent)
        named = addressees or Addressees()
        same = (
            self._reply is not None
            and self._reply.text == text
            and (self._reply.channel_id, self._reply.address_id) == (way.channel_id, way.address_id)
            and Addressees(tuple(self._reply.to), tuple(self._reply.cc), tuple(self._reply.bcc)) == named
            and self._reply.upload_ids == list(files)
            and (self._reply.at, self._reply.keep) == (at, keep)
        )
        if self._reply is None or not same:
            self._known = newest_id
        client_id = self._reply.client_id if same and self._reply is not None else self._make_id()
        self._reply = ReplyCommand(
            client_id=client_id,
            text=text,
            channel_id=way.channel_id,
            address_id=way.address_id,
            after_seq=after,
            to=list(named.to),
            cc=list(named.cc),
            bcc=list(named.bcc),
            upload_ids=list(files),
            at=at,
            keep=keep,
        )
        return self._reply

    @property
    def for_later(self) -> bool:
        """Was what was asked for last to leave later?"""
        return self._reply is not None and self._reply.at is not None

    def note(self, text: str) -> NoteCommand:
        if self._note is None or self._note.text != text:
            self._note = NoteCommand(client_id=self._make_id(), text=text)
        return self._note

    def held(self, seq: int) -> None:
        """The server holds it back because of news up to `seq`; sending again is the consent."""
        self.in_flight = False
        self.consent = max(self.consent, seq)

    def unanswered(self, *, maybe_done: bool) -> None:
        self.in_flight = False
        if maybe_done:
            self.doubtful = self._reply

    def refused(self) -> None:
        self.in_flight = False

    def taken(self) -> None:
        """The server has it: the next words are another reply."""
        self.in_flight = False
        self._reply = None
        self._note = None
        self.doubtful = None

    def must_check(self, text: str) -> bool:
        """Other words now, while it is unknown whether the earlier ones arrived: look first."""
        return self.doubtful is not None and self.doubtful.text != text

    def checked(self, river: River, me: int) -> bool:
        """Did the doubtful reply arrive? `river` was loaded after it. Clears the doubt."""
        doubtful, self.doubtful = self.doubtful, None
        if doubtful is None:
            return False
        arrived = any(
            message.kind in ("out", "system")
            and message.author_id == me
            and message.id > self._known
            and own_words(message).strip() == doubtful.text.strip()
            for message in river.messages()
        )
        self._reply = None
        return arrived
