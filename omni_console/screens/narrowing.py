"""What the list is narrowed to: its filter, and saved views."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.i18n import _
from omni_console.messages import Done, ViewsCame
from omni_console.query_words import known_to, why
from omni_console.views import VIEWS, Narrowed
from server.protocol import SavedView, SavedViewCommand, View
from server.protocol.filtering import filter_of
from server.protocol.query import QueryError, dated, parse, written

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen
    from omni_console.screens.views_screen import Wish

EARLIER = 50  # filters that are remembered


class Narrowing:
    """Each list keeps its filter until it is taken away; a saved view is a list of its own."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._earlier: list[str] = []  # newest first
        self._wanted = ""  # a saved view that a layout shows, and that is not known yet

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"filter.list": self._ask, "view.saved": self._open_views}

    # --- the filter -----------------------------------------------------------------------------------------

    def _ask(self) -> None:
        from omni_console.screens.filter_screen import FilterScreen

        screen = self._screen
        narrowed = screen.desk.window(screen.list.place).narrowed

        def entered(typed: str | None) -> None:
            if typed is not None:
                self.narrow(typed)

        now = narrowed.typed if narrowed is not None else ""
        screen.app.push_screen(FilterScreen(screen.desk, screen.clock, now, self._earlier), entered)

    def narrow(self, typed: str) -> None:
        """Filter the list that is shown; "" takes its filter away, and a saved view gets back its own."""
        screen = self._screen
        place = screen.list.place
        if not typed and place.isdigit():
            self.show(place)
            return
        if not self._put(place, screen.list.view, typed):
            return
        if typed:
            self._earlier = [typed, *(one for one in self._earlier if one != typed)][:EARLIER]
        screen.browsing.show_place(place, screen.list.view)

    def put(self, view: View, saved: str, typed: str) -> None:
        """As a layout has it. Which views are saved may not be known yet: then it is shown when it is."""
        desk, browsing = self._screen.desk, self._screen.browsing
        self._wanted = ""
        if saved in {str(one.id) for one in desk.saved_views}:
            self.show(saved)
            return
        if saved:
            self._wanted = saved
        elif not typed or not self._put(view, view, typed):
            desk.narrow(view, view, None)
        browsing.show_view(view)

    def _show_wanted(self) -> None:
        """Nobody went anywhere else meanwhile, and the focus stays where it is."""
        screen, wanted = self._screen, self._wanted
        self._wanted = ""
        if wanted and screen.list.place == screen.list.view:
            focused = screen.focused
            self.show(wanted)
            if focused is not screen.list:
                screen.arrangement.show_reading(True)
                screen.set_focus(focused)

    def _put(self, place: str, view: View, typed: str) -> bool:
        """False when it cannot be meant, and the operator was told."""
        screen = self._screen
        here = screen.clock.local(screen.clock.now())
        try:
            query = parse(typed)
            tests = filter_of(query, known_to(screen.desk), here)
            narrowed = Narrowed(tests, written(dated(query, here)), typed) if query else None
        except QueryError as error:
            screen.say(why(error), bad=True)
            return False
        screen.desk.narrow(place, view, narrowed)
        return True

    # --- views ----------------------------------------------------------------------------------------------

    def walk(self, step: int) -> None:
        """The built-in views, then the saved ones, and round."""
        screen = self._screen
        places = [*VIEWS, *(str(one.id) for one in screen.desk.saved_views)]
        here = screen.list.place
        at = places.index(here) if here in places else 0
        self.show(places[(at + step) % len(places)])

    def show(self, place: str) -> None:
        """A view by its name, or a saved one by its number."""
        screen = self._screen
        for view in VIEWS:
            if view == place:
                screen.browsing.show_view(view)
                return
        saved = next((one for one in screen.desk.saved_views if str(one.id) == place), None)
        if saved is not None and self._put(place, saved.base, saved.filter):
            screen.browsing.show_place(place, saved.base)

    def load(self) -> None:
        errands.send(self._screen, "views", self._screen.client.views.everything, ViewsCame)

    def came(self, event: ViewsCame) -> None:
        """Which are there; one that is on the screen and is gone, or another now, goes."""
        screen, desk = self._screen, self._screen.desk
        before = {one.id: one for one in desk.saved_views}
        desk.saved_views = event.views
        now = {str(one.id): one for one in event.views}
        for place in [place for place in desk.narrowed if place.isdigit() and place not in now]:
            desk.narrow(place, "mine", None)
        shown = screen.list.place
        if shown.isdigit() and shown not in now:
            screen.browsing.show_view(screen.list.view)
        elif shown in now and before.get(int(shown)) not in (None, now[shown]):
            self.show(shown)
        self._show_wanted()
        screen.status.changed()

    def _open_views(self) -> None:
        from omni_console.screens.views_screen import ViewsScreen

        screen = self._screen
        window = screen.desk.window(screen.list.place)
        typed = window.narrowed.typed if window.narrowed is not None else ""
        me = screen.desk.operator
        leads = me is not None and me.role in ("admin", "lead")
        name = next((one.name for one in screen.desk.saved_views if str(one.id) == screen.list.place), "")
        views = ViewsScreen(screen.desk.saved_views, screen.desk.me, typed, name, leads=leads)
        screen.app.push_screen(views, self._wished)

    def _wished(self, wish: Wish | None) -> None:
        if wish is None:
            return
        if wish.kind == "open" and wish.view is not None:
            self.show(str(wish.view.id))
        elif wish.kind == "remove" and wish.view is not None:
            self._remove(wish.view)
        elif wish.kind == "share" and wish.view is not None:
            self._save(wish.view.name, wish.view.base, wish.view.filter, shared=True, instead_of=wish.view)
        elif wish.kind == "save":
            window = self._screen.desk.window(self._screen.list.place)
            if window.narrowed is not None:
                self._save(wish.name, window.view, window.narrowed.typed, shared=False)

    def _save(
        self, name: str, base: View, typed: str, *, shared: bool, instead_of: SavedView | None = None
    ) -> None:
        screen, client = self._screen, self._screen.client

        async def ask() -> Done:
            wanted = SavedViewCommand(name=name, base=base, filter=typed, shared=shared)
            made = await client.views.put(wanted)
            if instead_of is not None and instead_of.id != made.id:
                await client.views.remove(instead_of.id)
            said = _("{name} is everybody's view now") if shared else _("saved as {name}")
            return Done(said.format(name=name))

        screen.undoing.do("save view", ask)

    def _remove(self, view: SavedView) -> None:
        client = self._screen.client

        async def ask() -> Done:
            await client.views.remove(view.id)
            return Done(_("{name} is no view any more").format(name=view.name))

        self._screen.undoing.do("remove view", ask)
