"""Who else is at a conversation, in as many words as there is room for."""

from __future__ import annotations

from textual.content import Content

from omni_console.desk import Desk
from omni_console.i18n import _, ngettext
from omni_console.text import safe_line
from omni_console.widgets.paint import Line, width_of
from server.protocol import Company, Onlooker


def company_line(desk: Desk, conversation_id: int, room: int) -> Line:
    """ "Boris is writing a reply · Rita is looking"; shorter, down to signs alone, where that is too long."""
    company = desk.company.get(conversation_id)
    if company is None:
        return []
    writing = [one for one in company.people if one.operator_id != desk.me and one.writing]
    looking = [one for one in company.people if one.operator_id != desk.me and not one.writing]
    line: Line = []
    for line in (
        _in_words(desk, company, writing, looking),
        _in_names(desk, company, writing, looking),
        company_mark(desk, conversation_id),
    ):
        if width_of(line) <= room:
            return line
    return line


def company_mark(desk: Desk, conversation_id: int) -> Line:
    """For the list: that somebody looks, writes, or that the customer types."""
    company = desk.company.get(conversation_id)
    if company is None:
        return []
    others = [one for one in company.people if one.operator_id != desk.me]
    line: Line = []
    if company.customer_types:
        line.append((Content(" …"), "accent"))
    if any(one.writing for one in others):
        line.append((Content(" ✎"), "note"))
    elif others:
        line.append((Content(" ◦"), "dim"))
    return line


def _in_words(desk: Desk, company: Company, writing: list[Onlooker], looking: list[Onlooker]) -> Line:
    parts: Line = []
    if company.customer_types:
        parts.append((Content(_("the customer is typing")), "accent"))
    for one in writing:
        words = _("{name} is writing a note") if one.writing == "note" else _("{name} is writing a reply")
        parts.append((safe_line(words.format(name=_first_name(desk, one))), "note"))
    if looking:
        words = ngettext("{names} is looking", "{names} are looking", len(looking))
        parts.append((safe_line(words.format(names=_names(desk, looking))), "dim"))
    return _joined(parts, wide=True)


def _in_names(desk: Desk, company: Company, writing: list[Onlooker], looking: list[Onlooker]) -> Line:
    parts: Line = []
    if company.customer_types:
        parts.append((Content("…"), "accent"))
    if writing:
        parts.append((safe_line(_names(desk, writing), before="✎ "), "note"))
    if looking:
        parts.append((safe_line(_names(desk, looking), before="◦ "), "dim"))
    return _joined(parts, wide=False)


def _joined(parts: Line, *, wide: bool) -> Line:
    line: Line = []
    for part in parts:
        between = " · " if wide else " "
        line += [(Content(between if line else "  "), "dim"), part]
    return line


def _names(desk: Desk, people: list[Onlooker]) -> str:
    return ", ".join(_first_name(desk, one) for one in people)


def _first_name(desk: Desk, one: Onlooker) -> str:
    known = desk.operators.get(one.operator_id)
    return known.name.split(" ")[0] if known is not None else _("somebody")
