"""The head of a conversation, at every size: who did what last and when, what was promised until when."""

from __future__ import annotations

from datetime import UTC

import pytest
from msgspec.structs import replace

from omni_console import i18n
from omni_console.desk import Desk
from omni_console.timing import Clock
from omni_console.widgets.paint import Line, width_of
from omni_console.widgets.where_stopped import stopped_briefly, stopped_lines
from server import protocol as wire
from tests.fakes.operator_api_books import HOUR, MINUTE, NOW

CLOCK = Clock(lambda: NOW, UTC)
IVAN = wire.Conversation(
    id=1,
    seq=1,
    customer_id=1,
    customer="Иван Петров",
    state="open",
    summary="разблокировать карту за границей, и чтобы ему больше не приходилось объяснять это заново",
    next_step="позвонить в банк, узнать о блокировке и ответить до вечера с номером обращения",
    due_at=NOW + 38 * MINUTE,
    assignee_id=1,
    assignee="Александра Константинопольская",
    tags=["карта", "срочно"],
)
ACTED = wire.Stopped(
    wants="Здравствуйте",
    acted="changed",
    acted_by="Александра Константинопольская",
    acted_at=NOW - 125 * MINUTE,
)


def desk_with(stopped: wire.Stopped = ACTED) -> Desk:
    desk = Desk()
    desk.me = 1
    desk.stopped[1] = stopped
    return desk


def words(lines: list[Line], width: int) -> list[str]:
    assert all(width_of(line) <= width for line in lines)
    return ["".join(content.plain for content, _role in line).strip() for line in lines]


@pytest.mark.parametrize("width", [40, 48, 64, 80, 120])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_was_done_last_and_promised_stands_in_the_head_of_a_low_pane(width: int, language: str) -> None:
    i18n.use(language)
    found = words(stopped_briefly(IVAN, desk_with(), CLOCK, width), width)
    assert len(found) == (2 if width < 64 else 1)
    promised, last = {
        "en": ("by 11:58  по", "Александра edited it, 2h05"),
        "ru": ("до 11:58  по", "Александра: правка, 2ч05"),
    }[language]
    assert found[0].startswith(promised)
    assert last in found[-1]


def test_nothing_is_left_free_where_nobody_did_anything() -> None:
    row = replace(IVAN, due_at=None, next_step="", summary="card")
    assert words(stopped_briefly(row, desk_with(wire.Stopped()), CLOCK, 80), 80) == [
        "card · yours · #карта · #срочно"
    ]
    assert len(stopped_briefly(row, desk_with(wire.Stopped()), CLOCK, 40)) == 1


@pytest.mark.parametrize("width", [80, 120])
def test_silence_does_not_push_out_what_was_done_last(width: int) -> None:
    row = replace(IVAN, state="waiting", silence=wire.Silence(closes_at=NOW + HOUR))
    found = words(stopped_lines(row, desk_with(), CLOCK, width), width)
    assert len(found) == 4
    assert found[1].startswith("promised   by 11:58  по")
    assert "they were told: closes 12:20" in found[1]
    assert found[2].startswith("last       Александра edited it, 2h05 ago")
    assert found[3].startswith("yours")


def begun_at(page: str, title: str) -> Desk:
    desk = desk_with(wire.Stopped())
    origins = [
        wire.Origin(at=NOW, channel_id="chat", conversation_id=key, page=address, title=words)
        for key, address, words in ((2, "https://other.example/", "Other"), (1, page, title))
    ]
    desk.customers[1] = wire.Customer(id=1, name="Иван", created_at=NOW, origins=origins)
    return desk


@pytest.mark.parametrize(
    ("page", "title", "said"),
    [
        (
            "https://shop.example/delivery?utm_source=ya#top",
            "Доставка",
            "from Доставка (shop.example/delivery)",
        ),
        ("https://shop.example/", "", "from shop.example"),
        ("app:basket", "Basket", "from Basket (app:basket)"),
        (
            "https://shop.example/" + "catalogue/" * 9,
            "Лампы настольные и напольные, с доставкой",
            "from Лампы настольные и напо… (shop.example/catalogue/catalogu…)",
        ),
        ("https://x.example/a", "\x1b[2J\u202eevil", "from ␛[2J⇄evil (x.example/a)"),
    ],
)
def test_the_page_from_which_it_began_is_in_the_head(page: str, title: str, said: str) -> None:
    row = replace(IVAN, summary="", due_at=None, next_step="", tags=[])
    desk = begun_at(page, title)
    assert words(stopped_lines(row, desk, CLOCK, 80), 80) == [f"yours · {said}"]
    assert words(stopped_briefly(row, desk, CLOCK, 80), 80) == [f"yours · {said}"]


def test_what_is_said_last_takes_a_second_line_rather_than_to_be_cut() -> None:
    row = replace(IVAN, priority_why="urgent word: blocked", tags=["карта", "турция"])
    desk = begun_at("https://shop.example/delivery", "Доставка и оплата")
    *_rest, first, second = words(stopped_lines(row, desk, CLOCK, 80), 80)
    assert first == "yours · from Доставка и оплата (shop.example/delivery) · #карта · #турция"
    assert second == "urgent word: blocked"
