"""The screen as it was: kept by itself and by name, and put back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from omni_console import layouts, tiling
from omni_console.i18n import _, ngettext
from omni_console.layouts import Book, BrokenLayoutsError, Layout, LayoutFile
from omni_console.messages import Refused
from omni_console.tiling import Leaf

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen
    from omni_console.screens.layouts_screen import Deed

TICK_S = 2.0  # what changed is on the disk after at most so long
ASK_EVERY = 5  # ticks, for a conversation that the server did not answer about


class Layouts:
    """`folder` None: nothing is kept, and nothing put back. `restore`: begin as it was at the last end."""

    def __init__(self, screen: DeskScreen, folder: Path | None, *, restore: bool) -> None:
        self._screen = screen
        self._folder = folder
        self._restore = restore
        self._file: LayoutFile | None = None
        self._kept: Layout | None = None  # what the file says of the last one
        self._putting: Layout | None = None  # whose conversations are still being loaded
        self._gone: set[int] = set()  # conversations of it that are not shown any more
        self._ticks = 0

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"layout.open": self._open}

    # --- at the beginning, and from time to time ----------------------------------------------------------

    def begin(self, server: str) -> None:
        """It is known who sits here, and at which server: put back what was there at the end."""
        screen, me = self._screen, self._screen.desk.operator
        if self._folder is None or me is None:
            return
        self._file = LayoutFile(self._folder / layouts.file_name(server, screen.desk.site, me.login))
        book = self._read()
        self._kept = book.last
        untouched = len(screen.grid.panes) == 1 and screen.pane is None
        if self._restore and book.last is not None and untouched:
            screen.reading.wait_for_a_key()
            self._put(book.last)

    def tick(self) -> None:
        """Keep what is on the screen, where it is another than before. The disk is waited for elsewhere."""
        if self._putting is not None:
            self._ticks += 1
            self._check()  # a pane that waited may be closed by now
            if self._ticks % ASK_EVERY == 0:
                self.online_again()
            return
        now, file = self._now(), self._file
        if file is None or now == self._kept:
            return
        self._kept = now

        async def keep() -> None:
            try:
                await asyncio.to_thread(file.change, layouts.with_last(now))
            except OSError as error:
                self._file = None  # once is enough
                self._screen.say(_("layouts are not kept: {why}").format(why=error), bad=True)

        self._screen.run_worker(keep(), group="layout", exit_on_error=True)

    def end(self) -> None:
        """The console ends."""
        if self._file is not None and self._putting is None and self._now() != self._kept:
            self._change(layouts.with_last(self._now()))

    def _now(self) -> Layout:
        screen, grid = self._screen, self._screen.grid
        shown = {pane.key: pane.conversation_id for pane in grid.panes if pane.conversation_id}
        splits = tiling.keeping(grid.splits, shown)
        narrowed = screen.desk.window(screen.list.place).narrowed
        names = {key: number for number, key in enumerate(tiling.leaves(splits), 1)} if splits else {}
        return Layout(
            splits=Leaf(1) if splits is None else tiling.renamed(splits, names),
            conversations={names[key]: conversation for key, conversation in shown.items()},
            active=names.get(grid.active.key, 1),
            zoomed=grid.zoomed,
            card=screen.arrangement.card,
            list_width=screen.arrangement.wished_list,
            view=screen.list.view,
            place=screen.list.place if screen.list.place.isdigit() else "",
            filter="" if narrowed is None else narrowed.typed,
            focus=screen.arrangement.focus,
        )

    # --- putting back -------------------------------------------------------------------------------------

    def _put(self, layout: Layout) -> None:
        screen = self._screen
        screen.narrowing.put(layout.view, layout.place, layout.filter)
        for pane in screen.grid.panes:
            pane.keep()
        screen.writing.save_now()
        fresh = screen.grid.put(layout.splits, layout.conversations, layout.active)
        screen.arrangement.put(layout)
        self._putting, self._gone = layout, set()
        for pane in fresh:
            row = screen.desk.conversations.get(pane.awaits)
            if row is not None:
                key = pane.awaits
                pane.show(row)
                screen.loader.load_detail(key)
            elif pane.awaits:
                screen.loader.load_detail(pane.awaits)
        if layout.focus == "card" and screen.card.display:
            screen.set_focus(screen.card.lines)
        elif layout.focus != "list" and layout.conversations:
            screen.arrangement.to_active()
        self._check()

    def detail_came(self, conversation_id: int) -> None:
        """A conversation is loaded that a pane may wait for."""
        row = self._screen.desk.conversations.get(conversation_id)
        for pane in self._screen.grid.panes:
            if pane.awaits == conversation_id and row is not None:
                pane.show(row)
        if self._putting is not None:
            self._check()

    def refused(self, event: Refused) -> bool:
        """True when it was about a conversation that a layout wants, and is gone or somebody else's."""
        if event.what != "detail" or not event.conversation_id:
            return False
        if event.conversation_id in self._gone:
            return True  # it was asked for twice
        waiting = [pane for pane in self._screen.grid.panes if pane.awaits == event.conversation_id]
        if not waiting:
            return False
        self._gone.add(event.conversation_id)
        for pane in waiting:
            pane.awaits = 0
        self._screen.grid.drop(waiting)
        self._check()
        return True

    def online_again(self) -> None:
        for pane in self._screen.grid.panes:
            if pane.awaits:
                self._screen.loader.load_detail(pane.awaits)

    def _check(self) -> None:
        """Nothing is waited for any more: say what is missing."""
        screen, layout = self._screen, self._putting
        if layout is None or any(pane.awaits for pane in screen.grid.panes):
            return
        self._putting = None
        screen.arrangement.show_opened()
        if layout.zoomed and len(screen.grid.panes) > 1:
            screen.arrangement.zoom()
        if self._gone:
            if screen.pane is None:
                screen.arrangement.to_list()  # there is nothing to read
            screen.say(
                ngettext(
                    "{n} conversation of the layout is gone, or not yours to see",
                    "{n} conversations of the layout are gone, or not yours to see",
                    len(self._gone),
                ).format(n=len(self._gone))
            )

    # --- by name ------------------------------------------------------------------------------------------

    def _open(self) -> None:
        from omni_console.screens.layouts_screen import LayoutsScreen

        screen = self._screen
        if self._file is None:
            screen.say(_("layouts are not kept here"))
            return
        named = self._read().named

        def chosen(deed: Deed | None) -> None:
            if deed is None:
                return
            if deed.kind == "open":
                self._put(named[deed.name])
            elif deed.kind == "keep":
                if self._change(layouts.with_named(deed.name, self._now())):
                    screen.say(_("kept as {name}").format(name=deed.name))
            elif self._change(layouts.without_named(deed.name)):
                screen.say(_("{name} is deleted; the screen stays as it is").format(name=deed.name))

        screen.app.push_screen(LayoutsScreen(named), chosen)

    # --- the file -----------------------------------------------------------------------------------------

    def _read(self) -> Book:
        if self._file is None:
            return Book()
        try:
            return self._file.read()
        except BrokenLayoutsError as error:
            words = _("the file of layouts is broken; it was put aside as {path}")
            self._screen.say(words.format(path=error), bad=True)
        except OSError as error:
            self._screen.say(_("layouts are not kept: {why}").format(why=error), bad=True)
        return Book()

    def _change(self, deed: Callable[[Book], Book]) -> bool:
        if self._file is None:
            return False
        try:
            self._file.change(deed)
        except OSError as error:
            self._screen.say(_("layouts are not kept: {why}").format(why=error), bad=True)
            return False
        return True
