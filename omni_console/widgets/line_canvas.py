"""Lines that are laid out once, and painted anew only where they became others.

What is written for a key decides how soon it is seen, over ssh above all: a whole list is 10 kB, a line of it
200 bytes. Textual composes the smallest rectangle around all that is dirty: one line too many costs it all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from textual.css.styles import RenderStyles
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from omni_console.widgets.paint import Line, strip_of

# A screen's component classes; "cursor-here" is the cursor where the focus is.
ROLES = {
    "line--cursor", "line--cursor-here", "line--strong", "line--dim", "line--accent", "line--note",
    "line--bad", "line--mark", "line--hit", "line--off", "line--private", "line--rule", "line--turn",
    "line--active", "line--name",
}  # fmt: skip

Laid = tuple[Line, tuple[str, ...]]  # a line and the states that are laid over it


class LineCanvas(Widget):
    """Subclasses lay out one line; they call `lines_changed` when something may look different.

    `refresh()` without regions, as Textual calls it for other colours or another size, lays out everything.
    """

    _laid: dict[int, Laid] | None = None  # what was painted last, by line
    _laid_for: tuple[int, int, int] = (0, 0, 0)
    _looks: dict[tuple[tuple[str, ...], bool, bool], Style] | None = None

    def laid_line(self, y: int) -> Laid:
        """Line `y` of the screen, from 0."""
        raise NotImplementedError

    def lines_changed(self, lines: Iterable[int] | None = None) -> None:
        """Some lines, or any, may look different now."""
        if self._laid is None or self._laid_for != self._place():
            self.refresh()
            return
        width, height, _ = self._laid_for
        for y in range(height) if lines is None else lines:
            before = self._laid.get(y)
            if before is not None and before != (fresh := self.laid_line(y)):
                self._laid[y] = fresh
                self.refresh(Region(0, y, width, 1))

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        if not regions:
            self._laid = self._looks = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        self._looks = None
        super().notify_style_update()

    def get_component_styles(self, *names: str) -> RenderStyles:
        """The screen's: as each widget's own they would be found out at every change of a class, 15 by 15."""
        here = {"line--cursor": "line--cursor-here"} if self.has_focus else {}
        return self.screen.get_component_styles(*(here.get(name, name) for name in names))

    def get_visual_style(self, *component_classes: str, partial: bool = False) -> Style:
        """Asked for each piece of each line: Textual's own memory of it costs more than drawing the piece."""
        if self._looks is None:
            self._looks = {}
        key = (component_classes, partial, self.has_focus)
        if key not in self._looks:
            style = super().get_visual_style(*component_classes, partial=partial)
            over = [self.get_component_styles(name) for name in component_classes]
            if any(one.text_style.reverse for one in (self.styles, *over)):
                # Textual leaves it out. Terminals dim its ground too: a row would be a band of two shades.
                style = replace(style, reverse=True, dim=False)
            elif any(one.background.ansi not in (None, -1) for one in over):
                style = replace(style, dim=False)  # on a ground of the palette dim is all but unseen
            self._looks[key] = style
        return self._looks[key]

    def render_lines(self, crop: Region) -> list[Strip]:
        place = self._place()
        if self._laid is None or self._laid_for != place:
            self._laid, self._laid_for = {}, place
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        if self._laid is None:
            self._laid, self._laid_for = {}, self._place()
        if y not in self._laid:
            self._laid[y] = self.laid_line(y)
        line, states = self._laid[y]
        return strip_of(self, line, self._laid_for[0], *states)

    def _place(self) -> tuple[int, int, int]:
        width = self.scrollable_size.width  # what a scrollbar does not cover
        return (width, self.size.height, int(self.scroll_offset.y))
