"""One deed for all marked rows: asked once, told in one sentence, taken back at once where it can be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omni_console.client import RefusedError, UnreachableError
from omni_console.i18n import _, ngettext
from omni_console.messages import Done, Repeat, TakeBack
from omni_console.refusals import refusal
from omni_console.screens.case_facts import difference, retagged
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.state_words import PRIORITIES, priority_word
from omni_console.widgets.close_form import RESULT_MAX, TOPIC_MAX
from server.protocol import CaseCommand, Conversation, OperatorInfo, Priority, TeamInfo

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

Rows = Sequence[Conversation]
OneDone = Callable[[Conversation], Awaitable[Conversation]]
TOLD = 3  # refusals that are told by name


@dataclass(frozen=True)
class Back:
    """How a deed is taken back, from the row as it was before; `mine`: whether it is for us to do so."""

    deed: OneDone
    mine: Callable[[Conversation], bool] = lambda _row: True


class Bulk:
    """A key pressed while rows are marked comes here, and so does a command or a repetition for several."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._deeds: dict[str, Callable[[Rows], None]] = {
            "thread.claim": self.claim,
            "thread.release": self.release,
            "thread.assign": self._ask_to_whom,
            "thread.close": self._ask_result,
            "thread.reopen": self.reopen,
            "thread.snooze": self._ask_until,
            "thread.tags": self._ask_tags,
            "thread.priority": self._ask_priority,
        }

    def takes(self, command: str) -> bool:
        """True when the command was for the marked rows, and is being done."""
        rows = self._screen.marking.marked()
        if not rows or command not in self._deeds:
            return False
        self._deeds[command](rows)
        return True

    # --- what is asked once -------------------------------------------------------------------------------

    @staticmethod
    def _these(rows: Rows) -> str:
        return ngettext("{n} conversation", "{n} conversations", len(rows)).format(n=len(rows))

    def _ask_to_whom(self, rows: Rows) -> None:
        def given(receiver: OperatorInfo | TeamInfo, note: str) -> None:
            self.give(rows, receiver, note)

        self._screen.cases.ask_to_whom(rows[0], given, several=self._these(rows))

    def _ask_result(self, rows: Rows) -> None:
        self.ask_result(rows, rows[0].topic or rows[0].subject or "")

    def ask_result(self, rows: Rows, topic: str) -> None:
        questions = [
            Question("topic", _("topic"), topic, TOPIC_MAX),
            Question("result", _("result"), "", RESULT_MAX),
        ]

        def check(answers: Answers) -> tuple[str, str] | None:
            for one in questions:
                if not answers[one.key]:
                    text = _("{name} cannot be empty: later readers live on it").format(name=one.label)
                    return one.key, text
            return None

        def filled(answers: Answers | None) -> None:
            if answers is not None:
                self.close(rows, answers["topic"], answers["result"])

        title = _("Close {these}").format(these=self._these(rows))
        self._screen.app.push_screen(FormScreen(title, questions, check=check), filled)

    def _ask_until(self, rows: Rows) -> None:
        def chosen(until: int, words: str) -> None:
            self.snooze(rows, until, words)

        self._screen.cases.ask_until(self._these(rows), chosen)

    def _ask_tags(self, rows: Rows) -> None:
        def filled(answers: Answers | None) -> None:
            if answers is not None and answers["tags"]:
                self.tag(rows, answers["tags"])

        title = _("Tags of {these}: put on, and with - before it take away").format(these=self._these(rows))
        question = Question("tags", _("tags"))
        self._screen.app.push_screen(FormScreen(title, [question]), filled)

    def _ask_priority(self, rows: Rows) -> None:
        def chosen(answer: str | None) -> None:
            for one in PRIORITIES:
                if answer == one:
                    self.prioritise(rows, one)

        choices = [Choice(one, priority_word(one)) for one in PRIORITIES]
        question = _("How urgent are {these}?").format(these=self._these(rows))
        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    # --- deeds --------------------------------------------------------------------------------------------

    def claim(self, rows: Rows) -> None:
        """What a colleague has stays his: the server says so."""
        client, me = self._screen.client, self._screen.desk.me
        free = [row for row in rows if row.assignee_id != me or row.state == "closed"]
        if not free:
            self._screen.say(_("they are yours already"))
            return
        self._do(
            free,
            lambda row: client.claim(row.id, None),
            lambda n: ngettext("{n} is yours", "{n} are yours", n).format(n=n),
            Back(lambda row: client.release(row.id)),
            Repeat("thread.claim"),
        )

    def release(self, rows: Rows) -> None:
        client, me = self._screen.client, self._screen.desk.me
        self._do(
            [row for row in rows if row.assignee_id is not None] or rows,
            lambda row: client.release(row.id),
            lambda n: ngettext("{n} is back in the queue", "{n} are back in the queue", n).format(n=n),
            # Only what was mine comes back: a colleague takes what was his himself.
            Back(lambda row: client.claim(row.id, None), lambda row: row.assignee_id == me),
            Repeat("thread.release"),
        )

    def give(self, rows: Rows, receiver: OperatorInfo | TeamInfo, note: str) -> None:
        client = self._screen.client
        if isinstance(receiver, TeamInfo):
            team = receiver.name
            title = receiver.title
            self._do(
                rows,
                lambda row: client.lead.hand_to_team(row.id, team, note),
                lambda n: _("{n} to {receiver}").format(n=n, receiver=title),
                None,
                None,
            )
            return
        key, me, name = receiver.id, self._screen.desk.me, receiver.name
        self._do(
            rows,
            lambda row: client.assign(row.id, key, note),
            lambda n: _("{n} to {receiver}").format(n=n, receiver=name),
            Back(lambda row: client.claim(row.id, key), lambda row: row.assignee_id == me),
            Repeat("thread.assign", (receiver.login, note)),
        )

    def close(self, rows: Rows, topic: str, result: str) -> None:
        client, me = self._screen.client, self._screen.desk.me
        is_open = [row for row in rows if row.state != "closed"]
        if not is_open:
            self._screen.say(_("they are closed already"))
            return

        async def again(row: Conversation) -> Conversation:
            opened = await client.reopen(row.id)
            return opened if row.assignee_id == me else await client.release(row.id)

        self._do(
            is_open,
            lambda row: client.close_conversation(row.id, topic, result),
            lambda n: ngettext("{n} closed", "{n} closed", n).format(n=n),
            Back(again, lambda row: row.assignee_id in (me, None)),
            Repeat("thread.close", (topic, result)),
        )

    def reopen(self, rows: Rows) -> None:
        client = self._screen.client
        self._do(
            [row for row in rows if row.state == "closed"] or rows,
            lambda row: client.reopen(row.id),
            lambda n: ngettext("{n} open again", "{n} open again", n).format(n=n),
            Back(lambda row: client.close_conversation(row.id, row.topic, row.result)),
            Repeat("thread.reopen"),
        )

    def snooze(self, rows: Rows, until: int, words: str) -> None:
        client = self._screen.client
        when = self._screen.clock.moment(until)
        self._do(
            rows,
            lambda row: client.snooze(row.id, until),
            lambda n: ngettext("{n} away until {when}", "{n} away until {when}", n).format(n=n, when=when),
            None,
            Repeat("thread.snooze", (words,)),
        )

    def tag(self, rows: Rows, words: str) -> None:
        """ "refund -vip": puts the one on, takes the other away."""
        api = self._screen.client.people
        other = [row for row in rows if retagged(row.tags, words) != row.tags]
        if not other:
            self._screen.say(_("they have these tags"))
            return
        self._do(
            other,
            lambda row: api.case(row.id, CaseCommand(tags=retagged(row.tags, words))),
            lambda n: ngettext("tags of {n} are changed", "tags of {n} are changed", n).format(n=n),
            Back(lambda row: api.case(row.id, CaseCommand(tags=row.tags))),
            Repeat("thread.tags", (difference(other[0].tags, retagged(other[0].tags, words)),)),
        )

    def prioritise(self, rows: Rows, priority: Priority) -> None:
        api, word = self._screen.client.people, priority_word(priority)
        self._do(
            [row for row in rows if row.priority != priority] or rows,
            lambda row: api.case(row.id, CaseCommand(priority=priority)),
            lambda n: _("{n}: {priority}").format(n=n, priority=word),
            Back(lambda row: api.case(row.id, CaseCommand(priority=row.priority))),
            Repeat("thread.priority", (priority,)),
        )

    # --- one after the other --------------------------------------------------------------------------------

    def _do(
        self,
        rows: Rows,
        deed: OneDone,
        said: Callable[[int], str],
        back: Back | None,
        again: Repeat | None,
    ) -> None:
        """`rows` are as they were before; `back` None: it cannot be taken back."""
        before = list(rows)

        async def ask() -> Done:
            told = await _one_by_one(before, deed)
            done = [row for row in before if row.id in told.done]
            takes_back: TakeBack | None = None
            if back is not None and any(back.mine(row) for row in done):
                takes_back = TakeBack(said(len(done)), lambda: _back(done, back))
            return Done(
                told.sentence(said),
                rows=list(told.done.values()),
                conversations=list(told.done),
                back=takes_back,
                repeat=again if done else None,
            )

        self._screen.marking.clear()
        self._screen.undoing.do("bulk", ask)


