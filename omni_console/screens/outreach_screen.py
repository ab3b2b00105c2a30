"""Writing to people who did not just write to us: one of them, or many at once.

First it is looked at who would get it and who would not, and why; only the same words again are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec.structs import replace
from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, TextArea

from omni_console import errands
from omni_console.begun_words import BegunWords, Fields
from omni_console.cleaning import typed
from omni_console.client import ServerClient
from omni_console.i18n import _, ngettext
from omni_console.messages import Outreached, Refused, Unanswered
from omni_console.outgoing import new_id
from omni_console.refusals import known, obstacle_words, refusal
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.window import Window
from omni_console.text import fit, safe_line
from omni_console.widgets.close_form import FormLine
from omni_console.widgets.foot import Foot
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread
from server.protocol import BulkDone, BulkMessage, BulkOutcome, Customer

PEOPLE_MAX = 1_000  # of one message, as the server takes it
PAGE = 200
KEEP_AFTER_S = 1.0  # a kill loses no more of what was typed


class Words(TextArea):
    """The text; what is pasted into it is cleaned on its way in."""

    def __init__(self) -> None:
        super().__init__(compact=True, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False)
        self.cursor_blink = False

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self._replace_via_keyboard(typed(event.text), *self.selection)


class OutcomeRows(LineList):
    """Who does not get it, and why. `moved`: the cursor is on another row, or came or went with the focus."""

    def __init__(self, moved: Callable[[], None]) -> None:
        super().__init__(classes="outcomes")
        self.held: list[tuple[str, str]] = []
        self._moved = moved

    def shows_cursor(self) -> bool:
        return self.has_focus

    def cursor_moved(self) -> None:
        self._moved()

    def on_focus(self) -> None:
        self._moved()

    def on_blur(self) -> None:
        self._moved()

    def row_count(self) -> int:
        return len(self.held)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        name, why = self.held[index]
        edge = (Content("▌ " if selected else "  "), "accent")
        who = (fit(safe_line(name), min(self._name_cells, width // 3)), "strong")
        return spread([edge, who, (safe_line(why, before="  "), "dim")], [], width)

    @property
    def _name_cells(self) -> int:
        return max((cell_len(safe_line(name).plain) for name, _why in self.held), default=0)

    @property
    def why(self) -> str:
        """Of the row under the cursor."""
        return self.held[self.cursor][1] if self.shows_cursor() and self.held else ""

    def show(self, held: list[tuple[str, str]]) -> None:
        self.held = held
        self.cursor = 0
        self.rows_changed()


class OutreachScreen(Window[str]):
    """Ends with a sentence for the status line.

    `person`: to him alone, and nobody is asked for. `begun`: keeps words to many until they are sent.
    """

    BINDINGS: ClassVar = [("ctrl+j", "go_on", "")]

    def __init__(
        self, client: ServerClient, person: Customer | None = None, begun: BegunWords | None = None
    ) -> None:
        super().__init__()
        self.client = client
        self._person = person
        self._begun = (begun or BegunWords()) if person is None else None
        self._keeper: Timer | None = None
        self._seen: BulkMessage | None = None  # what was looked at, and may be sent as it is
        self._asked = ""  # whom it was looked at for
        self._names: dict[int, str] = {}
        self._foot = Foot()
        self._warned_of = ""  # the text that was not left at the first try
        self._rows = OutcomeRows(self._show_why)
        self._why = TextLines("", classes="why")

    def compose(self) -> ComposeResult:
        person = self._person
        title = (
            _("Write to many") if person is None else _("Write to {customer}").format(customer=person.name)
        )
        with Vertical(classes="window -form -outreach"):
            yield TextLines(title, role="strong", classes="title")
            if person is None:
                yield from self._line("to", _("to"))
            yield from self._line("purpose", _("purpose"), "service")
            yield from self._line("subject", _("subject"))
            yield Words()
            with Vertical(classes="not-to"):
                yield TextLines(_("Does not get it"), role="rule")
                yield self._rows
                yield self._why
            yield self._foot

    def _line(self, key: str, label: str, value: str = "") -> ComposeResult:
        with Horizontal(classes="form-row"):
            yield FormLine(label, "dim", "form-label")
            yield Input(value, id=f"q-{key}", compact=True, max_length=200, select_on_focus=False)

    def opened(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        if self._begun is not None:
            self._bring_back(self._begun.fields())
        self._forget()
        (self.query(Input).first() if self._person is None else self.query_one(Words)).focus()

    def _bring_back(self, begun: Fields) -> None:
        for field in self.query(Input):
            field.value = typed(begun.get(field.id or "", field.value))
        self.query_one(Words).text = begun.get("text", "")

    def _keep(self) -> None:
        """What stands here, as long as there is a text."""
        self._keeper = None
        text = self.query_one(Words).text
        if self._begun is None:
            return
        if text.strip():
            self._begun.keep({"text": text} | {field.id or "": field.value for field in self.query(Input)})
        else:
            self._begun.forget()

    def _say(self, words: str = "", role: str = "dim") -> None:
        to = _("to: segment:NAME, tag:NAME, or words as in “Find a person”")
        fields = _("{first_name} and other fields of the card are filled in for each")
        if words:
            self._foot.say(words, role)
        else:
            self._foot.say("\n".join([to, fields] if self._person is None else [fields]))
            self._offer(_("see who would get it"))

    def _show_why(self) -> None:
        """The whole of what is cut in the row under the cursor."""
        self._why.say(self._rows.why, "dim")
        self._why.display = bool(self._rows.why)

    def _forget(self) -> None:
        """What was looked at is not what stands here now."""
        self._seen = None
        self._show([])
        self._say()

    def _show(self, held: list[tuple[str, str]]) -> None:
        if not held and self._rows.has_focus:
            self.query_one(Words).focus()
        self._rows.show(held)
        self.query_one(".not-to").display = bool(held)
        self._show_why()

    def on_key(self, event: events.Key) -> None:
        moves = {"down": 1, "j": 1, "о": 1, "up": -1, "k": -1, "л": -1}
        pages = {"pagedown": 1, "pageup": -1}
        if not self._rows.has_focus or event.key not in {*moves, *pages}:
            return
        event.stop()
        event.prevent_default()
        if event.key in moves:
            self._rows.move(moves[event.key])
        else:
            self._rows.move_pages(pages[event.key])

    @on(Input.Changed)
    @on(TextArea.Changed)
    def changed(self, event: Input.Changed | TextArea.Changed) -> None:
        event.stop()
        if self._keeper is None:
            self._keeper = self.set_timer(KEEP_AFTER_S, self._keep)
        if self._seen is not None or self._rows.held:
            self._forget()

    def _offer(self, go_on: str) -> None:
        self._foot.offer(("ctrl+j", go_on), ("tab", _("next")), ("esc", _("not now")))

    def may_leave(self) -> bool:
        if self._begun is not None and self._begun.outlives_us:
            if self.stands:
                self._keep()  # it is here again the next time
            return True
        words = self.query_one(Words).text if self.stands else ""
        if not words.strip() or self._warned_of == words:
            return True
        self._warned_of = words
        self._say(_("not sent; once more, and the text is gone"), "bad")
        return False

    # --- what is to be sent -------------------------------------------------------------------------------

    def _to(self) -> str:
        return "" if self._person is not None else self._value("to")

    def _value(self, key: str) -> str:
        return self.query_one(f"#q-{key}", Input).value.strip()

    def action_go_on(self) -> None:
        text, purpose = self.query_one(Words).text.strip(), self._value("purpose")
        if self._person is None and not self._to():
            self._say(_("to whom? * is everybody"), "bad")
            self.query_one("#q-to", Input).focus()
        elif not text:
            self._say(_("there is no text"), "bad")
            self.query_one(Words).focus()
        elif not purpose:
            self._say(_("a purpose is needed: consents are asked by it"), "bad")
            self.query_one("#q-purpose", Input).focus()
        elif self._seen is not None and self._same(self._seen, text, purpose):
            self._send(replace(self._seen, dry_run=False))
        else:
            self._look(text, purpose)

    def _same(self, seen: BulkMessage, text: str, purpose: str) -> bool:
        subject = self._value("subject") or None
        return (seen.text, seen.purpose, seen.subject) == (
            text,
            purpose,
            subject,
        ) and self._asked == self._to()

    def _look(self, text: str, purpose: str) -> None:
        client, person, subject = self.client, self._person, self._value("subject") or None
        self._asked = asked = self._to()
        client_id = new_id()
        self._say(_("looking…"))

        async def look() -> Outreached:
            people = [person] if person is not None else await everybody(client, asked)
            if not people:
                return Outreached(None, BulkDone(outcomes=[], queued=0, held=0), people)
            message = BulkMessage(
                client_id=client_id,
                text=text,
                subject=subject,
                purpose=purpose,
                customer_ids=[one.id for one in people],
                dry_run=True,
            )
            return Outreached(message, await client.people.bulk(message), people)

        errands.send(self, "outreach", look, lambda came: came)

    def _send(self, message: BulkMessage) -> None:
        client = self.client
        self._say(_("sending…"))

        async def send() -> Outreached:
            return Outreached(message, await client.people.bulk(message), [])

        errands.send(self, "outreach", send, lambda came: came)

    # --- what came of it ----------------------------------------------------------------------------------

    @on(Outreached)
    def came(self, event: Outreached) -> None:
        event.stop()
        if event.message is None:
            self._say(_("nobody is found"), "bad")
            return
        if not event.message.dry_run:
            self._sent()
            told = ngettext("{n} message is on its way", "{n} messages are on their way", event.done.queued)
            held = ngettext("{n} is held", "{n} are held", event.done.held).format(n=event.done.held)
            said = told.format(n=event.done.queued)
            self.dismiss(f"{said}, {held}" if event.done.held else said)
            return
        if not self._same(event.message, self.query_one(Words).text.strip(), self._value("purpose")):
            self._say()  # something was changed meanwhile
            return
        self._names = {one.id: one.name for one in event.people}
        held_back = [one for one in event.done.outcomes if one.obstacles or one.problem]
        self._show([(self._names.get(one.customer_id, ""), _why(one)) for one in held_back])
        count = event.done.queued
        self._seen = event.message if count else None
        if not count:
            self._say(_("nobody would get it: see why"), "bad")
            return
        gets = ngettext("{n} person gets it", "{n} people get it", count).format(n=count)
        without = ngettext("{n} does not", "{n} do not", len(held_back)).format(n=len(held_back))
        words = gets if not held_back else f"{gets}, {without}"
        if len(event.people) >= PEOPLE_MAX:
            words += "\n" + _(
                "only the first {n} were looked at: narrow it, and write again to the others"
            ).format(n=PEOPLE_MAX)
        self._say(f"{words}; " + _("nothing is sent yet"), "strong")
        self._offer(_("send it"))

    def _sent(self) -> None:
        if self._keeper is not None:
            self._keeper.stop()
        if self._begun is not None:
            self._begun.forget()

    @on(Refused)
    def refused(self, event: Refused) -> None:
        event.stop()
        self._seen = None
        self._say(refusal(event.problem), "bad")

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        event.stop()
        # Sent again with the same number, nobody gets it twice.
        self._say(_("no answer from the server: {why}. ctrl+j tries again").format(why=event.why), "bad")


def _why(outcome: BulkOutcome) -> str:
    return (known(outcome.problem) or outcome.problem) or "; ".join(
        obstacle_words(one) for one in outcome.obstacles
    )


async def everybody(client: ServerClient, asked: str) -> Sequence[Customer]:
    """Whom `asked` means: segment:NAME, tag:NAME, words, or * for all; at most PEOPLE_MAX."""
    name, _colon, value = asked.partition(":")
    where = {name: value.strip()} if name in ("segment", "tag") else {}
    words = "" if where or asked == "*" else asked
    found: list[Customer] = []
    after: str | None = None
    while len(found) < PEOPLE_MAX:
        page = await client.people.find(words, after, PAGE, **where)
        found += page.items
        after = page.next
        if after is None:
            break
    return found[:PEOPLE_MAX]
