"""The customer card: what stands in it, and what can be done there by keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_console.widgets.card.entries import Deed
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_people import ANNA, IVAN, IVAN_NOW, MARIA_NOW, acquainted


@pytest.fixture
def known(world: FakeServer) -> FakeServer:
    return acquainted(world)


async def to_card(hands: Hands, *deed: Deed) -> None:
    """Open Иван's conversation, go to his card, and to one line of it."""
    await hands.sees("Иван Петров")
    await hands.press("enter")
    await hands.sees("нечем заплатить")
    await hands.press("i")
    lines = hands.screen.card.lines
    await hands.until(lambda: lines.has_focus and len(lines.entries) > 5, "the card")
    if deed:
        await hands.until(lambda: any(entry.deed == deed[0] for entry in lines.entries), str(deed[0]))
        lines.select(deed[0])
    await hands.pilot.pause()


async def test_it_says_who_this_is(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path, size=(200, 70)) as hands:
        await to_card(hands)
        await hands.sees("may be Ivan P.")
        text = hands.text()
        for words in (
            "#vip", "16:20 in Yekaterin",
            "same phone +7 916 000-00-67", "8 (916) 000-00-99", "by 11:58",
            "✓ ivan@example.org", "confirmed by a code", "? petrov@work.example", "only claimed",
            "best by w site chat", "wrote 7 of 9 here in 180 days", "Казань",
            "1187 Лампа ×2", "37 800 RUB", "scores", "CSAT 4/5", "быстро, но дважды", "NPS 9/10",
            "marketing, e-mail", "yandex / cpc · осень", "from ya.example/search", "shop.example",
            "Доставка и оплата",
            "жена", "1 note", "доставка",
        ):  # fmt: skip
            assert words in text, words


async def test_sections_without_content_take_no_line(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(200, 50)) as hands:
        await hands.press("j")
        await to_card(hands)
        text = hands.text()
        for words in ("promised", "fields", "orders", "consents", "came from", "was another card", "best by"):
            assert words not in text, words


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_one_key_there_and_back(known: FakeServer, tmp_path: Path, size: tuple[int, int]) -> None:
    async with console(known, tmp_path, size=size) as hands:
        await to_card(hands)
        await hands.sees("customer since")
        assert ("нечем заплатить" in hands.text()) == (size[0] > 80), "beside where there is room, else over"
        await hands.press("escape")
        pane = hands.screen.pane
        assert pane is not None
        assert pane.river.has_focus
        await hands.sees("нечем заплатить")
        await hands.press("i", "q")
        await hands.sees_no("customer since")


async def test_the_cursor_passes_over_what_offers_nothing(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands)
        lines = hands.screen.card.lines
        for _step in range(60):
            assert lines.deed is not None
            await hands.press("j")
        assert lines.deed == Deed("case", 1), "the last line that offers something"
        await hands.press("g")
        assert lines.deed == Deed("name")


async def test_a_field_is_edited_in_place_and_taken_back(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("field", 901, "city"))
        await hands.press("enter")
        await hands.until(lambda: hands.screen.card.editing, "editing")
        await hands.press("end", "ctrl+u")
        await hands.type("Самара")
        await hands.press("enter")
        await hands.sees("город is changed")
        await hands.sees("Самара")
        assert hands.screen.card.lines.has_focus
        await hands.press("u")
        await hands.sees("Казань")
        await hands.sees_no("Самара")


async def test_escape_leaves_a_field_as_it_is(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("field", 901, "city"))
        await hands.press("enter")
        await hands.type("zzz")
        await hands.press("escape")
        assert not hands.screen.card.editing
        assert known.customers[IVAN].fields[0].value == "Казань"
        assert hands.screen.card.lines.has_focus


async def test_a_choice_is_chosen(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("field", 902, "size"))
        await hands.press("enter", "2")
        await hands.until(lambda: known.customers[IVAN].fields[-1].value == "M", "M")


async def test_earlier_values_come_back(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("field", 901, "city"))
        await hands.press("h")
        await hands.sees("город: how it was")
        await hands.sees("Olga ")
        await hands.sees("imported ")
        await hands.press("2")
        await hands.until(
            lambda: any(field.value == "Пермь" for field in known.customers[IVAN].fields), "Пермь"
        )


