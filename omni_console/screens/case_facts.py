"""What a case is about: its topic, what is wanted, what was promised until when, priority, tags; and spam."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console.due import parse_due
from omni_console.i18n import _, ngettext
from omni_console.messages import Done, Repeat, TakeBack
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.state_words import PRIORITIES, priority_word
from omni_console.widgets.close_form import TOPIC_MAX
from server.protocol import CaseCommand, Conversation, SpamCommand

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


def retagged(tags: list[str], words: str) -> list[str]:
    """The tags after "refund -vip", in their order, each once."""
    found = list(tags)
    for word in words.split():
        tag = word.lstrip("+-#")
        if word.startswith("-"):
            found = [one for one in found if one != tag]
        elif tag and tag not in found:
            found.append(tag)
    return found


def difference(before: list[str], after: list[str]) -> str:
    """What makes `after` of `before`: "refund -vip"."""
    return " ".join(
        [*(tag for tag in after if tag not in before), *(f"-{tag}" for tag in before if tag not in after)]
    )


class CaseFacts:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "thread.facts": self._facts,
            "thread.tags": self._tags,
            "thread.priority": self._priority,
            "thread.spam": self._spam,
        }

    def _change(self, row: Conversation, command: CaseCommand, before: CaseCommand, said: str) -> None:
        api, key = self._screen.client.people, row.id

        async def back() -> Done:
            said = _("{customer} is as it was before").format(customer=row.customer)
            return Done(said, rows=[await api.case(key, before)])

        async def ask() -> Done:
            return Done(said, rows=[await api.case(key, command)], back=TakeBack(said, back, key))

        self._screen.undoing.do("case", ask, key)

    def _facts(self) -> None:
        screen, row = self._screen, self._screen.target
        if row is None:
            return
        clock = screen.clock
        due = clock.moment(row.due_at) if row.due_at is not None else ""
        is_open = row.state != "closed"  # what it was closed with is changed by opening it again
        questions = [Question("topic", _("topic"), row.topic, TOPIC_MAX)] if is_open else []
        questions += [
            Question("summary", _("what is wanted"), row.summary or row.subject or "", 2000),
            Question("next_step", _("next step"), row.next_step, 500),
            Question("due", _("until"), due, 40),
        ]

        def check(answers: Answers) -> tuple[str, str] | None:
            text = answers["due"]
            if not text or text == due or parse_due(text, clock) is not None:
                return None
            return "due", _("not a time: {text}. Try 2h, 14:00, tomorrow 14:00, fri, 25.11 10:00").format(
                text=text
            )

        def filled(answers: Answers | None) -> None:
            if answers is None:
                return
            due_at = row.due_at if answers["due"] == due else parse_due(answers["due"], clock)
            command = CaseCommand(
                topic=answers.get("topic"),
                summary=answers["summary"],
                next_step=answers["next_step"],
                due_at=due_at or 0,
            )
            before = CaseCommand(
                topic=row.topic if is_open else None,
                summary=row.summary,
                next_step=row.next_step,
                due_at=row.due_at or 0,
            )
            if command == before:
                return
            said = _("noted")
            if due_at is not None and due_at != row.due_at:
                said = _("noted: until {when}").format(when=clock.moment(due_at))
            self._change(row, command, before, said)

        foot = _("until: 2h, 14:00, tomorrow 14:00, fri 9:30, 25.11; empty: no time")
        title = _("What it is about: {customer}").format(customer=row.customer)
        screen.app.push_screen(FormScreen(title, questions, check=check, foot=foot), filled)

    def _tags(self) -> None:
        row = self._screen.target
        if row is None:
            return

        def filled(answers: Answers | None) -> None:
            if answers is None:
                return
            tags = [tag.strip("#") for tag in answers["tags"].replace(",", " ").split() if tag.strip("#")]
            if tags != row.tags:
                self._screen.deeds.put_tags(row, tags)

        question = Question("tags", _("tags"), " ".join(row.tags))
        title = _("Tags of this conversation")
        self._screen.app.push_screen(FormScreen(title, [question]), filled)

    def _priority(self) -> None:
        row = self._screen.target
        if row is None:
            return
        choices = [
            Choice(one, priority_word(one), _("now") if one == row.priority else "") for one in PRIORITIES
        ]

        def chosen(answer: str | None) -> None:
            for one in PRIORITIES:
                if answer == one and one != row.priority:
                    self._screen.deeds.prioritise([row], one)

        question = _("How urgent is {customer}?").format(customer=row.customer)
        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    # --- spam -----------------------------------------------------------------------------------------

    def _spam(self) -> None:
        rows = self._screen.marking.rows()
        if not rows:
            return
        keys = [row.id for row in rows]
        count = len(keys)
        if all(row.spam for row in rows):
            question = _("{n} conversations: no spam?").format(n=count)
            if count == 1:
                question = _("Is {name} no spam?").format(name=rows[0].customer)
            choices = [Choice("leave", _("it is spam")), Choice("back", _("no spam: let it in again"))]
        else:
            question = _("{n} conversations: spam?").format(n=count)
            if count == 1:
                question = _("Is {name} spam?").format(name=rows[0].customer)
            choices = [
                Choice("bar", _("spam, and bar the sender"), _("what comes later is kept apart")),
                Choice("mark", _("spam, this once")),
            ]

        def chosen(answer: str | None) -> None:
            if answer is not None:
                self.settle_spam(keys, answer)

        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    def settle_spam(self, keys: list[int], answer: str) -> None:
        """ "bar", "mark" or "back"; anything else does nothing."""
        if answer in ("bar", "mark"):
            self._mark_spam(keys, bar=answer == "bar")
        elif answer == "back":
            self._unmark_spam(keys)

    def _mark_spam(self, keys: list[int], *, bar: bool) -> None:
        api = self._screen.client.people

        async def back() -> Done:
            done = await api.spam(SpamCommand(conversation_ids=keys, spam=False, bar=bar))
            count = len(done.conversation_ids)
            said = ngettext("{n} let in again", "{n} let in again", count).format(n=count)
            return Done(said, lists=True, conversations=done.conversation_ids[:1])

        async def ask() -> Done:
            done = await api.spam(SpamCommand(conversation_ids=keys, spam=True, bar=bar))
            count = len(done.conversation_ids)
            said = ngettext("{n} is spam", "{n} are spam", count).format(n=count)
            if done.addresses_barred:
                barred = ngettext("{n} address barred", "{n} addresses barred", done.addresses_barred).format(
                    n=done.addresses_barred
                )
                said = f"{said} · {barred}"
            again = Repeat("thread.spam", ("bar" if bar else "mark",))
            return Done(said, lists=True, back=TakeBack(said, back), repeat=again)

        self._screen.marking.clear()
        self._screen.undoing.do("spam", ask)

    def _unmark_spam(self, keys: list[int]) -> None:
        api = self._screen.client.people

        async def ask() -> Done:
            done = await api.spam(SpamCommand(conversation_ids=keys, spam=False))
            count = len(done.conversation_ids)
            said = ngettext("{n} let in again", "{n} let in again", count).format(n=count)
            return Done(said, lists=True, conversations=done.conversation_ids[:1])

        self._screen.marking.clear()
        self._screen.undoing.do("spam", ask)
