"""The `:` line: actions by name, with what they need; and the macros that are made of such lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.actions import command_of
from omni_console.cleaning import typed
from omni_console.command_line import Known, Misread, Order, read
from omni_console.due import parse_due
from omni_console.i18n import _
from omni_console.messages import CodesCame
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.state_words import PRIORITIES, STATES, view_word
from omni_console.views import VIEWS
from omni_console.widgets.finder import Finder
from server.protocol import Conversation

if TYPE_CHECKING:
    from omni_console.command_history import CommandHistory
    from omni_console.drafts import ComposeKind
    from omni_console.screens.desk_screen import DeskScreen

Rows = Sequence[Conversation]
TOPICS = 50  # that completion offers


class Orders:
    """With nothing behind it a command is its key; with words it asks nothing that they say already."""

    def __init__(self, screen: DeskScreen, history: CommandHistory) -> None:
        self._screen = screen
        self._history = history
        self._codes: tuple[str, ...] = ()  # of templates
        # Those that can be done again, to rows; and those that are said once, to nobody or to the target.
        self._deeds: dict[str, Callable[[Rows, tuple[str, ...]], None]] = {
            # A colleague's stays his: the server says so.
            "thread.claim": lambda rows, _words: screen.deeds.claim(rows),
            "thread.release": lambda rows, _words: screen.deeds.release(rows),
            "thread.reopen": lambda rows, _words: screen.deeds.reopen(rows),
            "thread.assign": self._assign,
            "thread.close": self._close,
            "thread.snooze": self._snooze,
            "thread.tags": self._tag,
            "thread.priority": self._priority,
            "thread.spam": self._spam,
            "template.insert": self._template,
        }
        self._sayings: dict[str, Callable[[str], None]] = {
            "thread.decline": screen.cases.decline,
            "presence.choose": self._be,
            "view.show": self._show_view,
            "filter.list": lambda words: screen.narrowing.narrow(words),
            "note.start": lambda words: self._write("note", words),
            "reply.start": lambda words: self._write("reply", words),
        }

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"command.open": self._open, "view.show": self._choose_view}

    # --- the line -----------------------------------------------------------------------------------------

    def known(self) -> Known:
        desk = self._screen.desk
        rows = list(desk.conversations.values())
        topics = dict.fromkeys(row.topic for row in sorted(rows, key=lambda row: -row.seq) if row.topic)
        return Known(
            clock=self._screen.clock,
            operators={
                one.login: one.name
                for one in desk.operators.values()
                if not one.disabled and one.role != "reader"
            },
            tags=sorted({tag for row in rows for tag in row.tags}),
            topics=list(topics)[:TOPICS],
            templates=self._codes,
        )

    def _open(self) -> None:
        from omni_console.screens.command_screen import CommandScreen

        screen = self._screen
        if screen.online:
            client = screen.client
            errands.send(
                screen,
                "codes",
                client.templates.everything,
                lambda found: CodesCame([one.code for one in found]),
            )
        screen.app.push_screen(CommandScreen(self.known, self._history), self._entered)

    def codes_came(self, event: CodesCame) -> None:
        self._codes = tuple(event.codes)

    def _entered(self, order: Order | None) -> None:
        if order is not None:
            self.carry_out(order)

    def carry_out(self, order: Order) -> None:
        screen, what = self._screen, order.action.id
        if not order.words:
            screen.action_do(command_of(order.action))
        elif what in self._deeds:
            self.again(order, screen.marking.rows())
        elif what in self._sayings:
            self._sayings[what](order.words[0])
        else:
            # The window opens with these words in its field.
            screen.action_do(command_of(order.action))
            if isinstance(screen.app.screen, Finder):
                screen.app.screen.begin_with = order.words[0]

    def again(self, order: Order, rows: Rows) -> None:
        """Do to these rows what changes something. Nothing to do it to: nothing happens."""
        if not self._screen.online:
            self._screen.say(_("offline: nothing was done"), bad=True)
        elif rows:
            self._deeds[order.action.id](rows, order.words)

    # --- macros -------------------------------------------------------------------------------------------

    def play(self, name: str, lines: Sequence[str]) -> None:
        """One line after the other, each when the server has answered the one before."""
        self._screen.run_worker(self._play(name, lines), group="macro", exclusive=True, exit_on_error=True)

    async def _play(self, name: str, lines: Sequence[str]) -> None:
        screen = self._screen
        for line in lines:
            order = read(line, self.known())
            if isinstance(order, Misread):
                screen.say(
                    _("{macro} stops at “{line}”: {why}").format(macro=name, line=line, why=order.sentence),
                    bad=True,
                )
                return
            if order is None:
                continue
            refused = screen.refusals
            self.carry_out(order)
            await self.answered()
            if screen.refusals != refused:
                return  # the operator was told why
            if screen.app.screen is not screen and line is not lines[-1]:
                return  # a window asks something: the rest is his

    async def answered(self) -> None:
        """Until every errand of the screen was answered, and what came of it is painted."""
        screen = self._screen
        asked = [
            worker
            for worker in screen.workers
            if worker.group == "errands" and worker.name not in errands.QUIET and not worker.is_finished
        ]
        for worker in asked:
            await worker.wait()
        await screen.settled()

    # --- deeds --------------------------------------------------------------------------------------------

    def _assign(self, rows: Rows, words: tuple[str, ...]) -> None:
        screen = self._screen
        operator = next((one for one in screen.desk.operators.values() if one.login == words[0]), None)
        if operator is None:
            screen.say(_("nobody here is called {word}").format(word=words[0]), bad=True)
        elif len(words) == 1:
            screen.cases.ask_note(rows, operator)
        else:
            screen.deeds.give(rows, operator, words[1])

    def _close(self, rows: Rows, words: tuple[str, ...]) -> None:
        if len(words) > 1:
            self._screen.deeds.close(rows, words[0], words[1])
        elif len(rows) > 1:
            self._screen.bulk.ask_result(rows, words[0])
        else:
            self._screen.cases.ask_result(rows[0], words[0])

    def _snooze(self, rows: Rows, words: tuple[str, ...]) -> None:
        until = parse_due(words[0], self._screen.clock)
        if until is not None:
            self._screen.deeds.snooze(rows, until, words[0])

    def _tag(self, rows: Rows, words: tuple[str, ...]) -> None:
        self._screen.deeds.tag(rows, words[0])

    def _priority(self, rows: Rows, words: tuple[str, ...]) -> None:
        for priority in PRIORITIES:
            if priority == words[0]:
                self._screen.deeds.prioritise(rows, priority)

    def _spam(self, rows: Rows, words: tuple[str, ...]) -> None:
        self._screen.case_facts.settle_spam([row.id for row in rows], words[0])

    def _template(self, rows: Rows, words: tuple[str, ...]) -> None:
        """Into the reply of the conversation in question: it is never sent by this."""
        screen = self._screen
        screen.browsing.open(rows[0].id, focus=False)
        screen.templates.insert(words[0])

    # --- sayings ------------------------------------------------------------------------------------------

    def _be(self, word: str) -> None:
        for state in STATES:
            if state == word:
                self._screen.presence.be(state)

    def _show_view(self, word: str) -> None:
        for view in VIEWS:
            if view == word:
                self._screen.browsing.show_view(view)

    def _choose_view(self) -> None:
        def chosen(answer: str | None) -> None:
            if answer is not None:
                self._show_view(answer)

        choices = [Choice(view, view_word(view)) for view in VIEWS]
        self._screen.app.push_screen(ChoiceScreen(_("Which view?"), choices), chosen)

    def _write(self, kind: ComposeKind, words: str) -> None:
        """A note is kept at once; a reply is for the operator to send. What was begun stays before it."""
        screen, row = self._screen, self._screen.target
        if row is None:
            return
        screen.browsing.open(row.id, focus=False)
        pane = screen.pane
        if pane is None:
            return
        if pane.composer.read_only:
            screen.say(_("something is being sent here: try again"), bad=True)
            return
        pane.turn(kind)
        begun = pane.composer.text.rstrip()
        pane.composer.put(typed(f"{begun}\n{words}" if begun else words))
        pane.keep()
        if kind == "note" and not begun:
            screen.action_do("compose.send")
            return
        pane.write(kind)
        if kind == "note":
            screen.say(_("put behind the note that you have begun: nothing was kept yet"))
