"""The moves of one case: what is asked before it is taken, given, given back, closed, reopened, put away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from omni_console.desk import ANSWERING
from omni_console.i18n import _
from omni_console.messages import Done, Refused
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.deeds import Rows, name_of
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.state_words import presence_word
from omni_console.timing import HOUR, parse_delay
from omni_console.widgets.close_form import CloseForm
from server.protocol import Conversation, OperatorInfo, TeamInfo

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

MORNING = 9
_AS_TYPED = {"morning": f"tomorrow {MORNING}:00"}
NOTE_MAX = 500


def _how(operator: OperatorInfo) -> str:
    if operator.presence is not None:
        return presence_word(operator.presence)
    return _("here") if operator.online else ""


class Cases:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "thread.claim": self._claim,
            "thread.assign": self._assign,
            "thread.decline": self.decline,
            "thread.share": self._share,
            "thread.release": self._release,
            "thread.close": self._close,
            "thread.reopen": self._reopen,
            "thread.snooze": self._snooze,
        }

    def _ask(
        self, what: str, row: Conversation, ask: Callable[[], Awaitable[Conversation]], said: str
    ) -> None:
        async def done() -> Done:
            return Done(said, rows=[await ask()])

        self._screen.undoing.do(what, done, row.id)

    def _claim(self) -> None:
        row = self._screen.target
        if row is None:
            return
        if row.assignee_id in (None, self._screen.desk.me):
            self._screen.deeds.claim([row])
            return

        def chosen(answer: str | None) -> None:
            if answer == "take":
                self._screen.deeds.claim([row], from_holder=True)

        question = _("{holder} has {customer}. Take over?").format(holder=row.assignee, customer=row.customer)
        choices = [Choice("leave", _("no, leave it")), Choice("take", _("take it over"))]
        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    def _release(self) -> None:
        if self._screen.target is not None:
            self._screen.deeds.release([self._screen.target])

    def _assign(self) -> None:
        row = self._screen.target
        if row is None:
            return
        self.ask_to_whom(row, lambda receiver, note: self._screen.deeds.give([row], receiver, note))

    def ask_to_whom(
        self,
        row: Conversation,
        given: Callable[[OperatorInfo | TeamInfo, str], None],
        *,
        several: str = "",
    ) -> None:
        """Which colleague or team takes it over, and what they must know of it. `several`: how one calls the
        conversations of which this row is one."""
        customers = several or row.customer
        desk = self._screen.desk
        choices = [
            Choice(str(operator.id), operator.name, _how(operator))
            for operator in sorted(desk.operators.values(), key=lambda one: (not one.online, one.name))
            if not operator.disabled
            and operator.role in ANSWERING
            and (several or operator.id != row.assignee_id)
        ]
        teams = {f"team {team.name}": team for team in desk.teams}
        choices += [Choice(key, team.title, _("team")) for key, team in teams.items()]
        if not choices:
            self._screen.say(_("there is nobody else"))
            return

        def chosen(answer: str | None) -> None:
            if answer is None:
                return
            receiver = teams[answer] if answer in teams else desk.operators[int(answer)]
            self._ask_note(name_of(receiver), customers, lambda note: given(receiver, note))

        question = _("Who takes over {customer}?").format(customer=customers)
        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    def ask_note(self, rows: Rows, operator: OperatorInfo) -> None:
        """What the colleague must know of these conversations; then they go."""
        customers = ", ".join(row.customer for row in rows)
        self._ask_note(operator.name, customers, lambda note: self._screen.deeds.give(rows, operator, note))

    def _ask_note(self, receiver: str, customers: str, given: Callable[[str], None]) -> None:
        def check(answers: Answers) -> tuple[str, str] | None:
            return None if answers["note"] else ("note", _("a hand-over needs a note"))

        def noted(answers: Answers | None) -> None:
            if answers is not None:
                given(answers["note"])

        title = _("What must {operator} know of {customer}?").format(operator=receiver, customer=customers)
        questions = [Question("note", _("note"), max_length=NOTE_MAX)]
        self._screen.app.push_screen(FormScreen(title, questions, check=check), noted)

    def _share(self) -> None:
        row, desk, client = self._screen.target, self._screen.desk, self._screen.client
        if row is None:
            return
        choices = [
            Choice(str(one.id), one.name, _("sees it") if one.id in row.shared_with else "")
            for one in sorted(desk.operators.values(), key=lambda one: one.name)
            if one.role == "collaborator" and (not one.disabled or one.id in row.shared_with)
        ]
        if not choices:
            self._screen.say(_("nobody has the role collaborator; everybody else sees everything"))
            return
        key, customer, shared_with = row.id, row.customer, row.shared_with

        def chosen(answer: str | None) -> None:
            if answer is None:
                return
            colleague = desk.operators[int(answer)]
            words = {"customer": customer, "operator": colleague.name}
            if colleague.id in shared_with:
                said = _("{operator} does not see {customer} any more").format(**words)
                self._ask("share", row, lambda: client.unshare(key, colleague.id), said)
            else:
                said = _("{operator} sees {customer} now, and may write notes").format(**words)
                self._ask("share", row, lambda: client.share(key, colleague.id), said)

        question = _("Who of another department sees {customer}?").format(customer=customer)
        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    def decline(self, reason: str = "") -> None:
        screen, row = self._screen, self._screen.target
        if row is None:
            return
        key, customer, client = row.id, row.customer, screen.client

        def told(answers: Answers | None) -> None:
            if answers is not None:
                why = answers["reason"]
                said = _("{customer} goes back").format(customer=customer)
                self._ask("decline", row, lambda: client.decline(key, why), said)

        if row.assignee_id not in (None, screen.desk.me) or (row.decline_until or 0) < screen.clock.now():
            screen.say(_("nothing was handed over here that could still be declined"))
            return
        if reason:
            told({"reason": reason})
            return
        title = _("Why is {customer} not yours?").format(customer=row.customer)
        questions = [Question("reason", _("reason"), max_length=NOTE_MAX)]
        screen.app.push_screen(FormScreen(title, questions), told)

    def _close(self) -> None:
        row = self._screen.target
        if row is not None:
            self.ask_result(row, row.topic or row.subject or "")

    def form_filled(self, event: CloseForm.Filled) -> None:
        screen = self._screen
        pane = next((pane for pane in screen.grid.panes if pane.form is event.sender), None)
        if pane is not None and pane.row is not None:
            self._screen.deeds.close([pane.row], event.topic, event.result)

    def ask_result(self, row: Conversation, topic: str) -> None:
        """The form, with the topic already filled in."""
        if row.state == "closed":
            self._screen.say(_("it is closed already"))
            return
        self._screen.browsing.open(row.id, focus=False)
        pane = self._screen.grid.showing(row.id)
        if pane is not None:
            pane.form.open(topic)

    def _reopen(self) -> None:
        if self._screen.target is not None:
            self._screen.deeds.reopen([self._screen.target])

    def _snooze(self) -> None:
        row = self._screen.target
        if row is not None:
            deeds = self._screen.deeds
            self.ask_until(row.customer, lambda until, words: deeds.snooze([row], until, words))

    def ask_until(self, customers: str, given: Callable[[int, str], None]) -> None:
        """Until when they are away (UTC ms), and how one says that."""
        clock = self._screen.clock
        now = clock.now()
        moments = {
            "1h": now + HOUR,
            "3h": now + 3 * HOUR,
            "morning": clock.tomorrow_at(MORNING),
        }
        choices = [
            Choice("1h", _("for an hour"), clock.moment(moments["1h"])),
            Choice("3h", _("for three hours"), clock.moment(moments["3h"])),
            Choice("morning", _("until tomorrow morning"), clock.moment(moments["morning"])),
        ]

        def chosen(answer: str | None) -> None:
            if answer is None:
                return
            if answer.startswith("="):
                delay = parse_delay(answer[1:])
                if delay is None:
                    self._screen.say(
                        _("not a time: {text}. Try 45m, 2h or 3d").format(text=answer[1:]), bad=True
                    )
                    return
                given(now + delay, answer[1:])
            else:
                given(moments[answer], _AS_TYPED.get(answer, answer))

        question = _("Snooze {customer} until…").format(customer=customers)
        prompt = _("or for another time: 45m, 2h, 3d")
        self._screen.app.push_screen(ChoiceScreen(question, choices, prompt=prompt), chosen)

    def done(self, row: Conversation) -> None:
        """It is so now: a form that closed it has done its work."""
        pane = self._screen.grid.showing(row.id)
        if pane is not None and row.state == "closed" and pane.form.display:
            pane.form.display = False
            self._screen.set_focus(pane.river)

    def refused(self, event: Refused) -> bool:
        """True when it was about a case, and the operator was told."""
        if event.problem.code != "taken":
            return False
        holder = event.problem.holder or _("somebody else")
        self._screen.say(_("not yours: {holder} has it").format(holder=holder), bad=True)
        self._screen.loader.load_detail(event.conversation_id)
        return True
