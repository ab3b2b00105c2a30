"""The column at the right on wide screens: who this customer is."""

from __future__ import annotations

from textual.content import Content

from omni_console.desk import Desk
from omni_console.i18n import _
from omni_console.server_words import said_by_server
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, spread
from server.protocol import Address, Conversation

CASES_MAX = 12


class CustomerCard(Lines):
    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__(id="card")
        self.desk = desk
        self.clock = clock
        self.conversation_id = 0

    def show(self, conversation_id: int) -> None:
        self.conversation_id = conversation_id
        self.changed()

    def lay_out(self, width: int) -> list[Line]:
        row = self.desk.conversations.get(self.conversation_id)
        if row is None:
            return []
        room = width - 2
        customer = self.desk.customers.get(row.customer_id)
        lines: list[Line] = [[(safe_line(row.customer), "name")]]
        if customer is None:
            return self._inset(lines)
        since = _("customer since {day}").format(day=self.clock.day(customer.created_at))
        lines += [[(Content(since), "dim")], [], [(Content(_("addresses")), "rule")]]
        for address in customer.addresses:
            lines += self._address(address, room)
        ways = self.desk.ways.get(row.id, [])
        if ways:
            lines += [[], [(Content(_("answers go")), "rule")]]
            lines.append(
                [
                    (safe_line(ways[0].mark, after=" "), "mark"),
                    (safe_line(said_by_server(ways[0].channel_title)), "strong"),
                ]
            )
            if ways[0].why:
                lines.append([(safe_line(said_by_server(ways[0].why), before="  "), "dim")])
        others = [case for case in customer.conversations if case.id != row.id]
        if others:
            lines += [[], [(Content(_("other cases")), "rule")]]
            for case in others[:CASES_MAX]:
                lines += self._case(case, room)
        return self._inset(lines)

    @staticmethod
    def _inset(lines: list[Line]) -> list[Line]:
        return [[(Content(" "), "base"), *line] for line in [[], *lines]]

    def _address(self, address: Address, room: int) -> list[Line]:
        sign = "✓" if address.verified else "?"
        out: list[Line] = [
            spread(
                [
                    (Content(sign + " "), "accent" if address.verified else "note"),
                    (safe_line(said_by_server(address.label)), "base"),
                ],
                [(Content(" " + _("blocked")), "bad")] if address.blocked else [],
                room,
            )
        ]
        facts = [said_by_server(address.evidence) or ("" if address.verified else _("not verified"))]
        if address.last_in_at:
            facts.append(_("{age} ago").format(age=self.clock.age(address.last_in_at)))
        text = " · ".join(fact for fact in facts if fact)
        if text:
            out.append(spread([(safe_line(text, before="  "), "dim"), (Content(""), "base")], [], room))
        return out

    def _case(self, case: Conversation, room: int) -> list[Line]:
        day = self.clock.day(case.closed_at or case.last_at or case.opened_at)
        title = case.topic or case.subject or case.preview
        state = case.result if case.state == "closed" else _("open")
        right: Line = [(safe_line(day, before=" "), "dim")]
        out: list[Line] = [spread([(safe_line(title), "base")], right, room)]
        if state:
            out.append([(Content("  "), "base"), *spread([(safe_line(state), "dim")], [], room - 2)])
        return out
