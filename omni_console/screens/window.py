"""What all windows over the desk have in common: how they begin, how they are left."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.message import Message
from textual.screen import ModalScreen

from omni_console.widgets.line_canvas import ROLES

R = TypeVar("R")


class Window(ModalScreen[R | None], Generic[R]):
    """Escape ends it with None. Subclasses begin in `opened`, never in `on_mount`.

    Two keys that come together may close a window before it stands: it has no widgets then, and never will.
    """

    BINDINGS: ClassVar = [("escape", "leave", "")]
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLES
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal")]  # noqa: RUF012 - Textual's

    is_open = False  # and takes keys
    _waits_for_it: Message | None = None

    def on_mount(self) -> None:
        if self.stands:
            self.opened()
        self.is_open = True
        if self._waits_for_it is not None:
            self.app.post_message(self._waits_for_it)

    def tell_open(self, message: Message) -> bool:
        """Post this to the app as soon as the window takes keys."""
        self._waits_for_it = message
        return not self.is_open or self.app.post_message(message)

    def opened(self) -> None:
        """Its widgets are there: fill them, focus one, ask the server."""

    @property
    def stands(self) -> bool:
        return bool(self.children) and self in self.app.screen_stack

    def action_leave(self) -> None:
        if self.may_leave():
            self.dismiss(None)

    def may_leave(self) -> bool:
        """False where words would be lost that are kept nowhere else; whoever asks again means it."""
        return True
