"""Every action of the registry by its first key (or by its name, where it has none), in a small world, with
what comes of it. An action without a row fails: nobody adds one that nothing tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from textual.widgets import Input

from omni_console.actions import ACTIONS, BY_ID, Action, command_of
from omni_console.keymap import keys_of, normal
from omni_console.widgets.composer import Composer
from omni_console.widgets.conversation_list import ConversationList
from omni_console.widgets.river_view import RiverView
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_books import MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_people import acquainted
from tests.fakes.operator_world import MIRA, said

IVAN, ANNA, MARIA, PHONE = 2, 3, 4, 5
So = Callable[[Hands, FakeServer], object]
At = Literal["list", "queue", "pane", "two", "writing", "card"]


@dataclass(frozen=True)
class Row:
    """At which place, after which keys; then the action; then what is seen, or so."""

    at: At
    sees: str = ""
    so: So | None = None
    before: tuple[str, ...] = ()
    long: bool = False  # much was said
    lead: bool = False


def focus(kind: type) -> So:
    return lambda hands, _world: isinstance(hands.app.focused, kind)


def opened(key: int) -> So:
    return lambda hands, _world: hands.screen.pane is not None and hands.screen.pane.conversation_id == key


def panes(count: int) -> So:
    return lambda hands, _world: len(hands.screen.grid.panes) == count


def shows(view: str) -> So:
    return lambda hands, _world: hands.screen.list.view == view


def target(key: int) -> So:
    return lambda hands, _world: hands.screen.target is not None and hands.screen.target.id == key


def modal(hands: Hands, _world: FakeServer) -> bool:
    return hands.app.screen is not hands.screen


def typing(hands: Hands) -> bool:
    return isinstance(hands.app.focused, Input)


def river(hands: Hands) -> RiverView:
    assert hands.screen.pane is not None
    return hands.screen.pane.river


def text(hands: Hands) -> str:
    return hands.screen.pane.composer.text if hands.screen.pane else ""


def heights(hands: Hands) -> list[int]:
    return [pane.size.height for pane in hands.screen.grid.panes]


ROWS: dict[str, Row] = {
    "row.next": Row("list", so=target(MARIA)),
    "row.prev": Row("list", so=target(IVAN)),
    "page.half_down": Row("list", so=target(MARIA)),
    "page.half_up": Row("list", so=target(IVAN)),
    "list.top": Row("list", so=target(IVAN)),
    "list.bottom": Row("list", so=target(MARIA)),
    "thread.next": Row("pane", so=opened(ANNA)),
    "thread.prev": Row("pane", so=opened(IVAN), before=("J",)),
    "thread.open": Row("list", so=opened(ANNA)),
    "case.prev": Row("pane", so=lambda hands, _world: river(hands)._top is not None, long=True),
    "case.next": Row("pane", so=lambda hands, _world: river(hands)._top is None, before=("{",), long=True),
    "thread.last": Row("pane", so=opened(IVAN), before=("2",)),
    "attention.next": Row("list", so=focus(RiverView)),
    "attention.prev": Row("pane", so=lambda hands, world: not opened(IVAN)(hands, world)),
    "next.take": Row("list", so=lambda hands, _world: hands.screen.pane is not None),
    "next.why": Row("pane", "points"),
    "view.prev": Row("list", so=shows("closed"), before=("[",)),
    "view.next": Row("list", so=shows("queue")),
    "view.show": Row("list", "Which view?"),
    "pane.next": Row("list", so=focus(RiverView), before=("1", "shift+tab")),
    "pane.prev": Row("pane", so=focus(ConversationList)),
    "pane.left": Row("pane", so=focus(ConversationList)),
    "pane.split_right": Row("pane", so=panes(2)),
    "pane.split_down": Row("pane", so=panes(2)),
    "pane.zoom": Row("pane", so=lambda hands, _world: hands.screen.has_class("-zoomed-screen")),
    "pane.close": Row("two", so=panes(1)),
    "reply.start": Row("pane", so=focus(Composer)),
    "note.start": Row("pane", "private note  the customer does not see it"),
    "compose.way": Row("pane", "by @ e-mail"),
    "compose.send": Row("writing", so=lambda _hands, world: world.messages[-1].text == "half a reply"),
    "compose.send_next": Row("writing", so=lambda hands, world: not opened(IVAN)(hands, world)),
    "template.insert": Row("writing", "there are no templates yet"),
    "compose.kind": Row("writing", "private note"),
    "compose.leave": Row("writing", so=focus(RiverView)),
    "thread.claim": Row("queue", so=lambda _hands, world: world.conversations[PHONE].assignee_id == 1),
    "thread.assign": Row("pane", "Who takes over Иван Петров?"),
    "thread.decline": Row("pane", "nothing was handed over here"),
    "thread.release": Row("pane", so=lambda _hands, world: world.conversations[IVAN].assignee_id is None),
    "thread.close": Row("pane", "close this case"),
    "thread.reopen": Row("pane", "open again"),
    "thread.snooze": Row("pane", "Snooze Иван Петров until…"),
    "history.channels": Row("pane", so=lambda hands, _world: river(hands).only_channel != ""),
    "history.folds": Row("pane", "no message on the screen has quoted lines"),
    "thread.facts": Row("pane", "What it is about: Иван Петров"),
    "thread.tags": Row("pane", "Tags of this conversation"),
    "thread.priority": Row("pane", "How urgent is Иван Петров?"),
    "thread.spam": Row("pane", "Is Иван Петров spam?"),
    "undo.last": Row("pane", "as it was before", before=("!", "3")),
    "mark.toggle": Row("list", so=lambda hands, _world: hands.screen.list.marked == {ANNA}),
    "mark.none": Row("list", so=lambda hands, _world: not hands.screen.list.marked, before=("space",)),
    "thread.split": Row("pane", "Split off 1 message", before=("space",)),
    "thread.join": Row("pane", "Which conversation goes on in this one?"),
    "thread.regroupings": Row("pane", "nothing was split off or joined here"),
    "thread.card": Row("pane", so=lambda hands, _world: hands.screen.card.lines.has_focus),
    "finding.add": Row("pane", "is on the card, as a claim"),
    "customer.write": Row("pane", so=focus(Composer)),
    "contact.log": Row("pane", so=modal),
    "files.open": Row("pane", "Files of Иван Петров"),
    "notes.open": Row("pane", "Notes about Иван Петров"),
    "search.open": Row("list", "Search all messages"),
    "switcher.open": Row("list", "Go to"),
    "mentions.open": Row("list", so=modal),
    "outbox.open": Row("list", "Replies that are not settled"),
    "command.open": Row("list", "tab completes"),
    "repeat.last": Row("pane", "again: priority normal", before=("!", "3")),
    "presence.choose": Row("list", "How are you?"),
    "palette.open": Row("list", "All actions"),
    "help.open": Row("list", "type to narrow"),
    "screen.theme": Row("list", so=lambda hands, _world: hands.app.theme == "omni-light"),
    "screen.redraw": Row("list", so=lambda _hands, world: world.asked.count("GET /v1/drafts") > 1),
    "app.quit": Row("list", so=lambda hands, _world: hands.app.return_code == 0),
    "card.act": Row(
        "card", so=lambda hands, world: isinstance(hands.app.focused, Input) or modal(hands, world)
    ),
    "card.fill": Row("card", so=modal),
    "card.leave": Row("card", so=focus(RiverView)),
    "card.yes": Row("card", "one person"),
    "card.no": Row("card", "two people"),
    "card.history": Row("card", "there is nothing earlier"),
    "pane.right": Row("list", so=focus(RiverView), before=("1", "shift+tab")),
    "pane.up": Row("two", so=opened(IVAN)),
    "pane.down": Row("two", so=lambda hands, world: not opened(IVAN)(hands, world), before=("alt+up",)),
    "pane.grow": Row("two", so=lambda hands, _world: heights(hands)[1] > heights(hands)[0] + 1),
    "pane.shrink": Row("two", so=lambda hands, _world: heights(hands)[0] > heights(hands)[1] + 1),
    "pane.equal": Row(
        "two", so=lambda hands, _world: abs(heights(hands)[0] - heights(hands)[1]) <= 1, before=("+", "+")
    ),
    "reply.all": Row("pane", "site chat has one recipient"),
    "reply.quote": Row("pane", so=lambda hands, _world: "> " in text(hands)),
    "compose.recipients": Row("writing", "site chat has one recipient"),
    "compose.attach": Row("writing", "site chat carries no files"),
    "compose.schedule": Row("writing", so=modal),
    "compose.editor": Row("writing", "editor"),
    "send.undo": Row("writing", so=lambda hands, _world: text(hands) == "half a reply", before=("ctrl+j",)),
    "message.forward": Row("pane", "no channel here forwards messages"),
    "message.source": Row("pane", "source"),
    "message.files": Row("pane", "file"),
    "suggest.join": Row("pane", "nothing"),
    "thread.share": Row("pane", so=lambda hands, world: modal(hands, world) or bool(hands.screen.keys.said)),
    "thread.continue": Row("pane", so=modal),
    "customer.code": Row("pane", so=modal),
    "customer.code_try": Row("pane", "no code was asked for here"),
    "customer.find": Row("list", "Find a person"),
    "customer.merge": Row("pane", "Who is the same person as"),
    "customer.unmerge": Row("pane", "this card was never merged"),
    "customer.write_many": Row("list", so=modal),
    "identity.open": Row("list", "Who is whom"),
    "lead.open": Row("queue", so=modal, lead=True),
    "filter.list": Row("list", so=modal),
    "view.saved": Row("list", "Saved views"),
    "mark.range": Row("list", "1 marked"),
    "hit.next": Row("pane", "search"),
    "hit.prev": Row("pane", "search"),
    **{f"slot.{n}": Row("list", so=opened({1: IVAN, 2: ANNA, 3: MARIA}[n])) for n in (1, 2, 3)},
    **{f"slot.{n}": Row("list", f"nothing has the number {n}") for n in (4, 5, 6, 7)},
}


async def go(hands: Hands, at: At) -> None:
    """To where a row begins."""
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


def test_every_action_has_a_row() -> None:
    commands = {command_of(action) for action in ACTIONS}
    assert commands - ROWS.keys() == set(), "what comes of these?"
    assert ROWS.keys() - commands == set(), "there are no such actions any more"


@pytest.mark.parametrize("command", sorted(ROWS))
async def test_it_does_what_it_says(command: str, world: FakeServer, tmp_path: Path) -> None:
    row, action = ROWS[command], BY_ID[command]
    acquainted(world)
    if row.long:
        for number in range(80):
            said(world, IVAN, ("in", 6 * MINUTE - number, f"line {number}"))
    if row.lead:
        world.me = MIRA
    world.hold_ms = 9_000 if command == "send.undo" else 0
    async with console(world, tmp_path, size=(120, 40)) as hands:
        await go(hands, row.at)
        for key in row.before:
            await hands.press(normal(key))
        await hands.screen.orders.answered()
        assert row.so is None or not row.so(hands, world), "it was so before"
        await carry_out(hands, action)
        if row.sees:
            await hands.sees(row.sees)
        so = row.so
        if so is not None:
            await hands.until(lambda: so(hands, world), command)


async def carry_out(hands: Hands, action: Action) -> None:
    keys = keys_of(action)
    if keys:
        await hands.press(normal(keys[0]))
    else:
        hands.screen.action_do(command_of(action))
        await hands.pilot.pause()
