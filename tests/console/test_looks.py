"""Seen in every palette: nothing pale beyond reading, nothing told by colour alone."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.color import ColorType
from rich.segment import Segment
from textual.color import Color
from textual.widgets import Input

from omni_console import i18n
from omni_console.look import PALETTE, THEMES
from omni_console.own import Own
from omni_console.screens.form_screen import FormScreen, Question
from omni_console.screens.help_screen import HelpScreen, Row, sections
from omni_console.screens.outreach_screen import OutreachScreen
from omni_console.screens.views_screen import ViewsScreen
from omni_console.widgets.line_list import LineList
from server.protocol import SavedView
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_people import IVAN_NOW
from tests.fakes.operator_world import empty_shop


def segments(hands: Hands) -> list[list[Segment]]:
    return [list(strip) for strip in hands.app.screen._compositor.render_strips()]


def turned(hands: Hands) -> str:
    """What stands on a ground that is turned round."""
    found = [one for line in segments(hands) for one in line if one.style and one.style.reverse]
    return "".join(one.text for one in found)


def cursor_behind(hands: Hands, words: str) -> bool:
    """Is the cell behind these words turned round?"""
    for line in segments(hands):
        for one, following in pairwise(line):
            if one.text.endswith(words):
                return following.style is not None and bool(following.style.reverse)
    return False


@pytest.fixture
def no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("no_color")
async def test_without_colour_there_is_none_and_everything_is_told(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        assert hands.app.theme == PALETTE
        await hands.press("j")
        await hands.sees("● Иван Петров")
        assert "Иван Петров" in turned(hands) and "Anna Schmidt" not in turned(hands), "the row"
        await hands.press("1", "-")
        await hands.until(lambda: len(hands.screen.grid.conversations()) == 2, "two panes")
        await hands.press("alt+up")
        await hands.until(lambda: "Anna" in turned(hands), "the pane where the keys go")
        await hands.sees("┃11:11 # Olga")  # a private note
        for line in segments(hands):
            for segment in line:
                for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    assert color is None or color.type is ColorType.DEFAULT, segment


@pytest.mark.usefixtures("no_color")
async def test_the_place_where_one_writes_is_seen_without_colour(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("ctrl+p")
        await hands.type("card")
        await hands.until(lambda: cursor_behind(hands, "card"), "the cursor of a line")
        await hands.press("escape", "1", "m")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("block")
        await hands.sees("║ block")
        await hands.until(lambda: cursor_behind(hands, "block"), "the cursor of a text")


@pytest.mark.usefixtures("no_color")
async def test_without_colour_no_theme_is_turned_to(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        hands.screen.action_do("screen.theme")
        await hands.sees("NO_COLOR is set")
        assert hands.app.theme == PALETTE


async def test_in_the_terminals_palette_fields_have_an_edge_and_a_cursor(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        hands.app.theme = PALETTE
        hands.app.push_screen(OutreachScreen(hands.app.client))
        await hands.sees("Write to many")
        await hands.sees("to              ▌")
        await hands.sees("subject         ▏")
        await hands.press("escape", "1", "r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("block")
        await hands.until(lambda: cursor_behind(hands, "block"), "the cursor")


async def test_in_the_terminals_palette_the_row_of_the_cursor_is_not_dim(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        hands.app.theme = PALETTE
        await hands.sees("Турция")
        await hands.press("j")
        y = next(y for y, line in enumerate(hands.lines()) if "Турция" in line)
        await hands.until(lambda: hands.lines()[y].startswith("▌"), "the cursor")
        here = [one for one in segments(hands)[y] if "Турция" in one.text]
        assert here and not any(one.style and one.style.dim for one in here)


@pytest.mark.parametrize("theme", THEMES)
async def test_a_scrollbar_is_made_of_whole_cells(world: FakeServer, tmp_path: Path, theme: str) -> None:
    """An eighth of a block on the terminal's own ground is a stray line under the list."""
    async with console(world, tmp_path, size=(80, 24)) as hands:
        hands.app.theme = THEMES[theme]
        hands.app.push_screen(HelpScreen(Own()))
        await hands.sees("Back and forth")
        for _ in range(6):
            await hands.press("pagedown")
            bar = hands.app.screen.query_one(LineList).vertical_scrollbar.region
            assert bar.height > 10
            assert {line[bar.x] for line in hands.lines()[bar.y : bar.bottom]} == {" "}


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_the_field_where_one_types_looks_like_one(
    world: FakeServer, tmp_path: Path, theme: str
) -> None:
    async with console(world, tmp_path) as hands:
        hands.app.theme = THEMES[theme]
        hands.app.push_screen(FormScreen("What?", [Question("one", "one"), Question("two", "two")]))
        await hands.sees("two")
        here, other = hands.app.screen.query(Input)
        assert here.has_focus
        assert here.background_colors[1] == other.background_colors[1] != here.background_colors[0]


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_what_is_said_of_an_empty_list_is_said_to_the_end(tmp_path: Path, language: str) -> None:
    i18n.use(language)
    async with console(empty_shop(), tmp_path) as hands:
        for _ in range(6):
            room = hands.screen.list.size.width
            words = hands.screen.list.empty()
            await hands.sees(words.split(" ")[0])
            shown = " ".join(line[:room] for line in hands.lines()[1:8])
            assert words in " ".join(shown.split())
            await hands.press("]")


