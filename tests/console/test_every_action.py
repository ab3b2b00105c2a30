"""Every action of the registry by its first key (or by its name, where it has none), in a small world, with
what comes of it: what is seen, and where it is a deed, what it changed.

An action without a step fails: nobody adds one that nothing tries. Steps that do not disturb one another
share one console: a walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from omni_console.actions import ACTIONS, BY_ID, Action, command_of
from omni_console.keymap import keys_of, normal
from omni_console.own import Own
from omni_console.widgets.card.entries import Deed
from omni_console.widgets.composer import Composer
from omni_console.widgets.conversation_list import ConversationList
from omni_console.widgets.river_view import RiverView
from server import protocol as wire
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_books import MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_people import acquainted
from tests.fakes.operator_world import BORIS, MIRA, said

IVANS_OLD, IVAN, ANNA, MARIA, PHONE = 1, 2, 3, 4, 5  # conversations
IVANS_CARD, ANNAS_CARD = 1, 2
VERA = wire.OperatorInfo(id=9, login="vera", name="Vera", role="collaborator")
So = Callable[[Hands, FakeServer], object]
At = Literal["list", "queue", "pane", "two", "writing", "card"]


@dataclass(frozen=True)
class Step:
    """After the keys `before`, the action; it shows `sees`; then further keys, and it is `so`.

    Of `then`, "=words" are typed, "?words" are waited for, all others are keys. `after` leads to where the
    next step begins.
    """

    command: str
    sees: str = ""
    so: So | None = None
    before: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Walk:
    at: At
    steps: tuple[Step, ...]
    world: Callable[[FakeServer], object] = lambda world: world  # what is different in it


# --- what is so -------------------------------------------------------------------------------------------


def focus(kind: type) -> So:
    return lambda hands, _world: isinstance(hands.app.focused, kind)


def opened(key: int) -> So:
    return lambda hands, _world: hands.screen.pane is not None and hands.screen.pane.conversation_id == key


def left(key: int) -> So:
    return lambda hands, _world: hands.screen.pane is not None and hands.screen.pane.conversation_id != key


def panes(count: int) -> So:
    return lambda hands, _world: len(hands.screen.grid.panes) == count


def shows(view: str) -> So:
    return lambda hands, _world: hands.screen.list.view == view


def target(key: int) -> So:
    return lambda hands, _world: hands.screen.target is not None and hands.screen.target.id == key


def marked(*keys: int) -> So:
    return lambda hands, _world: hands.screen.list.marked == set(keys)


def row(key: int, **fields: object) -> So:
    """The server has this conversation so."""
    return lambda _hands, world: all(
        getattr(world.conversations[key], name) == value for name, value in fields.items()
    )


def card(true: Callable[[wire.Customer], object]) -> So:
    return lambda _hands, world: true(world.customers[IVANS_CARD])


def suggestion(state: str) -> So:
    return lambda _hands, world: world.suggestions[1].state == state


def newest(**fields: object) -> So:
    """The newest message that the server has."""
    return lambda _hands, world: all(
        getattr(world.messages[-1], name) == value for name, value in fields.items()
    )


def asked(what: str) -> So:
    """The server was asked for it."""
    return lambda _hands, world: any(one.endswith(what) for one in world.asked)


def both(*several: So) -> So:
    return lambda hands, world: all(so(hands, world) for so in several)


def modal(hands: Hands, _world: FakeServer) -> bool:
    return hands.app.screen is not hands.screen


def river(hands: Hands) -> RiverView:
    assert hands.screen.pane is not None
    return hands.screen.pane.river


def text(hands: Hands) -> str:
    return hands.screen.pane.composer.text if hands.screen.pane else ""


def heights(hands: Hands) -> list[int]:
    return [pane.size.height for pane in hands.screen.grid.panes]


def of_ivan(world: FakeServer) -> set[int]:
    """The conversations that Ivan's messages are in."""
    return {one.conversation_id for one in world.messages if one.customer_id == IVANS_CARD}


# --- worlds -----------------------------------------------------------------------------------------------


def long(world: FakeServer) -> None:
    for number in range(80):
        said(world, IVAN, ("in", 6 * MINUTE - number, f"line {number}"))


def lead(world: FakeServer) -> None:
    world.me = MIRA


def held(world: FakeServer) -> None:
    world.hold_ms = 9_000


def collaborator(world: FakeServer) -> None:
    world.operators[VERA.id] = VERA


