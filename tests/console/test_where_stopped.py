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
    wants="Здравствуйте", acted="changed", acted_by="Александра Константинопольская", acted_at=NOW - 125 * MINUTE
)  # fmt: skip


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