async def test_an_empty_window_offers_no_key_that_needs_a_row(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(IVAN_NOW), "on the row")
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        for key, said, offered in (
            ("F", "nothing here", "enter go to the place"),
            ("I", "nobody to decide about", "y one person"),
        ):
            await hands.press(key)
            await hands.sees(said)
            await hands.sees_no(offered)
            await hands.sees("esc close")
            await hands.press("escape")


def test_the_page_of_keys_says_of_every_action_how_it_is_reached() -> None:
    rows = [row for section in sections(Own()) for row in section.rows]
    assert all(isinstance(row, Row) and row.keys for row in rows)
    assert ":regroupings" in [row.keys for row in rows if isinstance(row, Row)]


async def test_saved_views_stand_in_columns(world: FakeServer, tmp_path: Path) -> None:
    lamps = SavedView(
        id=1, name="Lamps", base="queue", filter="is:late", shared=False, by="Olga", by_id=1, updated_at=0
    )
    mail = replace(lamps, id=2, name="Everything by mail", base="all", shared=True, by="Boris", by_id=2)
    async with console(world, tmp_path, size=(80, 24)) as hands:
        hands.app.push_screen(ViewsScreen([lamps, mail], 1, "is:open", "", leads=False))
        await hands.sees("Everything by mail")
        lines = [line for line in hands.lines() if "is:late" in line]
        assert len({line.index("is:late") for line in lines}) == 1
        assert len({line.index(word) for line, word in zip(lines, ("queue", "all"), strict=True)}) == 1
        await hands.press("s")
        await hands.sees("Name of the view")
        field = hands.app.screen.query_one(Input).region
        assert "Name of the view" in hands.lines()[field.bottom + 1], "what is asked stands at the field"


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_what_is_pale_can_be_read_on_every_ground(
    world: FakeServer, tmp_path: Path, theme: str
) -> None:
    """4.5 is what WCAG 2 asks of text, 3 of large and bold text."""
    async with console(world, tmp_path) as hands:
        hands.app.theme = THEMES[theme]
        await hands.pilot.pause()
        colors = hands.app.get_css_variables()
        grounds = [Color.parse(colors[name]) for name in ("background", "surface", "panel")]
        here = Color.parse(colors["surface-lighten-1"])
        for role in ("dim", "rule", "mark", "accent", "note", "bad"):
            found = hands.screen.get_component_styles(f"line--{role}").color
            for ground in grounds:
                assert contrast(ground + found, ground) >= 4.5, (role, ground.hex)
            assert contrast(here + found, here) >= 4.1, role


def contrast(one: Color, other: Color) -> float:
    pale, dark = sorted((brightness(one), brightness(other)), reverse=True)
    return (pale + 0.05) / (dark + 0.05)


def brightness(color: Color) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