def letters(world: FakeServer) -> None:
    """Anna's mail, in which Carol takes part too."""
    carol = wire.Addressee(address="carol@example.org", name="Carol")
    [way] = world.ways[ANNAS_CARD]
    world.ways[ANNAS_CARD] = [replace(way, recipients_max=9, files_max=2, others=[carol], known=[carol])]


def suggested(world: FakeServer) -> None:
    """What Ivan said last may belong to his older conversation."""
    [*_, at] = [at for at, one in enumerate(world.messages) if one.conversation_id == IVAN]
    world.messages[at] = replace(world.messages[at], suggest_id=IVANS_OLD, suggest_why="same subject")


def thanks(world: FakeServer) -> None:
    world.templates = [wire.FilledTemplate(code="t", title="Thanks", text="Thank you, Ivan!")]


# --- the walks --------------------------------------------------------------------------------------------

WALKS: dict[str, Walk] = {
    "down and up a list": Walk(
        "list",
        (
            Step("row.next", so=target(MARIA)),
            Step("row.prev", so=target(ANNA)),
            Step("list.top", so=target(IVAN)),
            Step("page.half_down", so=target(MARIA)),
            Step("page.half_up", so=target(IVAN)),
            Step("list.bottom", so=target(MARIA)),
            Step("thread.open", so=opened(MARIA)),
        ),
    ),
    "marks": Walk(
        "list",
        (
            Step("mark.toggle", so=marked(ANNA)),
            Step("mark.range", "2 marked", marked(ANNA, MARIA), before=("G",)),
            Step("mark.none", so=marked()),
        ),
    ),
    "views": Walk(
        "list",
        (
            Step("view.next", so=shows("queue")),
            Step("view.prev", so=shows("mine")),
            Step("view.show", "Which view?", shows("closed"), then=("5",)),
            Step(
                "filter.list",
                so=lambda _hands, world: world.filtered[-1] == "лампа",
                before=("[",),
                then=("=лампа", "enter"),
            ),
            Step(
                "view.saved",
                "no saved views",
                lambda _hands, world: [one.name for one in world.views] == ["Lamps"],
                then=("s", "=Lamps", "enter"),
            ),
        ),
    ),
    "numbers": Walk(
        "list",
        (
            *(Step(f"slot.{n}", f"nothing has the number {n}") for n in (4, 5, 6, 7)),
            *(Step(f"slot.{n}", so=opened(key)) for n, key in ((1, IVAN), (2, ANNA), (3, MARIA))),
            Step("thread.last", so=opened(ANNA)),
            Step("thread.prev", so=opened(IVAN)),
            Step("thread.next", so=opened(ANNA)),
        ),
    ),
    "where one is needed": Walk(
        "list",
        (
            Step("attention.next", so=focus(RiverView)),
            Step("attention.prev", so=left(IVAN), before=("1",)),
            Step("next.why", "points", after=("escape",)),
            Step(
                "next.take",
                so=both(asked("POST /v1/next"), lambda hands, _world: hands.screen.pane is not None),
            ),
        ),
    ),
    "one pane": Walk(
        "pane",
        (
            Step("pane.prev", so=focus(ConversationList)),
            Step("pane.next", so=focus(RiverView)),
            Step("pane.left", so=focus(ConversationList)),
            Step("pane.right", so=focus(RiverView)),
            Step(
                "pane.zoom",
                so=lambda hands, _world: hands.screen.has_class("-zoomed-screen"),
                after=("alt+z",),
            ),
            Step("pane.split_right", so=panes(2), after=("q",)),
            Step("pane.split_down", so=panes(2), after=("q",)),
        ),
    ),
    "two panes": Walk(
        "two",
        (
            Step("pane.up", so=opened(IVAN)),
            Step("pane.down", so=left(IVAN)),
            Step("pane.grow", so=lambda hands, _world: heights(hands)[1] > heights(hands)[0] + 1),
            Step(
                "pane.equal",
                so=lambda hands, _world: abs(heights(hands)[0] - heights(hands)[1]) <= 1,
                before=("+",),
            ),
            Step("pane.shrink", so=lambda hands, _world: heights(hands)[0] > heights(hands)[1] + 1),
            Step("layout.open", "no layout is kept yet", then=("=evening", "enter", "?kept as evening")),
            Step("pane.close", so=panes(1)),
        ),
    ),
    "cases of a history": Walk(
        "pane",
        (
            Step("case.prev", so=lambda hands, _world: river(hands)._top is not None),
            Step("case.next", so=lambda hands, _world: river(hands)._top is None),
        ),
        long,
    ),
    "a history": Walk(
        "pane",
        (
            Step("history.folds", "no message on the screen has quoted lines"),
            Step("message.source", so=asked("/source")),
            Step("files.open", "Files of Иван Петров", after=("escape",)),
            Step("notes.open", "Notes about Иван Петров", after=("escape",)),
            Step("hit.next", "search"),
            Step("hit.prev", "search"),
            Step(
                "message.files",
                so=asked("GET /v1/files/1"),
                before=("2", "?invoice"),
                then=("?Which file?", "1", "?save it", "2"),
            ),
            Step("history.channels", so=lambda hands, _world: river(hands).only_channel != "", before=("1",)),
        ),
    ),
    "a reply": Walk(
        "pane",
        (
            Step("reply.start", so=focus(Composer)),
            Step("template.insert", "Thanks", lambda hands, _w: "Thank you" in text(hands), then=("enter",)),
            Step("compose.editor", "editor"),
            Step("compose.spell", "no speller"),
            Step(
                "compose.leave",
                so=both(
                    focus(RiverView),
                    lambda _hands, world: any("Thank you" in one.text for one in world.drafts.values()),
                ),
            ),
            Step("reply.quote", so=lambda hands, _world: "> " in text(hands)),
            Step("compose.send", so=newest(kind="out", conversation_id=IVAN)),
            Step("compose.way", "by @ e-mail"),
        ),
        thanks,
    ),
    "a letter": Walk(
        "list",
        (
            Step(
                "message.forward",
                "Forward the message of Anna Schmidt",
                newest(kind="out", text="can you help?"),
                before=("enter", "?Kind regards"),
                then=("=dora@example.org", "down", "down", "=can you help?", "ctrl+j"),
            ),
            Step("reply.all", "anna@example.org + 1 other", focus(Composer)),
            Step(
                "compose.recipients",
                "Bcc",
                lambda hands, _world: "+ 2 others" in hands.text(),
                then=("down", "end", "=, eve@example.org", "ctrl+j"),
            ),
            Step(
                "compose.attach",
                so=asked(f"/v1/conversations/{ANNA}/files"),
                then=(f"={__file__}", "enter"),
            ),
        ),
        letters,
    ),
    "a note": Walk(
        "writing",
        (
            Step(
                "compose.kind",
                "private note",
                newest(kind="note", text="code 15"),
                then=("=code 15", "ctrl+j"),
            ),
            Step(
                "note.start",
                "private note  the customer does not see it",
                newest(kind="note", text="he is right"),
                before=("escape",),
                then=("=he is right", "ctrl+j"),
            ),
        ),
    ),
    "a reply, then the next": Walk(
        "writing", (Step("compose.send_next", so=both(left(IVAN), newest(text="half a reply"))),)
    ),
    "a reply for later": Walk(
        "writing",
        (
            Step(
                "compose.schedule",
                "When the reply to Иван Петров leaves",
                newest(status="scheduled", text="half a reply"),
                then=("=2h", "enter", "?If the customer writes before?", "enter"),
            ),
        ),
    ),
    "a reply taken back": Walk(
        "writing",
        (
            Step(
                "send.undo",
                so=both(newest(status="withdrawn"), lambda hands, _world: text(hands) == "half a reply"),
                before=("ctrl+j",),
            ),
        ),
        held,
    ),
    "what a case is about": Walk(
        "pane",
        (
            Step(
                "thread.facts",
                "What it is about: Иван Петров",
                row(IVAN, topic="card", summary="a new card"),
                then=("=card", "enter", "ctrl+u", "=a new card", "ctrl+j"),
            ),
            Step(
                "thread.tags",
                "Tags of this conversation",
                row(IVAN, tags=["карта", "vip"]),
                then=("= vip", "enter"),
            ),
            Step("thread.priority", "How urgent is Иван Петров?", row(IVAN, priority="normal"), then=("3",)),
            Step("undo.last", "as it was before", row(IVAN, priority="urgent")),
            Step("repeat.last", "again: priority normal", row(IVAN, priority="normal")),
            Step("thread.snooze", "Snooze Иван Петров until…", row(IVAN, state="snoozed"), then=("1",)),
            Step(
                "thread.close",
                "close this case",
                row(IVAN, state="closed", topic="card", result="unblocked"),
                then=("ctrl+u", "=card", "enter", "=unblocked", "enter"),
            ),
            Step("thread.reopen", "open again", row(IVAN, state="open")),
        ),
    ),
    "whose a case is": Walk(
        "pane",
        (
            Step("thread.decline", "nothing was handed over here"),
            Step("thread.share", "Vera", row(IVAN, shared_with=[VERA.id]), then=("1",)),
            Step("thread.release", so=row(IVAN, assignee_id=None)),
            Step("thread.claim", so=row(IVAN, assignee_id=1)),
            Step(
                "thread.assign",
                "Who takes over Иван Петров?",
                row(IVAN, assignee_id=BORIS.id),
                then=("enter", "?What must Boris Berg know", "=he is abroad", "enter"),
            ),
        ),
        collaborator,
    ),
    "spam": Walk("pane", (Step("thread.spam", "Is Иван Петров spam?", row(IVAN, spam=True), then=("1",)),)),
    "splits and joins": Walk(
        "pane",
        (
            Step(
                "thread.split",
                "Split off 1 message",
                lambda _hands, world: len(of_ivan(world)) == 3,
                before=("space",),
                then=("enter",),
            ),
            Step(
                "thread.regroupings",
                "Olga",
                lambda _hands, world: len(of_ivan(world)) == 2,
                then=("1",),
            ),
            Step(
                "thread.join",
                "Which conversation goes on in this one?",
                lambda _hands, world: of_ivan(world) == {IVAN},
                then=("2",),
            ),
        ),
    ),
    "a suggestion": Walk(
        "pane",
        (Step("suggest.join", so=lambda _hands, world: of_ivan(world) == {IVANS_OLD}),),
        suggested,
    ),
    "a person": Walk(
        "pane",
        (
            Step(
                "finding.add",
                "is on the card, as a claim",
                card(lambda one: "+79160000099" in [address.external_id for address in one.addresses]),
            ),
            Step(
                "contact.log",
                so=newest(conversation_id=IVAN, kind_of_event="call", text="it works"),
                then=("1", "?the customer called", "=it works", "ctrl+j"),
            ),
            Step("customer.code_try", "no code was asked for here"),
            Step("customer.code", so=asked(f"POST /v1/conversations/{IVAN}/codes"), then=("1",)),
            Step(
                "customer.code_try",
                "The six digits",
                asked("POST /v1/codes/7/try"),
                then=("=123456", "enter", "?the code is right"),
            ),
            Step(
                "thread.continue",
                "Continue with Иван Петров in…",
                lambda _hands, world: world.asked.count(f"POST /v1/conversations/{IVAN}/codes") == 2,
                then=("2",),
            ),
            Step(
                "customer.write",
                "first message",
                asked("/first-message"),
                then=("=Good morning", "ctrl+j"),
            ),
        ),
    ),
    "who is whom": Walk(
        "list",
        (
            Step("identity.open", "Who is whom", suggestion("refused"), then=("n",), after=("escape",)),
            Step("customer.find", "Find a person", opened(ANNA), then=("=schmidt", "?1 person", "enter")),
            Step("customer.unmerge", "this card was never merged", before=("1",)),
            Step(
                "customer.merge",
                "Who is the same person as",
                card(lambda one: one.merges),
                then=("=ivan p", "?1 person", "enter", "?one person?", "2"),
            ),
            Step(
                "customer.unmerge",
                "a card of its own again",
                card(lambda one: not one.merges),
                before=("?Какого размера лампа?",),
                then=("2",),
            ),
        ),
    ),
    "a card": Walk(
        "card",
        (
            Step(
                "card.fill",
                "What do you know of the customer?",
                card(lambda one: "wholesale" in [field.name for field in one.fields]),
                then=("1", "?оптовик", "1"),
            ),
            Step(
                "card.history",
                "город: how it was",
                card(lambda one: "Пермь" in [field.value for field in one.fields]),
                before=("@city",),
                then=("2",),
            ),
            Step(
                "card.act",
                so=card(lambda one: "Самара" in [field.value for field in one.fields]),
                before=("@city",),
                then=("end", "ctrl+u", "=Самара", "enter"),
            ),
            Step("card.leave", so=focus(RiverView)),
            Step("thread.card", so=lambda hands, _world: hands.screen.card.lines.has_focus),
        ),
    ),
    "one person": Walk("card", (Step("card.yes", "one person", suggestion("accepted")),)),
    "two people": Walk("card", (Step("card.no", "two people", suggestion("refused")),)),
    "windows": Walk(
        "list",
        (
            Step("help.open", "type to narrow", after=("escape",)),
            Step("mentions.open", so=modal, after=("escape",)),
            Step("customer.write_many", so=modal, after=("escape",)),
            Step(
                "search.open",
                "Search all messages",
                lambda _hands, world: "invoice" in world.searched,
                then=("=invoice",),
                after=("escape",),
            ),
            Step(
                "outbox.open",
                "Unsettled replies",
                lambda _hands, world: not any(one.status == "failed" for one in world.messages),
                then=("?blocked · Пришлите", "s"),
                after=("escape",),
            ),
            Step(
                "presence.choose",
                "How are you?",
                lambda _hands, world: world.me.presence == "pause",
                then=("2",),
            ),
            Step("switcher.open", "Go to", opened(ANNA), then=("=schmidt", "enter")),
            Step(
                "command.open",
                "tab complete",
                row(ANNA, tags=["refund"]),
                then=("=tag refund", "enter"),
            ),
            Step("palette.open", "All actions", row(ANNA, assignee_id=None), then=("=give back", "enter")),
            Step("screen.theme", so=lambda hands, _world: hands.app.theme == "omni-light"),
            Step("screen.redraw", so=lambda _hands, world: world.asked.count("GET /v1/drafts") > 1),
            Step("app.quit", so=lambda hands, _world: hands.app.return_code == 0),
        ),
    ),
    "everybody's work": Walk("queue", (Step("lead.open", so=modal),), lead),
    "one from the queue": Walk("queue", (Step("thread.claim", so=row(PHONE, assignee_id=1)),)),
}


