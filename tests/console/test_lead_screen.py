"""The lead's screen against a real server: seen, kept live, and everything that is done from it undone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

import pytest

from omni_console.app import OmniConsole
from omni_console.client import UnreachableError
from omni_console.screens.lead_screen import LeadScreen
from omni_console.screens.moves_screen import MovesScreen
from omni_console.timing import Clock
from server.protocol import OverviewList
from server.queue.team_settings import MemberSettings, TeamSettings
from tests.fakes.console_hands import Hands
from tests.fakes.desks import be, holder, present, row_of
from tests.fakes.running_server import IVAN, OLGA, Running, running_server

MINUTE_MS = 60_000
LEAD = None  # Anna, an administrator: the account that this process runs as


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    members = {"olga": MemberSettings(), "ivan": MemberSettings()}
    support = TeamSettings(title="Support", channels=["site", "mail"], members=members)
    sales = TeamSettings(
        title="Sales", channels=["market"], members={"ivan": MemberSettings()}, assignment="claim"
    )
    async with running_server(teams={"support": support, "sales": sales}) as running:
        yield running


@asynccontextmanager
async def console_of(
    run: Running, uid: int | None = LEAD, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Hands]:
    app = OmniConsole(await run.client(uid), clock=Clock(run.clock.now, UTC))
    async with app.run_test(size=size) as pilot:
        hands = Hands(app, pilot)
        await hands.until(lambda: app.desk_screen.online and app.desk.windows["queue"].loaded, "online")
        yield hands


async def letters(run: Running, *texts: str) -> list[int]:
    found = []
    for text in texts:
        heard = await run.letters.hear(f"{text}@example.org", f"about {text}")
        assert heard.conversation_id is not None
        found.append(heard.conversation_id)
        run.clock.advance(MINUTE_MS)
    return found


async def at_work(run: Running, uid: int, login: str) -> None:
    await run.listen(uid)
    await present(run, login, "available")


def behind(hands: Hands) -> str:
    """The lists without the line at the bottom, which says a thing for some seconds only."""
    return "\n".join(hands.lines()[:-1])


async def on_row(hands: Hands, name: str) -> None:
    """Go down until the cursor is on the line with this name."""
    screen = hands.app.screen
    assert isinstance(screen, LeadScreen)
    await hands.press("g")
    for _ in range(12):
        load = screen.figures.rows[screen.figures.cursor].load
        queue = screen.figures.rows[screen.figures.cursor].queue
        if (load and load.operator.name == name) or (queue and queue.title == name):
            return
        await hands.press("j")
    raise AssertionError(f"no line {name}\n{hands.text()}")


async def choose(hands: Hands, name: str) -> None:
    """The numbered answer with this name."""
    [number] = re.findall(rf"(\d) {name} ", hands.text())
    await hands.press(number)


async def test_everybodys_work_is_seen_and_followed(run: Running) -> None:
    await at_work(run, OLGA, "olga")
    [first] = await letters(run, "one")
    await holder(run, first, "olga")
    async with console_of(run) as hands:
        await hands.press("Q")
        await hands.sees("Everybody's work")
        await hands.sees("nothing is late")
        for words in ("Queue", "mail", "Support", "People", "● Olga", "1/7", "Hand-overs"):
            assert words in hands.text(), hands.text()
        await on_row(hands, "Olga")
        await hands.sees("about one")
        await hands.sees("Olga: had the least in hand")
        # It follows, and the cursor stays where it is.
        [second] = await letters(run, "two")
        await holder(run, second, "olga")
        await hands.sees("about two")
        await hands.sees("2/7")
        screen = hands.app.screen
        assert isinstance(screen, LeadScreen)
        load = screen.figures.rows[screen.figures.cursor].load
        assert load is not None and load.operator.name == "Olga"
        await hands.press("enter", "j", "enter")
        await hands.until(lambda: hands.app.screen is hands.screen, "the desk")
        await hands.until(lambda: hands.screen.pane is not None, "the conversation")
        assert hands.screen.pane is not None and hands.screen.pane.conversation_id == second
        await hands.press("Q")
        await hands.sees("Everybody's work")
        await hands.pilot.press("ctrl+q")
        await hands.until(lambda: hands.app._exit, "quit from here too")


async def test_who_was_left_without_an_answer_is_counted_and_shown(run: Running) -> None:
    [key] = await letters(run, "one")
    async with console_of(run) as hands:
        await hands.press("Q")
        await hands.sees("Left without an answer   nobody")
        await (await run.client()).close_conversation(key, "a question", "done")
        await hands.sees("Left without an answer   1")
        await hands.press("j")
        await hands.sees("closed <1m ago")
        await hands.sees("a question — done")
        await hands.press("enter", "enter")
        await hands.until(lambda: hands.app.screen is hands.screen, "the desk")
        pane = hands.screen.pane
        await hands.until(lambda: pane is not None and pane.conversation_id == key, "the conversation")


async def test_who_is_no_lead_is_told_so(run: Running) -> None:
    async with console_of(run, OLGA) as hands:
        await hands.press("Q")
        await hands.sees("the role operator may not do this")
        assert hands.app.screen is hands.screen


async def test_taking_over_and_back(run: Running) -> None:
    await at_work(run, OLGA, "olga")
    [key] = await letters(run, "one")
    await holder(run, key, "olga")
    async with console_of(run, size=(80, 24)) as hands:
        await hands.press("Q")
        await hands.sees("Everybody's work")
        await hands.press("a")
        await hands.sees("go to a conversation first")
        await on_row(hands, "Olga")
        await hands.press("enter")
        await hands.sees("about one")
        assert "Hand-overs" not in hands.text()  # one list at a time where there is no room for two
        await hands.press("a")
        await holder(run, key, "admin")
        await hands.sees("is yours")
        await hands.press("u")
        await holder(run, key, "olga")
        await hands.sees("is as it was before")
        assert (await row_of(run, key))["transfers"] == 0
        await hands.press("escape")
        await hands.sees("Hand-overs")
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.screen, "the desk")


async def test_handing_over_to_a_colleague_and_to_a_team(run: Running) -> None:
    await at_work(run, OLGA, "olga")
    [key] = await letters(run, "one")
    await holder(run, key, "olga")
    await be(run, IVAN, "pause")
    async with console_of(run) as hands:
        await hands.press("Q")
        await hands.sees("Everybody's work")
        await on_row(hands, "Olga")
        await hands.sees("about one")
        await hands.press("enter", "A")
        await hands.sees("Who takes over")
        assert "Sales" in hands.text() and "Support" in hands.text()
        await choose(hands, "Ivan")
        await hands.sees("What must Ivan know")
        await hands.type("he asks for prices")
        await hands.press("enter")
        await holder(run, key, "ivan")
        assert (await row_of(run, key))["transfers"] == 1
        await hands.press("u")
        await holder(run, key, "olga")
        await hands.sees("is as it was before")
        await hands.sees("about one")
        await hands.press("A")
        await hands.sees("Who takes over")
        await choose(hands, "Sales")
        await hands.sees("What must Sales know")
        await hands.type("prices")
        await hands.press("enter")
        await holder(run, key, None)
        await hands.sees("handed to Sales")
        assert (await row_of(run, key))["team"] == "sales"


async def test_giving_back_one_and_all_of_an_operators_work(run: Running) -> None:
    await at_work(run, OLGA, "olga")
    keys = await letters(run, "one", "two", "three")
    for key in keys:
        await holder(run, key, "olga")
    async with console_of(run) as hands:
        await hands.press("Q")
        await hands.sees("Everybody's work")
        await hands.press("x")
        await hands.sees("go to an operator first")
        await on_row(hands, "Olga")
        await hands.sees("about one")
        await hands.press("enter", "x")
        await holder(run, keys[0], None)
        await hands.sees("is back in the queue")
        await hands.press("u")
        await holder(run, keys[0], "olga")
        await hands.press("escape", "x")
        await hands.sees("Move 3 of 3")
        await hands.press("escape")
        await hands.until(lambda: not isinstance(hands.app.screen, MovesScreen), "closed")
        assert (await row_of(run, keys[1]))["assignee_id"] is not None
        await hands.press("x")
        await hands.sees("Move 3 of 3")
        await hands.press("y")
        for key in keys:
            await holder(run, key, None)
        await hands.sees("3 conversations moved")
        await hands.press("u")
        for key in keys:
            await holder(run, key, "olga")
        await hands.sees("3 conversations are back")


async def test_balancing(run: Running) -> None:
    await at_work(run, OLGA, "olga")
    keys = await letters(run, "one", "two", "three", "four")
    for key in keys:
        await holder(run, key, "olga")
    async with console_of(run) as hands:
        await hands.press("Q")
        await hands.sees("Everybody's work")
        await hands.press("=")
        await hands.sees("nothing to move")
        await at_work(run, IVAN, "ivan")
        await hands.press("=")
        await hands.sees("Move 2 of 4")
        assert "→ Ivan" in hands.text()
        await hands.press("enter")
        await holder(run, keys[0], "ivan")
        await holder(run, keys[1], "ivan")
        await on_row(hands, "Ivan")
        await hands.sees("moved by Anna")
        await hands.press(">")
        await hands.sees("Move 2 of 2")
        await hands.press("j", "n")
        await hands.press("u")
        await holder(run, keys[0], "olga")
        await hands.sees("2 conversations are back")


async def test_a_hostile_name_is_only_text(run: Running) -> None:
    await at_work(run, OLGA, "olga")
    await run.letters.hear("x@example.org", "[@click=app.quit]Quit[/] \x1b]0;owned\x07")
    async with console_of(run) as hands:
        await hands.press("Q")
        await hands.sees("Everybody's work")
        await on_row(hands, "Olga")
        await hands.sees("[@click=app.quit]Quit[/]")
        assert "\x1b" not in hands.text()


async def test_what_did_not_come_is_said_and_not_waited_for(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console_of(run) as hands:
        await hands.press("Q")
        await hands.sees("Everybody's work")

        async def lost(*_: object) -> OverviewList:
            raise UnreachableError("the line is cut", maybe_done=False)

        monkeypatch.setattr(hands.app.client.lead, "held", lost)
        await on_row(hands, "Olga")
        await hands.until(lambda: "the line is cut" in behind(hands), "in the list, where it stays")
        assert "loading" not in hands.text()
