"""The floor of the console: Textual with a list drawn by lines and an editor, and nothing behind them."""

from __future__ import annotations

from rich.segment import Segment
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import TextArea

ROWS = 100_000


class Rows(ScrollView, can_focus=True):
    """Two lines a row, as the console's list."""

    cursor = 0

    def on_mount(self) -> None:
        self.virtual_size = Size(40, ROWS * 2)

    def render_line(self, y: int) -> Strip:
        index, line = divmod(int(self.scroll_offset.y) + y, 2)
        edge = "▌" if index == self.cursor else " "
        text = f"{edge} Sender {index}" if line == 0 else f"{edge}   what this one wrote last"
        return Strip([Segment(text, self.rich_style)]).adjust_cell_length(self.size.width, self.rich_style)

    def on_key(self, event: events.Key) -> None:
        if event.key in ("j", "k"):
            self.cursor = max(0, min(ROWS - 1, self.cursor + (1 if event.key == "j" else -1)))
            top, height = int(self.scroll_offset.y), self.size.height
            if self.cursor * 2 + 2 > top + height:
                self.scroll_to(y=self.cursor * 2 + 2 - height, animate=False, force=True, immediate=True)
            elif self.cursor * 2 < top:
                self.scroll_to(y=self.cursor * 2, animate=False, force=True, immediate=True)
            self.refresh()


class BareConsole(App[None]):
    CSS = """
    Rows { width: 44; scrollbar-size: 1 1; }
    TextArea { width: 1fr; border: none; }
    """
    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Rows()
            editor = TextArea(compact=True, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False)
            editor.cursor_blink = False
            yield editor


if __name__ == "__main__":
    BareConsole().run()
