"""A line that is too long says so."""

from __future__ import annotations

from textual.content import Content

from omni_console.widgets.paint import Line, cut, width_of


def line(*pieces: str) -> Line:
    return [(Content(piece), "base") for piece in pieces]


def text(found: Line) -> str:
    return "".join(content.plain for content, _role in found)


def test_what_has_room_stays_as_it_is() -> None:
    fits = line("offline ", "why")
    assert cut(fits, 11) is fits
    assert cut(fits, 80) is fits


def test_what_has_none_ends_in_an_ellipsis() -> None:
    assert text(cut(line("offline ", "no sign", " of life"), 15)) == "offline no sig…"
    assert text(cut(line("offline ", "no sign"), 8)) == "offline…"
    assert text(cut(line("山田太郎"), 4)) == "山…"
    assert width_of(cut(line("a" * 30, "b"), 1)) == 1
    assert cut(line("a"), 0) == []


def test_spaces_at_the_end_are_no_loss() -> None:
    keys = line("esc", " close   ")
    assert cut(keys, 9) is keys
