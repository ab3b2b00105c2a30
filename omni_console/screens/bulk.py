"""A deed for all marked rows: what it needs is asked once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console.i18n import _, ngettext
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.deeds import Rows
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.state_words import PRIORITIES, priority_word
from omni_console.widgets.close_form import RESULT_MAX, TOPIC_MAX
from server.protocol import OperatorInfo, TeamInfo

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Bulk:
    """A key pressed while rows are marked comes here, and so does a command or a repetition for several."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._deeds: dict[str, Callable[[Rows], None]] = {
            "thread.claim": screen.deeds.claim,
            "thread.release": screen.deeds.release,
            "thread.assign": self._ask_to_whom,
            "thread.close": self._ask_result,
            "thread.reopen": screen.deeds.reopen,
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
            self._screen.deeds.give(rows, receiver, note)

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
                self._screen.deeds.close(rows, answers["topic"], answers["result"])

        title = _("Close {these}").format(these=self._these(rows))
        self._screen.app.push_screen(FormScreen(title, questions, check=check), filled)

    def _ask_until(self, rows: Rows) -> None:
        def chosen(until: int, words: str) -> None:
            self._screen.deeds.snooze(rows, until, words)

        self._screen.cases.ask_until(self._these(rows), chosen)

    def _ask_tags(self, rows: Rows) -> None:
        def filled(answers: Answers | None) -> None:
            if answers is not None and answers["tags"]:
                self._screen.deeds.tag(rows, answers["tags"])

        title = _("Tags of {these}: put on, and with - before it take away").format(these=self._these(rows))
        question = Question("tags", _("tags"))
        self._screen.app.push_screen(FormScreen(title, [question]), filled)

    def _ask_priority(self, rows: Rows) -> None:
        def chosen(answer: str | None) -> None:
            for one in PRIORITIES:
                if answer == one:
                    self._screen.deeds.prioritise(rows, one)

        choices = [Choice(one, priority_word(one)) for one in PRIORITIES]
        question = _("How urgent are {these}?").format(these=self._these(rows))
        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)
