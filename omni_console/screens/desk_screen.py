"""The desk: status line, list, panes, card, keys; and who hears of what is pressed and of what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.desk import Desk
from omni_console.happenings import Happening
from omni_console.i18n import _
from omni_console.keymap import install, key_for, macro_bindings
from omni_console.messages import (
    CodesCame,
    CountsCame,
    CustomerCame,
    DetailCame,
    Done,
    DraftSaved,
    DraftsCame,
    FieldsCame,
    Forwarded,
    Greeted,
    Heard,
    HeldCame,
    LinkChanged,
    MentionsCame,
    MentionSeen,
    MoreHits,
    NeverSpoke,
    OlderCame,
    OverviewCame,
    PageCame,
    PeopleCame,
    PresenceCame,
    ProposalCame,
    Refused,
    RowCame,
    Sent,
    SuggestionsCame,
    TakenBack,
    TemplatesCame,
    Unanswered,
    UrgencyCame,
    ViewsCame,
)
from omni_console.own import Own
from omni_console.refusals import refusal
from omni_console.screens.arrangement import Arrangement
from omni_console.screens.attending import TICK_S as ATTEND_S
from omni_console.screens.attending import Attending
from omni_console.screens.browsing import Browsing
from omni_console.screens.bulk import Bulk
from omni_console.screens.case_facts import CaseFacts
from omni_console.screens.cases import Cases
from omni_console.screens.contacts import Contacts
from omni_console.screens.deeds import Deeds
from omni_console.screens.editing import Editing
from omni_console.screens.files import Files
from omni_console.screens.first_words import FirstWords
from omni_console.screens.forwarding import Forwarding
from omni_console.screens.hits import Hits
from omni_console.screens.identity import Identity
from omni_console.screens.layouts import TICK_S as LAYOUT_S
from omni_console.screens.layouts import Layouts
from omni_console.screens.lead import Lead
from omni_console.screens.letters import Letters
from omni_console.screens.loading import Loader
from omni_console.screens.marking import Marking
from omni_console.screens.mentions import Mentions
from omni_console.screens.narrowing import Narrowing
from omni_console.screens.news import News
from omni_console.screens.next_best import NextBest
from omni_console.screens.orders import Orders
from omni_console.screens.people import People
from omni_console.screens.presence import OwnPresence
from omni_console.screens.reading import Reading
from omni_console.screens.repeating import Repeating
from omni_console.screens.scheduling import Scheduling
from omni_console.screens.sending import TICK_S as SENDING_S
from omni_console.screens.sending import Sending
from omni_console.screens.spelling import Spelling
from omni_console.screens.teller import Teller
from omni_console.screens.templates import Templates
from omni_console.screens.touring import Touring
from omni_console.screens.undoing import Undoing
from omni_console.screens.window import Window
from omni_console.screens.windows import Windows
from omni_console.screens.writing import Writing
from omni_console.timing import Clock
from omni_console.widgets.banner import OfflineBanner
from omni_console.widgets.card.card import CustomerCard
from omni_console.widgets.close_form import CloseForm
from omni_console.widgets.composer import Composer
from omni_console.widgets.conversation_list import ConversationList
from omni_console.widgets.key_line import About, KeyLine
from omni_console.widgets.line_canvas import ROLES
from omni_console.widgets.line_list import LineList
from omni_console.widgets.pane import Pane
from omni_console.widgets.pane_grid import PaneGrid
from omni_console.widgets.pane_lines import PaneHeader
from omni_console.widgets.river_view import RiverView
from omni_console.widgets.status_line import StatusLine
from server.protocol import Conversation

if TYPE_CHECKING:
    from omni_console.app import OmniConsole

TICK_S = 10.0
R = TypeVar("R")


class DeskScreen(Screen[None]):
    """The one screen an operator works in. Everything else is a small window over it.

    It holds the widgets, and hands keys and messages on to the object whose matter they are.
    """

    AUTO_FOCUS = None
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLES
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]  # noqa: RUF012 - Textual's

    def __init__(
        self,
        desk: Desk,
        client: ServerClient,
        clock: Clock,
        changes: Mapping[str, str],
        own: Own,
    ) -> None:
        super().__init__()
        self.desk = desk
        self.client = client
        self.clock = clock
        self.changes = changes
        self.own = own
        self.online = False
        self.status = StatusLine(desk, clock)
        self.banner = OfflineBanner()
        self.list = ConversationList(desk, clock)
        self.grid = PaneGrid(desk, clock, changes)
        self.card = CustomerCard(desk, clock, changes)
        self.keys = KeyLine(changes, self._about)
        self.loader = Loader(self)
        self.news = News(self)
        self.browsing = Browsing(self)
        self.arrangement = Arrangement(self)
        self.layouts = Layouts(self, own.layouts, restore=own.settings.layout == "last")
        self.reading = Reading(self)
        self.attending = Attending(self)
        self.mentions = Mentions(self)
        self.writing = Writing(self)
        self.sending = Sending(self)
        self.scheduling = Scheduling(self)
        self.editing = Editing(self)
        self.spelling = Spelling(self, own.settings.spelling)
        self.first_words = FirstWords(self)
        self.templates = Templates(self)
        self.deeds = Deeds(self)
        self.cases = Cases(self)
        self.presence = OwnPresence(self)
        self.next_best = NextBest(self)
        self.lead = Lead(self)
        self.case_facts = CaseFacts(self)
        self.undoing = Undoing(self)
        self.bulk = Bulk(self)
        self.marking = Marking(self)
        self.people = People(self)
        self.identity = Identity(self)
        self.contacts = Contacts(self)
        self.letters = Letters(self)
        self.forwarding = Forwarding(self)
        self.files = Files(self, own.settings.open)
        self.windows = Windows(self)
        self.repeating = Repeating(self)
        self.touring = Touring(self, wanted=own.tour, shown=own.tour_shown)
        self.orders = Orders(self, own.history)
        self.teller = Teller(self, own.settings)
        self.refusals = 0  # how often the server said no, or nothing
        self.hits = Hits(self)
        self.narrowing = Narrowing(self)
        install(self, ("anywhere",), changes)
        for binding in macro_bindings(own.keys.macros):
            self._bindings.key_to_bindings[binding.key] = [binding]
        install(self.list, ("list", "browse", "panes"), changes)
        self._commands: dict[str, Callable[[], None]] = {
            **self.browsing.commands(),
            **self.arrangement.commands(),
            **self.layouts.commands(),
            **self.reading.commands(),
            **self.writing.commands(),
            **self.sending.commands(),
            **self.scheduling.commands(),
            **self.editing.commands(),
            **self.spelling.commands(),
            **self.first_words.commands(),
            **self.templates.commands(),
            **self.cases.commands(),
            **self.presence.commands(),
            **self.next_best.commands(),
            **self.lead.commands(),
            **self.case_facts.commands(),
            **self.undoing.commands(),
            **self.marking.commands(),
            **self.people.commands(),
            **self.identity.commands(),
            **self.contacts.commands(),
            **self.letters.commands(),
            **self.forwarding.commands(),
            **self.files.commands(),
            **self.mentions.commands(),
            **self.windows.commands(),
            **self.repeating.commands(),
            **self.orders.commands(),
            **self.hits.commands(),
            **self.narrowing.commands(),
            "screen.redraw": self.loader.redraw,
        }

    def compose(self) -> ComposeResult:
        yield self.status
        yield self.banner
        with Horizontal(id="body"):
            yield self.list
            yield self.grid
            yield self.card
        yield self.touring.line
        yield self.keys

    def on_mount(self) -> None:
        self.set_focus(self.list)
        self.set_interval(TICK_S, self.tick)
        self._say_problems()
        self.set_interval(ATTEND_S, self.attending.tick)
        self.set_interval(SENDING_S, self.sending.tick)
        self.set_interval(LAYOUT_S, self.layouts.tick)

    def _say_problems(self) -> None:
        """What in the operator's own files cannot be used; the page of keys has all of it."""
        problems = self.own.problems
        if problems:
            more = f" (+{len(problems) - 1})" if len(problems) > 1 else ""
            text = _("not used: {problem}{more} · {key} shows it")
            key = key_for("help.open.browse")
            self.say(text.format(problem=problems[0], more=more, key=key), bad=True)

    def on_resize(self) -> None:
        self.arrangement.resized()

    def on_screen_suspend(self) -> None:
        """A window stands over it, which has its own keys."""
        self.keys.rest(resting=True)

    def on_screen_resume(self) -> None:
        self.keys.rest(resting=False)

    def tick(self) -> None:
        """Time goes on: ages are painted anew."""
        self.list.lines_changed()
        self.status.changed()
        self.teller.show_title()
        self.card.changed()
        for pane in self.grid.panes:
            pane.header.changed()

    # --- keys -----------------------------------------------------------------------------------------

    def action_do(self, command: str) -> None:
        """Every key and every line of the palette ends here."""
        self.reading.key_came()
        if not self.bulk.takes(command):
            self._commands[command]()
        self.touring.did(command)

    def action_macro(self, number: int) -> None:
        """A key of the operator's own, which stands for commands."""
        self.orders.play(*list(self.own.keys.macros.items())[number])

    @property
    def console(self) -> OmniConsole:
        """The program, for what only it can do to the terminal."""
        return cast("OmniConsole", self.app)

    async def settled(self) -> None:
        """Until what has been posted to the screen so far is handled, and painted."""
        done = asyncio.Event()
        self.call_later(self.call_after_refresh, done.set)
        await done.wait()

    def say(self, text: str, *, bad: bool = False) -> None:
        if not self.lead.say(text, bad=bad):
            self.keys.say(text, bad=bad)

    def open_late(self, window: Window[R], ended: Callable[[R | None], None] | None = None) -> None:
        """A window that had to wait for the server: it takes no letter that is meant for something else."""
        if self.app.screen is not self or isinstance(self.focused, Composer | Input):
            self.say(_("what you asked for came while you did something else: ask again"))
        else:
            self.app.push_screen(window, ended)

    @property
    def pane(self) -> Pane | None:
        """The active pane, when it shows a conversation."""
        pane = self.grid.active
        return pane if pane.conversation_id else None

    @property
    def target(self) -> Conversation | None:
        """The conversation that a command is about: under the cursor in the list, else in the pane."""
        if self.focused is self.list or self.pane is None:
            key = self.list.conversation_id
            return None if key is None else self.desk.conversations.get(key)
        return self.pane.row

    def _about(self) -> About:
        """What the keys would act on."""
        row, pane = self.target, self.pane
        way = pane.way if pane is not None else None
        return About(
            one=row is not None,
            to_take=row is not None and row.assignee_id != self.desk.me,
            note=pane is not None and pane.writing and pane.composer.kind == "note",
            ways=len(pane.ways) if pane is not None else 0,
            recipients=way is not None and way.recipients_max > 1,
        )

    # --- what the widgets say ---------------------------------------------------------------------------

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        # What is told late, of where the focus was before the next key, must not bring it back there.
        if event.widget is self.focused:
            self.arrangement.focus_came(event.widget)

    def on_app_focus(self) -> None:
        if self.pane is not None:
            self.pane.river.changed()  # what it shows counts as read from now on

    @on(StatusLine.ViewChosen)
    def view_clicked(self, event: StatusLine.ViewChosen) -> None:
        self.browsing.show_view(event.view)

    @on(PaneHeader.Clicked)
    def header_clicked(self, event: PaneHeader.Clicked) -> None:
        self.arrangement.header_clicked(event)

    @on(PaneHeader.CrossClicked)
    def cross_clicked(self, event: PaneHeader.CrossClicked) -> None:
        self.arrangement.cross_clicked(event)

    @on(LineList.Chosen, "#list")
    def row_clicked(self) -> None:
        self.browsing.open_selected()

    @on(ConversationList.Moved)
    def row_changed(self) -> None:
        self.keys.changed()

    @on(ConversationList.MoreWanted)
    def more_wanted(self, event: ConversationList.MoreWanted) -> None:
        self.loader.load_more(event.place)

    @on(RiverView.OlderWanted)
    def older_wanted(self, event: RiverView.OlderWanted) -> None:
        self.loader.load_older(event.customer_id)

    @on(RiverView.Read)
    def read(self, event: RiverView.Read) -> None:
        self.reading.read(event)

    @on(RiverView.Called)
    def called(self, event: RiverView.Called) -> None:
        self.mentions.read(event)

    @on(Pane.DraftChanged)
    def draft_changed(self, event: Pane.DraftChanged) -> None:
        self.attending.typed(event.draft)
        self.writing.save_soon()
        self.list.conversation_changed(event.draft.conversation_id)

    @on(Composer.FileDropped)
    def file_dropped(self, event: Composer.FileDropped) -> None:
        self.letters.dropped(event.path, event.text)

    @on(CloseForm.Filled)
    def form_filled(self, event: CloseForm.Filled) -> None:
        self.cases.form_filled(event)

    @on(CloseForm.Left)
    def form_left(self) -> None:
        if self.pane is not None:
            self.set_focus(self.pane.river)

    # --- what the server says -----------------------------------------------------------------------------

    @on(Greeted)
    def greeted(self, event: Greeted) -> None:
        first = self.desk.operator is None
        self.clock.set_by(event.hello.now)
        self.desk.greet(event.hello)
        self.status.changed()
        if first:
            self.loader.reload()
            self.layouts.begin(self.client.place)
        else:
            self.loader.load_counts()

    @on(LinkChanged)
    def link_changed(self, event: LinkChanged) -> None:
        link = event.link
        if self.online and link.state != "online":
            self.teller.heard([Happening("lost")])
        self.online = link.state == "online"
        self.lead.link(online=self.online)
        self.status.online = self.online
        self.desk.company.clear()  # who is where is told anew with each connection
        self.tick()
        self.status.changed()
        if self.online:
            self.banner.hide()
            self.loader.online_again()
            self.layouts.online_again()
            self.writing.online_again()
            self.sending.load()
        else:
            self.sending.tick()
            self.banner.show(link.why, for_good=link.state == "refused")

    @on(Heard)
    def heard(self, event: Heard) -> None:
        self.news.heard(event.envelope)
        if event.envelope.type in ("event", "reset"):
            self.lead.happened()

    @on(PageCame)
    def page_came(self, event: PageCame) -> None:
        self.loader.page_came(event)

    @on(DetailCame)
    def detail_came(self, event: DetailCame) -> None:
        self.loader.detail_came(event)

    @on(OlderCame)
    def older_came(self, event: OlderCame) -> None:
        self.loader.older_came(event)

    @on(CountsCame)
    def counts_came(self, event: CountsCame) -> None:
        self.loader.counts_came(event.counts)

    @on(CustomerCame)
    def customer_came(self, event: CustomerCame) -> None:
        self.loader.customer_came(event.customer)

    @on(PeopleCame)
    def people_came(self, event: PeopleCame) -> None:
        self.loader.people_came(event)

    @on(PresenceCame)
    def presence_came(self, event: PresenceCame) -> None:
        self.presence.came(event.me)

    @on(OverviewCame)
    def overview_came(self, event: OverviewCame) -> None:
        self.lead.came(event.overview)

    @on(ProposalCame)
    def proposal_came(self, event: ProposalCame) -> None:
        self.lead.proposal_came(event.proposal)

    @on(UrgencyCame)
    def urgency_came(self, event: UrgencyCame) -> None:
        self.next_best.came(event)

    @on(DraftsCame)
    def drafts_came(self, event: DraftsCame) -> None:
        self.loader.drafts_came(event.drafts)

    @on(RowCame)
    def row_came(self, event: RowCame) -> None:
        self.reading.row_came(event.row)

    @on(Forwarded)
    def forwarded(self, event: Forwarded) -> None:
        self.forwarding.sent(event)

    @on(Done)
    def done(self, event: Done) -> None:
        self.undoing.done(event)
        self.lead.done()

    @on(NeverSpoke)
    def never_spoke(self, event: NeverSpoke) -> None:
        self.first_words.to_person(event.customer)

    @on(SuggestionsCame)
    def suggestions_came(self, event: SuggestionsCame) -> None:
        self.loader.suggestions_came(event)

    @on(MentionsCame)
    def mentions_came(self, event: MentionsCame) -> None:
        self.mentions.came(event.page)

    @on(MentionSeen)
    def mention_seen(self, event: MentionSeen) -> None:
        self.mentions.seen(event)

    @on(FieldsCame)
    def fields_came(self, event: FieldsCame) -> None:
        self.loader.fields_came(event.fields)

    @on(DraftSaved)
    def draft_saved(self, event: DraftSaved) -> None:
        self.desk.drafts.saved(event.draft, event.ticket)

    @on(TemplatesCame)
    def templates_came(self, event: TemplatesCame) -> None:
        self.templates.came(event)

    @on(CodesCame)
    def codes_came(self, event: CodesCame) -> None:
        self.orders.codes_came(event)

    @on(ViewsCame)
    def views_came(self, event: ViewsCame) -> None:
        self.narrowing.came(event)

    @on(MoreHits)
    def more_hits(self, event: MoreHits) -> None:
        self.hits.came(event)

    @on(HeldCame)
    def held_came(self, event: HeldCame) -> None:
        self.sending.came(event)

    @on(TakenBack)
    def taken_back(self, event: TakenBack) -> None:
        self.sending.taken_back(event)

    @on(Sent)
    def sent(self, event: Sent) -> None:
        self.writing.sent(event)
        self.touring.did("did send")

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self.hits.gave_up(event.what)
        if event.what not in errands.QUIET:
            self.refusals += 1
            self.repeating.not_done()
        if self.loader.gave_up(event) or self.mentions.not_told(event) or self.sending.refused(event):
            return
        if self.layouts.refused(event) or self.forwarding.refused(event):
            return
        if self.reading.not_told(event) or self.writing.refused(event) or self.cases.refused(event):
            return
        self.say(refusal(event.problem), bad=True)

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self.hits.gave_up(event.what)
        if event.what not in errands.QUIET:
            self.refusals += 1
            self.repeating.not_done()
        if self.loader.gave_up(event) or self.mentions.not_told(event):
            return
        if self.reading.not_told(event) or self.writing.unanswered(event):
            return
        if self.forwarding.unanswered(event):
            return
        if self.online:
            self.say(_("no answer from the server: {why}").format(why=event.why), bad=True)
