"""What is done to conversations, to one as to many: told in one sentence, and taken back with a key.

Each deed is written once: how it is asked for, what is said of it, and how it is taken back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from omni_console.client import RefusedError, UnreachableError
from omni_console.i18n import _, ngettext
from omni_console.messages import Done, Repeat, TakeBack
from omni_console.refusals import refusal
from omni_console.screens.case_facts import difference, retagged
from omni_console.state_words import priority_word
from server.protocol import CaseCommand, Conversation, OperatorInfo, Priority, TeamInfo

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

Rows = Sequence[Conversation]
OneDone = Callable[[Conversation], Awaitable[Conversation]]
TOLD = 3  # refusals that are told by name


class Deed(msgspec.Struct, frozen=True):
    what: str  # names the errand
    ask: OneDone
    one: Callable[[Conversation], str]  # what is said of one, as it was before
    many: Callable[[int], str]
    again: Repeat | None = None
    # From the row as it was, and as it is after it. None: the server knows how it was.
    back: Callable[[Conversation, Conversation], Awaitable[Conversation]] | None = None


class Deeds:
    """Rows are as they were before; what a colleague has or did, the server says."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def claim(self, rows: Rows, *, from_holder: bool = False) -> None:
        """Take them. From a colleague only where the operator said so."""
        client, me = self._screen.client, self._screen.desk.me
        others = [row for row in rows if row.assignee_id != me or row.state == "closed"]
        if not others:
            self._screen.say(_("it is yours already") if len(rows) == 1 else _("they are yours already"))
            return
        deed = Deed(
            "claim",
            lambda row: client.claim(row.id, row.assignee_id if from_holder else None),
            lambda row: _("{customer} is yours").format(customer=row.customer),
            lambda n: ngettext("{n} is yours", "{n} are yours", n).format(n=n),
            Repeat("thread.claim"),
        )
        self._do(others, deed)

    def release(self, rows: Rows) -> None:
        client = self._screen.client
        deed = Deed(
            "release",
            lambda row: client.release(row.id),
            lambda row: _("{customer} is back in the queue").format(customer=row.customer),
            lambda n: ngettext("{n} is back in the queue", "{n} are back in the queue", n).format(n=n),
            Repeat("thread.release"),
        )
        self._do([row for row in rows if row.assignee_id is not None] or rows, deed)

    def give(self, rows: Rows, receiver: OperatorInfo | TeamInfo, note: str) -> None:
        client, name = self._screen.client, name_of(receiver)
        again: Repeat | None = None
        if isinstance(receiver, OperatorInfo):
            again = Repeat("thread.assign", (receiver.login, note))

        def ask(row: Conversation) -> Awaitable[Conversation]:
            if isinstance(receiver, TeamInfo):
                return client.lead.hand_to_team(row.id, receiver.name, note)
            return client.assign(row.id, receiver.id, note)

        deed = Deed(
            "assign",
            ask,
            lambda row: _("{customer} goes to {operator}").format(customer=row.customer, operator=name),
            lambda n: _("{n} to {receiver}").format(n=n, receiver=name),
            again,
        )
        self._do(rows, deed)

    def close(self, rows: Rows, topic: str, result: str) -> None:
        client = self._screen.client
        left = [row for row in rows if row.state != "closed"]
        if not left:
            self._screen.say(_("it is closed already") if len(rows) == 1 else _("they are closed already"))
            return
        deed = Deed(
            "close",
            lambda row: client.close_conversation(row.id, topic, result),
            lambda row: _("{customer} is closed: {topic}").format(customer=row.customer, topic=topic),
            lambda n: ngettext("{n} closed", "{n} closed", n).format(n=n),
            Repeat("thread.close", (topic, result)),
        )
        self._do(left, deed)

    def reopen(self, rows: Rows) -> None:
        """Open what is closed, wake what sleeps; what else there is, is left as it is."""
        client = self._screen.client
        over = [row for row in rows if row.state in ("closed", "snoozed")] or rows
        sleeping = all(row.state == "snoozed" for row in over)

        def one(row: Conversation) -> str:
            said = _("{customer} is awake again") if sleeping else _("{customer} is open again")
            return said.format(customer=row.customer)

        def many(n: int) -> str:
            if sleeping:
                return ngettext("{n} awake again", "{n} awake again", n).format(n=n)
            return ngettext("{n} open again", "{n} open again", n).format(n=n)

        deed = Deed(
            "reopen",
            lambda row: client.wake(row.id) if row.state == "snoozed" else client.reopen(row.id),
            one,
            many,
            Repeat("thread.reopen"),
        )
        self._do(over, deed)

    def snooze(self, rows: Rows, until: int, words: str) -> None:
        """`words`: how one says until when, for whoever does the same again later."""
        client, when = self._screen.client, self._screen.clock.moment(until)
        deed = Deed(
            "snooze",
            lambda row: client.snooze(row.id, until),
            lambda row: _("{customer} is away until {when}").format(customer=row.customer, when=when),
            lambda n: ngettext("{n} away until {when}", "{n} away until {when}", n).format(n=n, when=when),
            Repeat("thread.snooze", (words,)),
        )
        self._do(rows, deed)

    def tag(self, rows: Rows, words: str) -> None:
        """ "refund -vip": puts the one on, takes the other away."""
        self._put_tags(rows, lambda row: retagged(row.tags, words))

    def put_tags(self, row: Conversation, tags: list[str]) -> None:
        """These, and no others."""
        self._put_tags([row], lambda _row: tags)

    def _put_tags(self, rows: Rows, tags: Callable[[Conversation], list[str]]) -> None:
        api = self._screen.client.people
        other = [row for row in rows if tags(row) != row.tags]
        if not other:
            said = _("{customer} has these tags") if len(rows) == 1 else _("they have these tags")
            self._screen.say(said.format(customer=rows[0].customer))
            return
        deed = Deed(
            "tags",
            lambda row: api.case(row.id, CaseCommand(tags=tags(row))),
            lambda row: _("tags of {customer} are changed").format(customer=row.customer),
            lambda n: ngettext("tags of {n} are changed", "tags of {n} are changed", n).format(n=n),
            Repeat("thread.tags", (difference(other[0].tags, tags(other[0])),)),
            lambda before, _after: api.case(before.id, CaseCommand(tags=before.tags)),
        )
        self._do(other, deed)

    def prioritise(self, rows: Rows, priority: Priority) -> None:
        api, word = self._screen.client.people, priority_word(priority)
        deed = Deed(
            "priority",
            lambda row: api.case(row.id, CaseCommand(priority=priority)),
            lambda row: _("{customer}: {priority}").format(customer=row.customer, priority=word),
            lambda n: _("{n}: {priority}").format(n=n, priority=word),
            Repeat("thread.priority", (priority,)),
            lambda before, _after: api.case(before.id, CaseCommand(priority=before.priority)),
        )
        self._do([row for row in rows if row.priority != priority] or rows, deed)

    # --- how it is done -----------------------------------------------------------------------------------

    def _do(self, rows: Rows, deed: Deed) -> None:
        """One that is refused says why; of many, those that are not refused are done all the same."""
        before = list(rows)
        conversation_id = before[0].id if len(before) == 1 else 0

        async def ask() -> Done:
            told = await _asked(before, deed.ask)
            said = told.sentence(deed.one, deed.many)
            back = TakeBack(said, lambda: self._back(told, deed), conversation_id) if told.done else None
            return told.as_done(said, back, deed.again)

        if self._screen.marking.marked():
            self._screen.marking.clear()
        self._screen.undoing.do(deed.what, ask, conversation_id)

    async def _back(self, done: Told, deed: Deed) -> Done:
        client = self._screen.client

        async def ask(row: Conversation) -> Conversation:
            after = done.done[row.id]
            if deed.back is not None:
                return await deed.back(row, after)
            return await client.undo(row.id, after.seq)

        told = await _asked([row for row in done.rows if row.id in done.done], ask)
        said = told.sentence(
            lambda row: _("{customer} is as it was before").format(customer=row.customer),
            lambda n: ngettext("{n} as before", "{n} as before", n).format(n=n),
        )
        return told.as_done(said, None, None)