async def go(hands: Hands, at: At) -> None:
    """To where a walk begins."""
    if at == "queue":
        hands.screen.browsing.show_view("queue")
        await hands.until(lambda: hands.screen.list.select(PHONE), "on the call")
        return
    await hands.until(lambda: hands.screen.list.select(ANNA if at == "list" else IVAN), "on the row")
    if at == "list":
        return
    await hands.press("enter")
    await hands.until(lambda: river(hands).river.loaded and IVAN in hands.screen.desk.ways, "the history")
    if at == "card":
        await hands.press("i")
        lines = hands.screen.card.lines
        await hands.until(lambda: lines.has_focus and len(lines.entries) > 5, "the card")
    if at == "two":
        await hands.press("-")
        await hands.until(lambda: len(hands.screen.grid.panes) == 2, "two panes")
    if at == "writing":
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("half a reply")


async def handle(hands: Hands, keys: Iterable[str]) -> None:
    for key in keys:
        if key.startswith("?") and key != "?":
            await hands.sees(key[1:])
        elif key.startswith("=") and key != "=":
            await hands.until(lambda: isinstance(hands.app.focused, Input | Composer), "somewhere to write")
            await hands.type(key[1:])
        elif key == "@city":
            lines = hands.screen.card.lines
            [city] = [one.deed for one in lines.entries if one.deed and one.deed.name == "city"]
            lines.select(Deed("field", city.id, "city"))
        else:
            await hands.press(normal(key))


