"""The editor shows the letter that was typed, also when it begins a line below the last visible one."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Vertical

from omni_console.widgets.composer import Composer


class Writing(App[None]):
    CSS = "Composer { width: 20; height: auto; max-height: 3; }"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Composer({})


async def test_the_cursor_is_on_the_screen_after_every_letter() -> None:
    async with Writing().run_test() as pilot:
        composer = pilot.app.query_one(Composer)
        composer.focus()
        for _ in range(20 * 5):
            await pilot.press("a")
            await pilot.pause()
            top, height = int(composer.scroll_offset.y), composer.size.height
            row = composer.wrapped_document.location_to_offset(composer.cursor_location).y
            assert top <= row < top + height, composer.text
