"""One deed for all marked rows of the list."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_console import i18n
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import BORIS

IVAN, ANNA, MARIA = 2, 3, 4


async def mark_all_of_mine(hands: Hands) -> None:
    """The three of them: one by a mark, the others by a range."""
    await hands.until(lambda: hands.screen.list.row_count() == 3, "three are mine")
    await hands.press("g", "space", "G", "T")
    await hands.sees("3 marked   a take   A assign")
    assert hands.screen.list.marked == {IVAN, ANNA, MARIA}


async def test_a_range_begins_where_one_marked_last(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await mark_all_of_mine(hands)
        await hands.press("escape")
        assert not hands.screen.list.marked
        await hands.press("g", "T")  # nothing was marked before: this row
        await hands.sees("1 marked")
        await hands.press("j", "T")
        await hands.sees("2 marked")
        await hands.press("enter", "T")
        await hands.sees("rows of the list are marked so")


async def test_closed_at_once_with_what_is_asked_once_and_taken_back(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await mark_all_of_mine(hands)
        await hands.press("e")
        await hands.sees("Close 3 conversations")
        await hands.press("enter", "enter")
        await hands.sees("result cannot be empty")
        await hands.type("sent again")
        await hands.press("enter")
        await hands.sees("3 closed")
        assert {world.conversations[key].result for key in (IVAN, ANNA, MARIA)} == {"sent again"}
        assert not hands.screen.list.marked
        await hands.press("u")
        await hands.sees("3 as before")
        assert {world.conversations[key].state for key in (IVAN, ANNA, MARIA)} == {"open"}


async def test_what_is_refused_is_told_by_name_and_the_others_are_done(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("]")
        await hands.until(lambda: hands.screen.list.row_count() == 4, "the queue")
        queued = hands.screen.desk.window("queue").ids()
        await hands.press("g", "space", "G", "T")
        await hands.sees("4 marked")
        taken = world.conversations[queued[1]]
        world.change(taken.id, assignee_id=BORIS.id, assignee=BORIS.name)
        await hands.press("a")
        await hands.sees("3 are yours, 1 refused: " + taken.customer)
        await hands.press("u")
        await hands.sees("3 as before")
        assert world.conversations[queued[0]].assignee_id is None
        assert world.conversations[taken.id].assignee_id == BORIS.id


async def test_given_snoozed_tagged_and_made_urgent(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await mark_all_of_mine(hands)
        await hands.press("t")
        await hands.sees("Tags of 3 conversations")
        await hands.type("vip")
        await hands.press("enter")
        await hands.sees("tags of 3 are changed")
        assert all("vip" in world.conversations[key].tags for key in (IVAN, ANNA, MARIA))
        await hands.press("u")
        await hands.sees("3 as before")
        assert not any("vip" in world.conversations[key].tags for key in (IVAN, ANNA, MARIA))
        await mark_all_of_mine(hands)
        await hands.press("!")
        await hands.sees("How urgent are 3 conversations?")
        await hands.press("1")
        await hands.until(lambda: world.conversations[MARIA].priority == "urgent", "urgent")
        await mark_all_of_mine(hands)
        await hands.press("A")
        await hands.sees("Who takes over 3 conversations?")
        await hands.press("enter")
        await hands.type("a lost parcel")
        await hands.press("enter")
        await hands.sees("3 to ")
        assert world.conversations[IVAN].assignee_id not in (None, world.me.id)
        await hands.press("u")
        await hands.sees("3 as before")
        assert {world.conversations[key].assignee_id for key in (IVAN, ANNA, MARIA)} == {world.me.id}
        await mark_all_of_mine(hands)
        await hands.press("s")
        await hands.sees("Snooze 3 conversations until…")
        await hands.press("1")
        await hands.sees("3 away until")
        assert {world.conversations[key].state for key in (IVAN, ANNA, MARIA)} == {"snoozed"}
        await hands.press("u")
        await hands.sees("3 as before")
        assert {world.conversations[key].state for key in (IVAN, ANNA, MARIA)} == {"open"}


async def test_the_server_goes_away_half_way(
    world: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(world, tmp_path) as hands:
        await mark_all_of_mine(hands)
        second = hands.screen.list.view_order(hands.screen.list.marked)[1]
        world.fail_next[f"/v1/conversations/{second}/release"] = "drop"
        await hands.press("x")
        await hands.sees("1 is back in the queue, no answer for 1: look before you do it again, 1 not tried")


async def test_in_russian(world: FakeServer, tmp_path: Path) -> None:
    i18n.use("ru")
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.row_count() == 3, "three are mine")
        await hands.press("g", "space", "G", "T")
        await hands.sees("отмечено: 3   a взять")
        await hands.press("e")
        await hands.sees("Закрыть 3 обращения")
