from __future__ import annotations

from datetime import UTC

import pytest
from textual.content import Content

from omni_console.desk import Desk
from omni_console.timing import MINUTE, Clock
from omni_console.widgets.fitting import Part, fitted
from omni_console.widgets.paint import Line, width_of
from omni_console.widgets.status_line import StatusLine
from server.protocol import ChannelInfo, Counts, OperatorInfo

NOW = 1_700_000_000_000


def text(line: Line) -> str:
    return "".join(content.plain for content, _role in line)


def part(name: str, weight: int, *forms: str) -> Part:
    return Part(name, weight, tuple([(Content(form), "base")] if form else [] for form in forms))


def test_what_weighs_least_gives_way_first_and_all_of_it() -> None:
    parts = [part("a", 9, "aaaa", "aa"), part("b", 1, "bbbb", "bb", ""), part("c", 5, "cccc", "c")]
    for width, left in (
        (12, "aaaabbbbcccc"),
        (11, "aaaabbcccc"),
        (9, "aaaacccc"),
        (7, "aaaac"),
        (4, "aac"),
        (0, "aac"),
    ):
        assert "".join(text(line) for line in fitted(parts, width)) == left, width


def status(**changes: object) -> StatusLine:
    desk = Desk()
    desk.counts = Counts(mine=4, queue=7, waiting=5, oldest_queued_at=NOW - 161 * MINUTE)
    desk.operator = OperatorInfo(
        id=1, login="olga", name="Olga Orlova", role="operator", online=True, presence="available", room=7
    )
    desk.channels = {
        "chat": ChannelInfo(id="chat", kind="webchat", title="site chat", mark="w", state="connected")
    }
    for name, value in changes.items():
        setattr(desk, name, value)
    line = StatusLine(desk, Clock(lambda: NOW, UTC))
    line.online = True
    return line


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_a_calm_line_fits_whatever_the_width(width: int) -> None:
    [line] = status().lay_out(width)
    assert width_of(line) == width
    assert "mine 4" in text(line)
    assert "queue 7" in text(line)


def test_at_80_columns_nothing_that_matters_is_missing() -> None:
    said = text(status().lay_out(80)[0])
    assert "queue 7 (2h41)" in said or "queue 7 (oldest 2h41)" in said
    assert "waiting 5" in said
    assert "all channels" not in said, "that is the first to go"


def test_trouble_pushes_everything_else_away() -> None:
    it = status(
        trouble="the disk is full: nothing can be written",
        mentions=2,
        inbox=3,
        counts=Counts(mine=4, queue=7, waiting=5, unsettled=1, late=2, at_risk=1, due=1),
    )
    it.online = False
    said = text(it.lay_out(80)[0])
    assert "! the disk is full: nothi" in said
    assert "○ offline" in said
    assert "mine 4" in said
    assert "2 late" in said
    assert "Olga" not in said
    assert "closed" not in said
    whole = text(it.lay_out(200)[0])
    assert "2 late, 1 at risk" in whole
    assert "Olga Orlova" in whole


def test_the_view_that_is_shown_stays() -> None:
    it = status(trouble="x" * 60)
    it.place = "closed"
    assert "closed" in text(it.lay_out(80)[0])


def test_a_long_trouble_is_cut_before_a_view_goes() -> None:
    said = text(status(trouble="x" * 60).lay_out(80)[0])
    assert "waiting 5" in said
    assert "xxx…" in said
