"""A picture in half blocks, in the middle of its place; or a sentence that says why there is none."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from omni_console.images.blocks import UPPER, Colour, Picture, Run, half_blocks, in_greys, lines_of, shaded
from omni_console.text import safe_text
from omni_console.widgets.line_canvas import Laid, LineCanvas

FEW_COLOURS = ("standard", "windows")
Piece = tuple[str, Style]


class PictureView(LineCanvas, can_focus=True):
    class Resized(Message):
        """There is another room for the picture."""

    def __init__(self) -> None:
        super().__init__(classes="picture")
        self._picture: Picture | None = None
        self._lines: list[list[Piece]] = []
        self._said: tuple[str, str] = ("", "dim")

    def say(self, text: str, role: str = "dim") -> None:
        self._picture, self._lines, self._said = None, [], (text, role)
        self.refresh()

    def show(self, picture: Picture) -> None:
        self._picture, self._lines = picture, self._drawn(picture)
        self.refresh()

    def _drawn(self, picture: Picture) -> list[list[Piece]]:
        if self.app.no_color:
            return [[(line, Style.null())] for line in shaded(picture)]
        if self.app.console.color_system in FEW_COLOURS:
            picture = in_greys(picture)  # the nearest of a terminal's own sixteen colours are flat, and wrong
        return [[_painted(run) for run in line] for line in half_blocks(picture)]

    def on_resize(self, event: events.Resize) -> None:
        self.post_message(self.Resized())

    def render_line(self, y: int) -> Strip:
        if self._picture is None:
            return super().render_line(y)
        width, height = self.size
        line = y - max(0, (height - lines_of(self._picture)) // 2)
        ground = self.visual_style.rich_style
        if not 0 <= line < len(self._lines):
            return Strip.blank(width, ground)
        left = max(0, (width - self._picture.columns) // 2)
        segments = [Segment(text, ground + style) for text, style in self._lines[line]]
        return Strip([Segment(" " * left, ground), *segments]).adjust_cell_length(width, ground)

    def laid_line(self, y: int) -> Laid:
        """Of the sentence."""
        width, height = self.size
        text, role = self._said
        lines = safe_text(text).wrap(max(8, width - 4))
        line = y - max(0, (height - len(lines)) // 2)
        if not 0 <= line < len(lines):
            return ([], ())
        return ([(lines[line].center(width), role)], ())


def _painted(run: Run) -> Piece:
    lower = None if run.lower is None else _colour(run.lower)
    return UPPER * run.cells, Style(color=_colour(run.upper), bgcolor=lower)


def _colour(colour: Colour) -> Color:
    return Color.from_rgb(*colour)
