"""Who is whom: suggestions, merges by hand, codes, going on in another channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.console_hands import console
from tests.fakes.operator_api_cases import CODE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_people import ANNA, IVAN, IVAN_NOW, acquainted


@pytest.fixture
def known(world: FakeServer) -> FakeServer:
    return acquainted(world)


def guest_of(world: FakeServer) -> int:
    return next(key for key, one in world.customers.items() if one.name == "Ivan P.")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_both_are_seen_side_by_side(known: FakeServer, tmp_path: Path, size: tuple[int, int]) -> None:
    async with console(known, tmp_path, size=size) as hands:
        await hands.sees("≈ 2 (I)")
        await hands.press("I")
        await hands.sees("same phone +7 916 000-00-67, same name")
        line = next(line for line in hands.lines() if "Ivan P." in line and "~" not in line)
        assert line.index("Иван Петров") < line.index("Ivan P.")
        await hands.sees("named the order 2231")


async def test_yes_no_and_back(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("I")
        await hands.sees("same phone")
        await hands.press("n")
        await hands.sees("two people; not asked again")
        assert known.suggestions[1].state == "refused"
        await hands.press("u")
        await hands.until(lambda: known.suggestions[1].state == "open", "open again")
        await hands.sees("same phone")
        await hands.press("g")
        await hands.press("k", "y")
        await hands.until(lambda: "accepted" in {one.state for one in known.suggestions.values()}, "accepted")
        await hands.sees("one person")
        await hands.press("u")
        await hands.until(lambda: {one.state for one in known.suggestions.values()} == {"open"}, "taken back")


async def test_enter_opens_the_chosen_side(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("I")
        await hands.sees("same phone")
        await hands.press("right", "enter")
        await hands.sees("Какого размера лампа?")
        await hands.press("I")
        await hands.sees("same phone")
        await hands.press("enter")
        await hands.sees("нечем заплатить")


async def test_the_card_asks_and_one_key_answers(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path, size=(200, 70)) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("i")
        await hands.sees("may be Ivan P.")
        await hands.press("y")
        await hands.sees("Иван Петров and Ivan P.: one person")
        await hands.sees("Какого размера лампа?")
        await hands.sees("was another card")
        await hands.press("u")
        await hands.sees("two people again")
        await hands.sees_no("Какого размера лампа?")
        await hands.sees("may be Ivan P.")
        await hands.press("n")
        await hands.sees_no("may be Ivan P.")
        assert known.suggestions[1].state == "refused"


async def test_nobody_decides_about_what_is_not_on_the_screen(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path, size=(80, 24)) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("i")
        await hands.sees("may be Ivan P.")
        await hands.press("G", "y")
        await hands.sees("may be Ivan P.")
        assert known.suggestions[1].state == "open"
        await hands.press("y")
        await hands.until(lambda: known.suggestions[1].state == "accepted", "accepted")


async def test_merge_by_hand_and_take_it_apart(known: FakeServer, tmp_path: Path) -> None:
    known.suggestions.clear()
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("ctrl+p")
        await hands.type("merge with")
        await hands.press("enter")
        await hands.sees("Who is the same person as Иван Петров?")
        await hands.type("ivan p")
        await hands.sees("1 person")
        await hands.press("enter")
        await hands.sees("Are Иван Петров and Ivan P. one person?")
        await hands.press("2")
        await hands.sees("Какого размера лампа?")
        assert known.conversations[IVAN_NOW].customer_id == IVAN
        await hands.press("ctrl+p")
        await hands.type("take a merge")
        await hands.press("enter")
        await hands.sees("Make Ivan P. a card of its own again")
        await hands.press("1")
        assert known.customers[IVAN].merges, "no means no"
        await hands.press("ctrl+p")
        await hands.type("take a merge")
        await hands.press("enter")
        await hands.sees("Make Ivan P. a card of its own again")
        await hands.press("2")
        await hands.sees_no("Какого размера лампа?")
        assert not known.customers[IVAN].merges


async def test_a_conversation_that_became_another_persons_shows_that_history(
    known: FakeServer, tmp_path: Path
) -> None:
    guest = guest_of(known)
    async with console(known, tmp_path) as hands:
        await hands.press("ctrl+p")
        await hands.type("find a person")
        await hands.press("enter")
        await hands.sees("Find a person")
        await hands.type("ivanp")
        await hands.sees("1 person")
        await hands.press("enter")
        await hands.sees("Какого размера лампа?")
        await hands.press("I")
        await hands.sees("same phone")
        await hands.press("y")
        await hands.until(lambda: known.suggestions[1].state == "accepted", "accepted")
        await hands.press("escape")
        pane = hands.screen.pane
        assert pane is not None
        await hands.until(lambda: pane.river.customer_id == IVAN, "the history of the one person")
        assert guest != IVAN
        await hands.sees("нечем заплатить")


async def test_a_code_is_asked_for_and_tried(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("ctrl+p")
        await hands.type("try a code")
        await hands.press("enter")
        await hands.sees("no code was asked for here")
        await hands.press("ctrl+p")
        await hands.type("ask for a code")
        await hands.press("enter")
        await hands.sees("Where should the code go?")
        await hands.press("1")
        await hands.sees("a code was sent")
        for digits, words in (("111 111", "tries left: 4"), (CODE, "is right")):
            await hands.press("ctrl+p")
            await hands.type("try a code")
            await hands.press("enter")
            await hands.sees("The six digits")
            await hands.type("12")
            await hands.press("enter")
            await hands.sees("a code has six digits")
            await hands.press("ctrl+u")
            await hands.type(digits)
            await hands.press("enter")
            await hands.sees(words)


async def test_continue_in_another_channel(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press(">")
        await hands.sees("Continue with Иван Петров in…")
        await hands.sees("Telegram")
        await hands.press("2")
        await hands.sees("a link was sent: Telegram")
        assert ANNA in known.customers
