"""What stands in the card: pure layout, from a customer and a width to entries.

A section without content takes no line. What needs a decision comes first, then how to reach this person,
then what is known, then the past.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import msgspec
from rich.cells import cell_len
from textual.content import Content

from omni_console.cleaning import clean_line
from omni_console.desk import Desk
from omni_console.i18n import _, ngettext
from omni_console.keymap import key_for
from omni_console.server_words import said_by_server
from omni_console.text import fit, safe_line
from omni_console.timing import Clock
from omni_console.widgets.card import words
from omni_console.widgets.card.entries import Deed, Entry, Section
from omni_console.widgets.paint import Line, balanced
from server.protocol import Address, Conversation, Customer, Record

CASES_MAX = 12
RECORDS_MAX = 8  # of one kind
SUGGESTIONS_MAX = 3
ORIGIN_LINES = 2  # for an advertisement, for a page
LABEL_CELLS = 12
ROOMY = 48  # cells from which a line also says where something was found


class Context(msgspec.Struct, frozen=True):
    """What surrounds the card: the desk, the conversation it stands beside, the time, the cells."""

    desk: Desk
    row: Conversation
    clock: Clock
    width: int


def card_sections(customer: Customer, context: Context) -> list[Section]:
    makers: list[Callable[[Customer, Context], Section]] = [
        _who, _open_questions, _promises, _addresses, _fields, _scores, _records, _consents, _came_from,
        _people, _merges, _things, _cases,
    ]  # fmt: skip
    return [section for section in (make(customer, context) for make in makers) if section]


def heading(text: str, context: Context) -> Entry:
    return Entry([(fit(safe_line(text), context.width), "rule")])


def _wrapped(text: str, width: int, role: str, deed: Deed | None = None, before: str = "  ") -> list[Entry]:
    """Further words under a line; they belong to it, so the cursor passes over them."""
    parts = safe_line(text).wrap(max(8, width - len(before)))
    return [Entry([(Content(" " * len(before)), "base"), (part, role)], deed) for part in parts]


def _pair(label: str, value: str, context: Context, deed: Deed, role: str = "base") -> Entry:
    cells = min(LABEL_CELLS, max(6, context.width // 2))
    line: Line = [(fit(safe_line(label), cells), "dim"), (safe_line(value, before=" "), role)]
    return Entry(balanced(line, [], context.width), deed)


def _who(customer: Customer, context: Context) -> Section:
    name = customer.name or context.row.customer
    shown = safe_line(name) if name.strip() else Content(_("(no name)"))
    section = [Entry(balanced([(shown, "name")], [], context.width), Deed("name"))]
    if customer.tags:
        tags = "  ".join(f"#{tag}" for tag in customer.tags)
        section += [Entry(balanced([(safe_line(tags), "accent")], [], context.width), Deed("tags"))]
    if customer.language:
        section.append(_pair(_("language"), customer.language, context, Deed("language")))
    if customer.time_zone:
        there = context.clock.elsewhere(customer.time_zone)
        zone = customer.time_zone.rpartition("/")[2].replace("_", " ")
        zone = _("{time} in {zone}").format(time=there, zone=zone) if there else customer.time_zone
        section.append(_pair(_("time there"), zone, context, Deed("time_zone")))
    if customer.created_at:  # who sees only what was shared with him is not told
        since = _("customer since {day}").format(day=context.clock.day(customer.created_at))
        section.append(Entry([(Content(since), "dim")]))
    return section


def _open_questions(customer: Customer, context: Context) -> Section:
    """Who else this may be, and what was found in messages: each with the key that decides it."""
    section: Section = []
    keys = f"{key_for('card.yes')} / {key_for('card.no')}"
    for suggestion in context.desk.suggestions.get(customer.id, [])[:SUGGESTIONS_MAX]:
        other = suggestion.other if suggestion.one.id == customer.id else suggestion.one
        deed = Deed("suggestion", suggestion.id)
        may_be = _("may be {name}").format(name=other.name.strip() or _("(no name)"))
        right: Line = [(safe_line(keys, before=" "), "strong")]
        section.append(
            Entry(
                balanced([(Content("≈ "), "note"), (safe_line(may_be), "strong")], right, context.width), deed
            )
        )
        section += _wrapped(words.reasons(suggestion), context.width, "dim")
    for number, finding in enumerate(customer.findings):
        left: Line = [(Content("+ "), "note"), (safe_line(finding.shown), "base")]
        key = key_for("finding.add") if number == 0 else ""
        where = _("in a message") if context.width >= ROOMY else ""
        right = [(safe_line(where, before="  "), "dim"), (safe_line(key, before="  "), "strong")]
        deed = Deed("finding", finding.message_id, finding.external_id)
        section.append(Entry(balanced(left, right, context.width), deed))
    return section


def _promises(customer: Customer, context: Context) -> Section:
    section: Section = []
    now = context.clock.now()
    for promise in customer.promises:
        right: Line = []
        if promise.due_at is not None:
            late = promise.due_at < now
            text = (
                _("late {age}").format(age=context.clock.age(promise.due_at))
                if late
                else _("by {when}").format(when=context.clock.moment(promise.due_at))
            )
            right = [(safe_line(text, before=" "), "bad" if late else "note")]
        left: Line = [(safe_line(promise.next_step or _("an answer")), "base")]
        section.append(Entry(balanced(left, right, context.width), Deed("promise", promise.conversation_id)))
    return [heading(_("promised"), context), *section] if section else []


def _addresses(customer: Customer, context: Context) -> Section:
    section: Section = []
    for address in customer.addresses:
        section += _address(address, context)
    preferred = customer.preferred
    if preferred is not None:
        left: Line = [
            (Content(_("best by") + " "), "dim"),
            (safe_line(preferred.mark, after=" "), "mark"),
            (safe_line(said_by_server(preferred.channel_title)), "strong"),
        ]
        section.append(Entry(balanced(left, [], context.width), Deed("preferred")))
        section += _wrapped(said_by_server(preferred.why), context.width, "dim")
    else:
        section += _answers_go(context)
    return [heading(_("addresses"), context), *section] if section else []


def _answers_go(context: Context) -> Section:
    ways = context.desk.ways.get(context.row.id, [])
    if not ways:
        return []
    left: Line = [
        (Content(_("answers go") + " "), "dim"),
        (safe_line(ways[0].mark, after=" "), "mark"),
        (safe_line(said_by_server(ways[0].channel_title)), "strong"),
    ]
    return [Entry(balanced(left, [], context.width), Deed("preferred"))]


def _address(address: Address, context: Context) -> Section:
    hindrance = words.state(address)
    right: Line = [(safe_line(hindrance, before=" "), "bad")] if hindrance else []
    if address.last_in_at:
        right.append((Content(" " + context.clock.age(address.last_in_at)), "dim"))
    sign = ("✓ ", "accent") if address.verified else ("? ", "note")
    left: Line = [(Content(sign[0]), sign[1]), (safe_line(said_by_server(address.label)), "base")]
    text = words.proof(address)
    deed = Deed("address", address.id)
    room = context.width - sum(cell_len(content.plain) for content, _role in [*left, *right])
    if text and cell_len(clean_line(text)) + 4 <= room:
        left.append((safe_line(text, before="  "), "dim"))
        return [Entry(balanced(left, right, context.width), deed)]
    first = Entry(balanced(left, right, context.width), deed)
    return [first, *_wrapped(text, context.width, "dim")] if text else [first]


def _fields(customer: Customer, context: Context) -> Section:
    section: Section = []
    for field in customer.fields:
        spec = context.desk.fields.get(field.name)
        if field.value is None or (spec is not None and not spec.own) or field.name == "name":
            continue
        title, value = words.field_title(spec, field.name), words.field_value(spec, field.value)
        section.append(_pair(title, value, context, Deed("field", field.id, field.name)))
    return [heading(_("fields"), context), *section] if section else []


def _scores(customer: Customer, context: Context) -> Section:
    section: Section = [heading(_("scores"), context)] if customer.scores else []
    for score in customer.scores:
        left: Line = [
            (safe_line(words.score_kind(score.kind)), "base"),
            (safe_line(f"{score.value}/{score.scale}", before=" "), "strong"),
            (safe_line(score.source, before="  "), "dim"),
        ]
        asked_of = score.conversation_id
        deed = Deed("score", score.id, str(asked_of)) if asked_of else None
        right: Line = [(safe_line(context.clock.day(score.at), before="  "), "dim")]
        section.append(Entry(balanced(left, right, context.width), deed))
        if score.comment:
            section += _wrapped(score.comment, context.width, "dim")
    return section


def _records(customer: Customer, context: Context) -> Section:
    section: Section = []
    records = sorted(customer.records, key=lambda record: (record.kind, -(record.at or record.updated_at)))
    for kind, group in groupby(records, key=lambda record: record.kind):
        section.append(heading(words.record_kind(kind), context))
        section += [_record(record, context) for record in list(group)[:RECORDS_MAX]]
    return section


def _record(record: Record, context: Context) -> Entry:
    money = words.money(record.amount, record.currency)
    left: Line = [
        (safe_line(record.external_id), "strong"),
        (safe_line(record.title, before=" "), "base"),
    ]
    right: Line = [
        (safe_line(record.state, before="  "), "accent"),
        (safe_line(money, before="  ") if money else Content(""), "base"),
    ]
    return Entry(balanced(left, right, context.width), Deed("record", record.id))


def _consents(customer: Customer, context: Context) -> Section:
    section: Section = []
    for consent in customer.consents:
        answer = _("yes") if consent.granted else _("no")
        name = f"{words.purpose(consent.purpose)}, {words.scheme(consent.scheme)}"
        deed = Deed("consent", name=f"{consent.purpose}\n{consent.scheme}")
        left: Line = [
            (Content("✓ " if consent.granted else "✗ "), "accent" if consent.granted else "bad"),
            (safe_line(name), "base"),
        ]
        section.append(Entry(balanced(left, [(Content(" " + answer), "dim")], context.width), deed))
    return [heading(_("consents"), context), *section] if section else []


def _came_from(customer: Customer, context: Context) -> Section:
    section: Section = []
    here = next((one for one in customer.origins if one.conversation_id == context.row.id), None)
    for label, origin in ((_("first"), customer.origin), (_("now"), here)):
        if origin is None or (origin is here and origin == customer.origin and label == _("now")):
            continue
        page = "  ".join(part for part in (origin.title.strip(), words.bare(origin.page)) if part)
        referrer = _("from {page}").format(page=words.bare(origin.referrer)) if origin.referrer else ""
        said = [part for part in (words.campaign(origin), referrer, page) if part]
        if said:
            day: Line = [(Content(" " + context.clock.day(origin.at)), "dim")]
            line = balanced([(safe_line(label), "dim")], day, context.width)
            section.append(Entry(line, Deed("origin", name=origin.page)))
        for number, text in enumerate(said):
            section += _wrapped(text, context.width, "dim" if number else "base")[:ORIGIN_LINES]
    return [heading(_("came from"), context), *section] if section else []


def _people(customer: Customer, context: Context) -> Section:
    section = [
        Entry(
            balanced(
                [(safe_line(one.name), "base")], [(safe_line(one.relation, before=" "), "dim")], context.width
            ),
            Deed("link", one.customer_id),
        )
        for one in customer.linked
    ]
    return [heading(_("belongs together with"), context), *section] if section else []


def _merges(customer: Customer, context: Context) -> Section:
    section: Section = []
    for merge in customer.merges:
        by = merge.by.split(" ")[0] if merge.by else _("by proof")
        left: Line = [(Content("⊕ "), "dim"), (safe_line(merge.name.strip() or _("(no name)")), "base")]
        right: Line = [(safe_line(f"{by} · {context.clock.day(merge.at)}", before=" "), "dim")]
        section.append(Entry(balanced(left, right, context.width), Deed("merge", merge.id)))
        if merge.evidence:
            section += _wrapped(said_by_server(merge.evidence), context.width, "dim")
    return [heading(_("was another card"), context), *section] if section else []


def _things(customer: Customer, context: Context) -> Section:
    section: Section = []
    if customer.notes:
        text = ngettext("{n} note", "{n} notes", customer.notes).format(n=customer.notes)
        key: Line = [(Content(" " + key_for("notes.open")), "strong")]
        section.append(
            Entry(
                balanced([(Content("# "), "note"), (safe_line(text), "base")], key, context.width),
                Deed("notes"),
            )
        )
    if customer.files:
        text = ngettext("{n} file", "{n} files", customer.files).format(n=customer.files)
        key = [(Content(" " + key_for("files.open")), "strong")]
        section.append(
            Entry(
                balanced([(Content("+ "), "accent"), (safe_line(text), "base")], key, context.width),
                Deed("files"),
            )
        )
    return section


def _cases(customer: Customer, context: Context) -> Section:
    section: Section = []
    for case in [case for case in customer.conversations if case.id != context.row.id][:CASES_MAX]:
        day = context.clock.day(case.closed_at or case.last_at or case.opened_at)
        title = case.topic or case.summary or case.subject or case.preview
        state = case.result if case.state == "closed" else _("open")
        if case.spam:
            state = _("spam")
        left: Line = [(safe_line(case.mark or " ", after=" "), "mark"), (safe_line(title), "base")]
        section.append(
            Entry(balanced(left, [(safe_line(day, before=" "), "dim")], context.width), Deed("case", case.id))
        )
        if state:
            section += _wrapped(state, context.width, "dim")[:1]
    return [heading(_("other cases"), context), *section] if section else []