async def take(hands: Hands, world: FakeServer, step: Step) -> None:
    await handle(hands, step.before)
    await hands.screen.orders.answered()
    so = step.so
    assert so is None or not so(hands, world), f"{step.command}: it was so before"
    await carry_out(hands, BY_ID[step.command])
    if step.sees:
        await hands.sees(step.sees)
    await handle(hands, step.then)
    if so is not None:
        await hands.until(lambda: so(hands, world), step.command)
    await handle(hands, step.after)


async def carry_out(hands: Hands, action: Action) -> None:
    keys = keys_of(action)
    if keys:
        await hands.press(normal(keys[0]))
    else:
        hands.screen.action_do(command_of(action))
        await hands.pilot.pause()


def test_every_action_has_a_step() -> None:
    commands = {command_of(action) for action in ACTIONS}
    tried = {step.command for walk in WALKS.values() for step in walk.steps}
    assert commands - tried == set(), "what comes of these?"
    assert tried - commands == set(), "there are no such actions any more"


@pytest.mark.parametrize("name", WALKS)
async def test_it_does_what_it_says(name: str, world: FakeServer, tmp_path: Path) -> None:
    walk = WALKS[name]
    acquainted(world)
    walk.world(world)
    async with console(world, tmp_path, size=(120, 40), own=Own(layouts=tmp_path / "layouts")) as hands:
        await go(hands, walk.at)
        for step in walk.steps:
            await take(hands, world, step)
