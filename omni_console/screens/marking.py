"""Marks: rows of the list, messages of a history; and what is split off or joined with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console.i18n import _, ngettext
from omni_console.keymap import key_for
from omni_console.messages import Done, TakeBack
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.widgets.river_view import RiverView
from server.protocol import Conversation, Regrouping

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Marking:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "mark.toggle": self._toggle,
            "mark.range": self._range,
            "mark.none": self._escape,
            "thread.split": self._split,
            "thread.join": self._join,
            "thread.regroupings": self._regroupings,
        }

    def rows(self) -> list[Conversation]:
        """The marked rows of the list, or else the conversation that a command is about."""
        marked = self.marked()
        if marked:
            return marked
        return [self._screen.target] if self._screen.target is not None else []

    def marked(self) -> list[Conversation]:
        """The marked rows of the list, while one is in it."""
        screen = self._screen
        if screen.focused is not screen.list:
            return []
        known = screen.desk.conversations
        return [known[key] for key in screen.list.view_order(screen.list.marked) if key in known]

    def clear(self) -> None:
        screen = self._screen
        screen.list.marked.clear()
        screen.list.refresh()
        for pane in screen.grid.panes:
            pane.river.end_marking()

    def _toggle(self) -> None:
        screen = self._screen
        if screen.focused is screen.list:
            screen.list.toggle_mark()
            self._say_rows()
        elif screen.pane is not None and isinstance(screen.focused, RiverView):
            river = screen.pane.river
            river.toggle_mark()
            count = len(river.marked)
            text = ngettext("{n} message marked", "{n} messages marked", count).format(n=count)
            screen.keys.say(
                text,
                ("j k", _("move")),
                (_("space"), _("mark")),
                (key_for("thread.split"), _("split them off")),
                ("esc", _("marks away")),
            )

    def _range(self) -> None:
        screen = self._screen
        if screen.focused is not screen.list:
            screen.say(_("rows of the list are marked so"))
            return
        screen.list.mark_range()
        self._say_rows()

    def _say_rows(self) -> None:
        count = len(self._screen.list.marked)
        if not count:
            self._screen.say(_("nothing is marked"))
            return
        text = ngettext("{n} marked", "{n} marked", count).format(n=count)
        deeds = (
            ("thread.claim", _("take")),
            ("thread.assign", _("assign")),
            ("thread.close", _("close")),
            ("thread.snooze", _("snooze")),
            ("thread.tags", _("tags")),
            ("thread.spam", _("spam")),
        )
        keys = [(key_for(action), label) for action, label in deeds]
        self._screen.keys.say(text, *keys, ("esc", _("marks away")))

    def _escape(self) -> None:
        screen = self._screen
        if screen.focused is screen.card.lines:
            screen.arrangement.leave_card()
            return
        marked = screen.list.marked or any(pane.river.marked for pane in screen.grid.panes)
        if not marked and screen.touring.left():
            return
        self.clear()

    # --- splitting and joining ------------------------------------------------------------------------

    def _split(self) -> None:
        screen, pane = self._screen, self._screen.pane
        if pane is None or pane.row is None:
            return
        row = pane.row
        messages = [pane.river.river.get(key) for key in sorted(pane.river.marked)]
        ids = [one.id for one in messages if one is not None and one.conversation_id == row.id]
        if not ids:
            say = _("mark the messages first: {key}, then j k").format(key=_("space"))
            screen.say(say if not pane.river.marked else _("mark messages of this conversation"))
            return
        api = screen.client.people

        def filled(answers: Answers | None) -> None:
            if answers is None:
                return

            async def ask() -> Done:
                split = await api.split(row.id, ids, answers["subject"])

                async def back() -> Done:
                    await api.undo_regrouping(split.regrouping_id)
                    return Done(_("together again"), conversations=[row.id], lists=True)

                text = ngettext(
                    "{n} message is a case of its own", "{n} messages are a case of their own", len(ids)
                )
                said = text.format(n=len(ids))
                made = [row.id, split.conversation_id]
                return Done(said, conversations=made, lists=True, back=TakeBack(said, back))

            self.clear()
            screen.undoing.do("split", ask, row.id)

        count = len(ids)
        title = ngettext("Split off {n} message", "Split off {n} messages", count).format(n=count)
        question = Question("subject", _("what about"))
        screen.app.push_screen(FormScreen(title, [question]), filled)

    def _join(self) -> None:
        screen, row = self._screen, self._screen.target
        if row is None:
            return
        customer = screen.desk.customers.get(row.customer_id)
        others = (
            [one for one in customer.conversations if one.id != row.id and not one.spam] if customer else []
        )
        if not others:
            screen.say(_("this person has no other conversation"))
            return
        clock = screen.clock
        choices = [
            Choice(
                str(one.id),
                f"{one.mark} {one.topic or one.summary or one.subject or one.preview}",
                " ".join(
                    (
                        _("closed") if one.state == "closed" else _("open"),
                        clock.day(one.last_at or one.opened_at),
                    )
                ),
            )
            for one in others[:20]
        ]
        api = screen.client.people

        def chosen(answer: str | None) -> None:
            if answer is None:
                return

            async def ask() -> Done:
                joined = await api.join(row.id, int(answer))

                async def back() -> Done:
                    await api.undo_regrouping(joined.regrouping_id)
                    return Done(_("apart again"), conversations=[row.id], lists=True)

                said = _("joined: one conversation now")
                return Done(
                    said, conversations=[joined.conversation_id], lists=True, back=TakeBack(said, back)
                )

            screen.undoing.do("join", ask, row.id)

        screen.app.push_screen(ChoiceScreen(_("Which conversation goes on in this one?"), choices), chosen)

    def _regroupings(self) -> None:
        """What was split or joined here, to be taken back even by somebody else and much later."""
        screen, row = self._screen, self._screen.target
        if row is None:
            return
        api = screen.client.people

        def show(found: list[Regrouping]) -> None:
            choices = [
                Choice(
                    str(one.id),
                    _("split off") if one.kind == "split" else _("joined"),
                    f"{one.by.split(' ')[0]} {screen.clock.moment(one.at)}",
                )
                for one in found[:20]
            ]

            def chosen(answer: str | None) -> None:
                if answer is None:
                    return

                async def undo() -> Done:
                    await api.undo_regrouping(int(answer))
                    return Done(_("taken back"), conversations=[row.id], lists=True)

                screen.undoing.do("regrouping", undo, row.id)

            screen.app.push_screen(ChoiceScreen(_("Take back which?"), choices), chosen)

        async def ask() -> Done:
            found = await api.regroupings(row.id)
            if found:
                screen.call_later(show, found)
            return Done("" if found else _("nothing was split off or joined here"))

        screen.undoing.do("regroupings", ask, row.id)
