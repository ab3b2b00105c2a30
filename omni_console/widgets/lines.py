"""A few lines of frame: status, keys, headers. Drawn like the lists, so markup has no way in."""

from __future__ import annotations

from typing import Self

from textual.geometry import Region, Size

from omni_console.widgets.line_canvas import Laid, LineCanvas
from omni_console.widgets.paint import Line


class Lines(LineCanvas):
    """Subclasses lay out lines for a width; the widget is as high as there are lines."""

    _current: list[Line] | None = None
    _current_width = 0

    def lay_out(self, width: int) -> list[Line]:
        raise NotImplementedError

    def changed(self, *, layout: bool = False) -> None:
        self._current = None
        if layout:
            self.refresh(layout=True)
        else:
            self.lines_changed()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lay_out(width))

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        if not regions:
            self._current = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def laid_line(self, y: int) -> Laid:
        width = self.size.width
        if self._current is None or self._current_width != width:
            self._current, self._current_width = self.lay_out(width), width
        return (self._current[y] if y < len(self._current) else [], ())