async def test_what_is_missing_is_filled_in(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands)
        await hands.press("+")
        await hands.sees("What do you know of the customer?")
        await hands.press("1")
        await hands.sees("оптовик")
        await hands.press("1")
        await hands.until(
            lambda: any(field.name == "wholesale" for field in known.customers[IVAN].fields), "filled in"
        )


async def test_a_new_address_needs_a_word_on_how_it_is_known(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands)
        await hands.press("+")
        await hands.sees("an e-mail or a phone")
        await hands.press("6")
        await hands.sees("An e-mail or a phone")
        await hands.type("ivan@home.example")
        await hands.press("enter")
        await hands.sees("How do you know ivan@home.example?")
        await hands.press("1")
        await hands.sees("? ivan@home.example")
        assert known.customers[IVAN].addresses[-1].proof == "claim"


async def test_one_key_takes_what_was_found_in_a_message(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("p")
        await hands.sees("+79160000099 is on the card, as a claim")
        assert not known.customers[IVAN].findings
        assert known.customers[IVAN].addresses[-1].external_id == "+79160000099"
        await hands.press("u")
        await hands.until(lambda: len(known.customers[IVAN].addresses) == 4, "forgotten again")
        await hands.press("p")
        await hands.sees("no new phone or e-mail")


async def test_a_claim_is_forgotten_and_a_proof_is_not(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("address", 77))
        await hands.press("enter", "3")
        await hands.until(lambda: all(one.id != 77 for one in known.customers[IVAN].addresses), "forgotten")
        hands.screen.card.lines.select(Deed("address", 10))
        await hands.press("enter")
        await hands.sees("writes from it")
        assert len(known.customers[IVAN].addresses) == 3


async def test_a_consent_turns(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("consent", name="marketing\nemail"))
        await hands.press("enter")
        await hands.sees("refusal is noted")
        assert not [one for one in known.customers[IVAN].consents if one.granted]
        await hands.press("u")
        await hands.until(lambda: any(one.granted for one in known.customers[IVAN].consents), "agreed again")


async def test_tags_and_a_related_person(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("tags"))
        await hands.press("enter")
        await hands.type(" опт")
        await hands.press("enter")
        await hands.until(lambda: known.customers[IVAN].tags == ["vip", "опт"], "tagged")
        await hands.press("+", "8")
        await hands.sees("Who belongs together with Иван Петров?")
        await hands.type("anna")
        await hands.sees("1 person")
        await hands.press("enter")
        await hands.sees("wife, assistant")
        await hands.type("коллега")
        await hands.press("enter")
        await hands.until(
            lambda: [one.customer_id for one in known.customers[IVAN].linked][-1] == ANNA, "linked"
        )


async def test_other_cases_and_people_open_from_there(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("link", 3))
        await hands.press("enter")
        await hands.until(
            lambda: hands.screen.pane and hands.screen.pane.conversation_id == MARIA_NOW, "Мария"
        )
        await hands.press("1")
        await hands.press("i")
        hands.screen.card.lines.select(Deed("case", 1))
        await hands.press("enter")
        await hands.until(
            lambda: hands.screen.pane and hands.screen.pane.conversation_id == 1, "the old case"
        )


async def test_files_and_notes_lead_to_their_place(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("M")
        await hands.sees("Notes about Иван Петров")
        await hands.sees("block code 14")
        await hands.press("enter")
        pane = hands.screen.pane
        assert pane is not None
        await hands.until(lambda: pane.river.hit is not None, "the place")
        await hands.press("2", "F")
        await hands.sees("invoice-2231.pdf")
        await hands.press("j", "enter")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.river.hit, "the file's message")


async def test_the_best_channel_can_be_stated(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await to_card(hands, Deed("preferred"))
        await hands.press("enter")
        await hands.sees("Where does the customer want answers?")
        await hands.press("2")
        await hands.until(lambda: f"PATCH /v1/customers/{IVAN}" in known.asked, "the server was told")
        assert IVAN_NOW in known.conversations