def name_of(receiver: OperatorInfo | TeamInfo) -> str:
    return receiver.title if isinstance(receiver, TeamInfo) else receiver.name


class Told:
    """What came of each."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows  # as they were
        self.done: dict[int, Conversation] = {}
        self._refused: list[tuple[str, str]] = []  # customer, why
        self._unknown = 0  # asked, and no answer came
        self._left = 0  # not asked any more: nobody answers

    def refused(self, row: Conversation, why: str) -> None:
        self._refused.append((row.customer, why))

    def unanswered(self, *, maybe_done: bool) -> None:
        self._unknown = int(maybe_done)
        self._left = len(self.rows) - len(self.done) - len(self._refused) - self._unknown

    def sentence(self, one: Callable[[Conversation], str], many: Callable[[int], str]) -> str:
        if len(self.rows) == 1:
            return one(self.rows[0])
        parts = [many(len(self.done))] if self.done or not (self._refused or self._unknown) else []
        if self._refused:
            count = len(self._refused)
            text = ngettext("{n} refused", "{n} refused", count).format(n=count)
            whys = [f"{customer}: {why}" for customer, why in self._refused[:TOLD]]
            parts.append(f"{text}: {'; '.join(whys)}" + ("…" if count > TOLD else ""))
        if self._unknown:
            parts.append(_("no answer for 1: look before you do it again"))
        if self._left:
            parts.append(ngettext("{n} not tried", "{n} not tried", self._left).format(n=self._left))
        return ", ".join(parts)

    def as_done(self, said: str, back: TakeBack | None, again: Repeat | None) -> Done:
        return Done(
            said,
            rows=list(self.done.values()),
            conversations=list(self.done),
            back=back,
            repeat=again if self.done else None,
        )


async def _asked(rows: Rows, ask: OneDone) -> Told:
    """One after the other. Of one alone raises RefusedError, UnreachableError: told like any errand's."""
    told = Told(rows)
    for row in rows:
        try:
            told.done[row.id] = await ask(row)
        except (RefusedError, UnreachableError) as error:
            if len(rows) == 1:
                raise
            if isinstance(error, UnreachableError):
                told.unanswered(maybe_done=error.maybe_done)
                break
            told.refused(row, refusal(error.body))
    return told