class _Told:
    """What came of each."""

    def __init__(self) -> None:
        self.done: dict[int, Conversation] = {}
        self.refused: list[tuple[str, str]] = []  # customer, why
        self.unknown = 0  # asked, and no answer came
        self.left = 0  # not asked any more: nobody answers

    def sentence(self, said: Callable[[int], str]) -> str:
        parts = [said(len(self.done))] if self.done or not (self.refused or self.unknown) else []
        if self.refused:
            count = len(self.refused)
            text = ngettext("{n} refused", "{n} refused", count).format(n=count)
            whys = [f"{customer}: {why}" for customer, why in self.refused[:TOLD]]
            parts.append(f"{text}: {'; '.join(whys)}" + ("…" if count > TOLD else ""))
        if self.unknown:
            parts.append(_("no answer for 1: look before you do it again"))
        if self.left:
            parts.append(ngettext("{n} not tried", "{n} not tried", self.left).format(n=self.left))
        return ", ".join(parts)


async def _one_by_one(rows: Rows, deed: OneDone) -> _Told:
    told = _Told()
    for place, row in enumerate(rows):
        try:
            told.done[row.id] = await deed(row)
        except RefusedError as error:
            told.refused.append((row.customer, refusal(error.body)))
        except UnreachableError as error:
            told.unknown = int(error.maybe_done)
            told.left = len(rows) - place - told.unknown
            break
    return told


async def _back(rows: Rows, back: Back) -> Done:
    """As it was before, where that is ours to say."""
    told = await _one_by_one([row for row in rows if back.mine(row)], back.deed)
    count = len(told.done)
    return Done(
        told.sentence(lambda n: ngettext("{n} as before", "{n} as before", n).format(n=count)),
        rows=list(told.done.values()),
        conversations=list(told.done),
    )
