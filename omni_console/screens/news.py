"""Events: what they changed on the desk is gathered, and painted at once, or soon where many come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omni_console.desk_events import Changed, apply
from server.protocol import Envelope

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

BREATH_S = 0.1


class News:
    """The desk knows of an event at once; the widgets hear of the first one with the next refresh, and of
    all that come in the breath after it together: between two paints there is room for keys."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._unpainted: Changed | None = None
        self._breathing = False

    def heard(self, envelope: Envelope) -> None:
        screen = self._screen
        if envelope.type == "reset":
            screen.loader.reload()
            return
        changed = apply(screen.desk, envelope)
        if self._unpainted is None:
            self._unpainted = changed
            if not self._breathing:
                screen.call_after_refresh(self._paint)
        else:
            add(self._unpainted, changed)

    def _breathed(self) -> None:
        self._breathing = False
        if self._unpainted is not None:
            self._screen.call_after_refresh(self._paint)

    def _paint(self) -> None:
        screen, changed = self._screen, self._unpainted
        self._unpainted = None
        if changed is None:
            return
        self._breathing = True
        screen.set_timer(BREATH_S, self._breathed)
        if changed.erased:
            for pane in screen.grid.panes:
                if pane.conversation_id in changed.erased:
                    pane.show(None)
            screen.desk.erase(changed.erased)
        if changed.lists or changed.customers or changed.erased:
            screen.list.rows_changed()
        if changed.counts:
            screen.loader.load_counts()
        if changed.people:
            screen.loader.load_people()
            screen.status.changed()
        for pane in screen.grid.panes:
            row = pane.row
            if row is None:
                continue
            if row.id in changed.conversations or row.customer_id in changed.customers:
                pane.changed()
        if changed.regrouped:
            screen.desk.regrouped(changed.regrouped)
            screen.loader.load_list()
            for pane in screen.grid.panes:
                shown = {pane.river.customer_id, pane.row.customer_id if pane.row else 0}
                if pane.conversation_id and shown & changed.regrouped:
                    screen.loader.load_detail(pane.conversation_id)
        for key in changed.acted.intersection(screen.grid.conversations()):
            screen.loader.load_detail(key)
        if changed.views:
            screen.narrowing.load()
        if changed.mentions:
            screen.mentions.load()
        if changed.inbox:
            screen.loader.load_inbox()
            changed.stale_customers |= {pane.row.customer_id for pane in screen.grid.panes if pane.row}
        for customer_id in changed.stale_customers:
            screen.loader.load_customer(customer_id)
        for conversation_id in changed.stale_ways:
            screen.loader.load_detail(conversation_id)
        screen.card.changed()
        screen.keys.changed()
        screen.teller.heard(changed.happened)
        screen.teller.show_title()


def add(whole: Changed, more: Changed) -> None:
    """Put what one more event changed to what the earlier ones did."""
    whole.lists |= more.lists
    whole.counts |= more.counts
    whole.people |= more.people
    whole.conversations |= more.conversations
    whole.customers |= more.customers
    whole.drafts |= more.drafts
    whole.stale_customers |= more.stale_customers
    whole.stale_ways |= more.stale_ways
    whole.acted |= more.acted
    whole.inbox |= more.inbox
    whole.views |= more.views
    whole.mentions |= more.mentions
    whole.regrouped |= more.regrouped
    whole.erased |= more.erased
    whole.happened += more.happened
