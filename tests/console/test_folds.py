"""Quotations and signatures of mails: one line each, opened and closed with one key."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from omni_console import i18n
from omni_console.timing import Clock
from omni_console.widgets.message_lines import Context, message_lines
from server.protocol import Fold, Message
from tests.fakes.console_hands import console
from tests.fakes.operator_api_books import MINUTE, NOW
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import said

IVAN = 2
TEXT = "Да, завтра.\n\nОт: Shop\n> один\n> два\n\n-- \nИван [@click=app.quit]тут[/]"
QUOTED = Fold(kind="quoted", start=11, end=TEXT.index("-- "))
SIGNATURE = Fold(kind="signature", start=TEXT.index("-- "), end=len(TEXT))
MAIL = Message(
    id=1, seq=1, conversation_id=1, customer_id=1, kind="in", text=TEXT, folds=[QUOTED, SIGNATURE], at=NOW
)


def shown(message: Message, *, opened: bool = False) -> list[str]:
    clock = Clock(now=lambda: NOW)
    lines = message_lines(message, clock, Context(width=40, opened=opened))
    return ["".join(piece.plain for piece, _role in line).strip() for line in lines][1:]


def test_a_fold_is_one_line_that_names_its_key() -> None:
    assert shown(MAIL) == ["Да, завтра.", "▸ 3 quoted lines (v)", "▸ signature (v)"]


def test_open_folds_show_every_line_and_no_markup() -> None:
    assert shown(MAIL, opened=True) == [
        "Да, завтра.",
        "▾ 3 quoted lines",
        "От: Shop",
        "> один",
        "> два",
        "▾ signature",
        "--",
        "Иван [@click=app.quit]тут[/]",
    ]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_quotation_above_the_answer(language: str) -> None:
    i18n.use(language)
    mail = replace(MAIL, text="> вопрос\n\nОтвет", folds=[Fold(kind="quoted", start=0, end=10)])
    first = {"en": "▸ 1 quoted line (v)", "ru": "▸ 1 строка цитаты (v)"}[language]
    assert shown(mail) == [first, "Ответ"]


@pytest.mark.parametrize(("start", "end"), [(-5, 3), (0, 10_000), (9, 2), (10_000, 10_001)])
def test_ranges_of_nonsense_lose_no_screen(start: int, end: int) -> None:
    assert shown(replace(MAIL, folds=[Fold(kind="quoted", start=start, end=end)]))


async def test_v_opens_and_closes_what_is_on_the_screen(world: FakeServer, tmp_path: Path) -> None:
    said(world, IVAN, ("in", MINUTE, TEXT, {"folds": [QUOTED, SIGNATURE]}))
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("▸ 3 quoted lines (v)")
        await hands.sees_no("тут[/]")
        await hands.press("v")
        await hands.sees("Иван [@click=app.quit]тут[/]")
        await hands.sees("▾ 3 quoted lines")
        await hands.press("v")
        await hands.sees_no("тут[/]")
        await hands.sees("▸ signature (v)")


async def test_v_where_nothing_is_folded_says_so(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("v")
        await hands.sees("no message on the screen has quoted lines")
