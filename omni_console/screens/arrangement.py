"""What stands on the screen beside what, and where the focus is: list, panes, card."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.widget import Widget

from omni_console.i18n import _
from omni_console.layouts import Card, Focus, Layout
from omni_console.look import THEMES
from omni_console.tiling import PANES_MAX, Direction
from omni_console.widgets.pane import Pane
from omni_console.widgets.pane_lines import PaneHeader
from omni_console.widgets.river_view import RiverView

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

LIST, LIST_WIDE = 38, 44  # columns, as in styles/omni.tcss
LIST_LEAST, LIST_STEP = 24, 2
CARD_FROM = 110  # columns below which the card stands over the conversation, not beside it


class Arrangement:
    """Sets the screen's classes `-reading`, `-zoomed-screen`, `-card`, `-card-over` and `-no-card`;
    styles/omni.tcss says what they look like."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self.wished_list = 0  # columns of the list, 0: as many as it has by itself

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "pane.next": self.next_pane,
            "pane.prev": lambda: self._turn_focus(-1),
            "pane.left": lambda: self._go("left"),
            "pane.right": lambda: self._go("right"),
            "pane.up": lambda: self._go("up"),
            "pane.down": lambda: self._go("down"),
            "pane.split_right": lambda: self._split(right=True),
            "pane.split_down": lambda: self._split(right=False),
            "pane.grow": lambda: self._grow(1),
            "pane.shrink": lambda: self._grow(-1),
            "pane.equal": self._equal,
            "pane.zoom": self.zoom,
            "pane.close": self._close_pane,
            "thread.card": self._to_card,
            "card.leave": self.leave_card,
            "screen.theme": self._turn_theme,
        }

    def _turn_theme(self) -> None:
        app = self._screen.app
        if app.no_color:
            self._screen.say(_("NO_COLOR is set: there are no colours to turn"))
            return
        names = list(THEMES.values())
        app.theme = names[(names.index(app.theme) + 1) % len(names)]

    # --- focus --------------------------------------------------------------------------------------------

    def focus_came(self, widget: Widget) -> None:
        screen = self._screen
        pane = next((node for node in widget.ancestors_with_self if isinstance(node, Pane)), None)
        if pane is not None and pane is not screen.grid.active:
            screen.grid.activate(pane)
        if pane is not None:
            self._show_card()  # nobody's card stands beside somebody else's conversation
            pane.river.changed()  # what it shows counts as read from now on
        if widget is screen.list:
            screen.keys.show_mode("list")
        elif widget is screen.card.lines:
            screen.keys.show_mode("card")
        elif isinstance(widget, RiverView):
            screen.keys.show_mode("browse")
        elif pane is not None and widget is pane.composer:
            screen.keys.show_mode("compose")
        else:
            screen.keys.show_mode("anywhere")

    def next_pane(self) -> None:
        self._turn_focus(1)

    def _turn_focus(self, step: int) -> None:
        """From the list through the panes, and round; inside a form from one line of it to the other."""
        screen = self._screen
        form = next((pane.form for pane in screen.grid.panes if pane.form.has_focus_within), None)
        if form is not None:
            form.turn()  # out of it letters would be keys: who types a result after tab means the result
            return
        panes = [pane for pane in screen.grid.panes if pane.conversation_id]
        here = next((index for index, pane in enumerate(panes, 1) if pane.has_focus_within), 0)
        wanted = (here + step) % (len(panes) + 1)
        if wanted:
            self._to_pane(panes[wanted - 1])
        else:
            self.to_list()

    def _go(self, direction: Direction) -> None:
        """To what stands there: panes, at their left the list, at their right the card. Where panes are
        hidden the next one comes."""
        screen, grid = self._screen, self._screen.grid
        if screen.focused is screen.list:
            if direction == "right":
                self._to_pane(grid.active)
            return
        if screen.card.has_focus_within:
            if direction == "left":
                self.leave_card()
            return
        pane = grid.toward(direction)
        if pane is None and len(grid.placed) < len(grid.panes):
            panes = grid.panes
            step = 1 if direction in ("right", "down") else -1
            pane = panes[(panes.index(grid.active) + step) % len(panes)]
        if pane is not None:
            self._to_pane(pane)
        elif direction == "left" and screen.list.display:
            self.to_list()
        elif direction == "right" and screen.card.display:
            screen.set_focus(screen.card.lines)

    @property
    def focus(self) -> Focus:
        focused = self._screen.focused
        if focused is self._screen.card.lines:
            return "card"
        return "pane" if focused is not None and self._screen.grid in focused.ancestors else "list"

    def to_active(self) -> None:
        self._to_pane(self._screen.grid.active)

    def _to_pane(self, pane: Pane) -> None:
        self.show_reading(True)
        self._screen.grid.activate(pane)
        self._screen.set_focus(pane.river)

    def to_list(self) -> None:
        self.show_reading(False)
        self._screen.set_focus(self._screen.list)

    # --- the mouse ----------------------------------------------------------------------------------------

    def header_clicked(self, event: PaneHeader.Clicked) -> None:
        pane = self._pane_of(event.sender)
        if pane is not None and not pane.has_focus_within:
            self._to_pane(pane)

    def cross_clicked(self, event: PaneHeader.CrossClicked) -> None:
        pane = self._pane_of(event.sender)
        if pane is not None:
            self._screen.grid.activate(pane)
            self._close_pane()

    def _pane_of(self, header: PaneHeader) -> Pane | None:
        return next((pane for pane in self._screen.grid.panes if pane.header is header), None)

    # --- panes --------------------------------------------------------------------------------------------

    def _split(self, *, right: bool) -> None:
        screen = self._screen
        if len(screen.grid.panes) >= PANES_MAX:
            screen.say(_("more than six conversations have no place beside each other"))
            return
        pane = screen.grid.split(right=right)
        if pane is None:
            least = screen.grid.least
            words = _("no room for another pane: each needs {columns} columns and {lines} lines")
            screen.say(words.format(columns=least.width, lines=least.height))
            return
        screen.remove_class("-zoomed-screen")
        # A new pane shows what is needed next, or waits for the list.
        here = screen.grid.conversations()
        key = screen.list.conversation_id if screen.focused is screen.list else None
        if key is None or key in here:
            key = screen.desk.next_attention(None, besides=here)
        if key is not None and key in screen.desk.conversations:
            pane.show(screen.desk.conversations[key])
            screen.loader.load_detail(key)
            screen.list.select(key)
            screen.set_focus(pane.river)
        else:
            screen.set_focus(screen.list)
        self.show_opened()

    def _grow(self, sign: int) -> None:
        screen = self._screen
        if screen.focused is screen.list:
            self._size_list(self.list_width + sign * LIST_STEP)
        elif not screen.grid.grow(sign):
            screen.say(_("there is no room to give or to take"))

    def _equal(self) -> None:
        self._screen.grid.equal()
        self._size_list(0)

    def zoom(self) -> None:
        screen = self._screen
        if screen.pane is None:
            return
        screen.grid.zoom()
        screen.set_class(screen.grid.zoomed, "-zoomed-screen")
        if not screen.pane.has_focus_within:
            screen.set_focus(screen.pane.river)  # else whoever is writing goes on

    # --- layouts ------------------------------------------------------------------------------------------

    @property
    def card(self) -> Card:
        """What the operator wants of the card, apart from what the width of the screen makes of it."""
        if self._screen.has_class("-card"):
            return "shown"
        return "hidden" if self._screen.has_class("-no-card") else ""

    def put(self, layout: Layout) -> None:
        """The card and the list as they were."""
        screen = self._screen
        screen.remove_class("-zoomed-screen", "-card-over")
        screen.set_class(layout.card == "shown" and screen.size.width >= CARD_FROM, "-card")
        screen.set_class(layout.card == "hidden", "-no-card")
        self._size_list(layout.list_width)
        screen.grid.arrange_anew()

    # --- the list -----------------------------------------------------------------------------------------

    @property
    def list_width(self) -> int:
        """Cells, as it is or would be beside a conversation."""
        return self.wished_list or (LIST_WIDE if self._screen.has_class("-wide") else LIST)

    def _size_list(self, width: int) -> None:
        """0: as wide as it is by itself."""
        most = self._screen.size.width // 2
        self.wished_list = width and max(LIST_LEAST, min(width, most))
        self._show_list_width()

    def _show_list_width(self) -> None:
        """A small terminal gives the list all of its width."""
        screen = self._screen
        if self.wished_list and not screen.has_class("-narrow"):
            screen.list.styles.width = min(self.wished_list, screen.size.width // 2)
        else:
            screen.list.styles.clear_rule("width")

    def _close_pane(self) -> None:
        screen = self._screen
        screen.writing.save_now()
        if screen.focused is screen.card.lines:
            self._hide_card()
            return
        if screen.focused is screen.list and screen.has_class("-narrow"):
            return
        left = screen.grid.close_active()
        screen.remove_class("-zoomed-screen")
        if left is None:
            if not screen.has_class("-narrow"):
                screen.grid.active.show(None)
            self.show_reading(False)
            screen.set_focus(screen.list)
        else:
            screen.set_focus(left.river)
        self.show_opened()

    # --- what shows ---------------------------------------------------------------------------------------

    def show_reading(self, reading: bool) -> None:
        """On a narrow screen: a conversation, or the list. Whoever goes to the list leaves the zoom."""
        screen = self._screen
        if screen.has_class("-reading") != reading:
            screen.set_class(reading, "-reading")
            screen.grid.arrange_anew()  # other things stand beside it
        if not reading:
            if not screen.has_class("-wide"):
                screen.grid.arrange_anew()
                screen.remove_class("-card", "-card-over")  # it stands where the list is to be seen
            screen.grid.unzoom()
            screen.remove_class("-zoomed-screen")

    def show_opened(self) -> None:
        """Other conversations are in the panes: the list marks them, the card shows the active one."""
        screen = self._screen
        screen.list.opened = set(screen.grid.conversations())
        if screen.desk.pin(screen.list.opened):
            screen.list.rows_changed()
        screen.attending.say()
        screen.list.lines_changed()
        self._show_card()

    def _show_card(self) -> None:
        pane = self._screen.pane
        self._screen.card.show(pane.conversation_id if pane else 0)

    # --- the card -------------------------------------------------------------------------------------

    def _to_card(self) -> None:
        """Show the card and go there; from the card, back."""
        screen = self._screen
        if screen.focused is screen.card.lines:
            self.leave_card()
            return
        if screen.focused is screen.list and screen.list.conversation_id is not None:
            screen.browsing.open(screen.list.conversation_id, focus=False)
        if screen.pane is None:
            return
        screen.add_class("-card")
        screen.remove_class("-no-card")
        screen.set_class(screen.size.width < CARD_FROM, "-card-over")
        screen.grid.arrange_anew()  # other things stand beside it
        self._show_card()
        screen.set_focus(screen.card.lines)

    def leave_card(self) -> None:
        """Back to the conversation. Where there is no room for both, the card goes."""
        screen = self._screen
        if screen.has_class("-card-over"):
            screen.remove_class("-card", "-card-over")
        self._back_to_pane()

    def resized(self) -> None:
        screen = self._screen
        self._show_list_width()
        over = screen.has_class("-card") and screen.size.width < CARD_FROM
        screen.set_class(over and screen.focused is screen.card.lines, "-card-over")

    def _hide_card(self) -> None:
        screen = self._screen
        screen.remove_class("-card", "-card-over")
        screen.set_class(screen.has_class("-wide"), "-no-card")
        screen.grid.arrange_anew()
        self._back_to_pane()

    def _back_to_pane(self) -> None:
        screen = self._screen
        if screen.pane is not None:
            screen.set_focus(screen.pane.river)
        else:
            self.to_list()
