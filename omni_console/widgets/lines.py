"""A few lines of frame: status, keys, headers. Drawn like the lists, so markup has no way in."""

from __future__ import annotations

from typing import ClassVar

from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from omni_console.widgets.line_list import ROLES
from omni_console.widgets.paint import Line, strip_of


class Lines(Widget):
    """Subclasses lay out lines for a width; the widget is as high as there are lines."""

    COMPONENT_CLASSES: ClassVar[set[str]] = ROLES

    def lay_out(self, width: int) -> list[Line]:
        raise NotImplementedError

    def changed(self, *, layout: bool = False) -> None:
        self.refresh(layout=layout)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lay_out(width))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        lines = self.lay_out(width)
        return strip_of(self, lines[y] if y < len(lines) else [], width)
