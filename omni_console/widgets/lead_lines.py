"""The lead's figures as lines: what presses, queues, people, hand-overs. Pure."""

from __future__ import annotations

import msgspec
from rich.cells import cell_len
from textual.content import Content

from omni_console.i18n import _, ngettext
from omni_console.server_words import said_by_server
from omni_console.state_words import presence_word
from omni_console.subject import Subject
from omni_console.text import fit, safe_line
from omni_console.timing import Clock
from omni_console.widgets.paint import Line, Piece, spread
from server.protocol import HeldFigure, OperatorLoad, Overview, QueueFigure, TransferFigures

ROOMY = 66  # from so many cells on there is room for each kind's own column
AGE, COUNT, KIND, STATE, LATE = 8, 9, 6, 12, 6


class Row(msgspec.Struct, frozen=True):
    """`subject` None: a line to read, which the cursor passes."""

    subject: Subject | None = None
    queue: QueueFigure | None = None
    load: OperatorLoad | None = None
    transfers: TransferFigures | None = None
    heading: str = ""  # "queue" | "people" | "transfers"


def rows_of(overview: Overview) -> list[Row]:
    rows = [Row(Subject()), Row(Subject(forgotten=True)), Row(), Row(heading="queue")]
    rows += [
        Row(Subject(channel_id=one.channel_id, team=one.team if one.handed else ""), queue=one)
        for one in overview.queues
    ]
    rows += [Row(), Row(heading="people")]
    rows += [Row(Subject(operator_id=one.operator.id), load=one) for one in overview.loads]
    rows += [Row(), Row(heading="transfers")]
    rows += [Row(transfers=overview.day), Row(transfers=overview.week)]
    return rows


def line_of(row: Row, overview: Overview, clock: Clock, width: int, *, selected: bool) -> Line:
    edge: Piece = (Content("▌ " if selected else "  "), "accent")
    body = width - 3
    if row.queue is not None:
        return [edge, *_queue(row.queue, overview, clock, body, selected=selected)]
    if row.load is not None:
        return [edge, *_load(row.load, kinds_of(overview), clock, body, selected=selected)]
    if row.transfers is not None:
        label = _("24 hours") if row.transfers is overview.day else _("7 days")
        return [edge, *_transfers(label, row.transfers, body)]
    if row.heading:
        return [edge, *_heading(row.heading, kinds_of(overview), body)]
    if row.subject is not None and row.subject.forgotten:
        return [edge, *_forgotten(overview, body, selected=selected)]
    if row.subject is not None:
        return [edge, *_pressing(overview, body, selected=selected)]
    return []


def kinds_of(overview: Overview) -> list[str]:
    """The kinds of conversations that anybody holds, in one order."""
    known = {figure.medium for load in overview.loads for figure in load.media}
    return [kind for kind in ("chat", "messenger", "email", "call") if kind in known]


def pressing_words(overview: Overview) -> list[tuple[str, str]]:
    """What presses, each with its role; nothing: nothing does."""
    found = []
    if overview.late:
        found.append((_("{n} late").format(n=_least(overview.late)), "bad"))
    if overview.broken:
        text = ngettext("{n} broken promise", "{n} broken promises", overview.broken)
        found.append((text.format(n=_least(overview.broken)), "bad"))
    if overview.at_risk:
        found.append((_("{n} at risk").format(n=_least(overview.at_risk)), "note"))
    if overview.promised:
        text = ngettext("{n} promise within the hour", "{n} promises within the hour", overview.promised)
        found.append((text.format(n=_least(overview.promised)), "note"))
    return found


def _least(count: int) -> str:
    return f"{count}+" if count >= 1000 else str(count)


def _pressing(overview: Overview, width: int, *, selected: bool) -> Line:
    left: Line = [(Content(_("What presses")), "strong" if selected else "base"), (Content("   "), "base")]
    words = pressing_words(overview)
    if not words:
        return spread([*left, (Content(_("nothing is late")), "dim")], [], width)
    for number, (text, role) in enumerate(words):
        left += [(Content(" · " if number else ""), "dim"), (safe_line(text), role)]
    return spread(left, [], width)


def _forgotten(overview: Overview, width: int, *, selected: bool) -> Line:
    count = overview.forgotten
    return spread(
        [
            (Content(_("Left without an answer")), "strong" if selected else "base"),
            (Content("   "), "base"),
            (safe_line(_least(count) if count else _("nobody")), "bad" if count else "dim"),
        ],
        [],
        width,
    )


def _heading(which: str, kinds: list[str], width: int) -> Line:
    if which == "queue":
        cells = [_cell(text, COUNT, "dim") for text in (_("waits"), _("untaken"))]
        return spread([(Content(_("Queue")), "name")], [*cells, _cell(_("oldest"), AGE, "dim")], width)
    if which == "people":
        words = {"chat": _("chat"), "messenger": _("msgr"), "email": _("mail"), "call": _("call")}
        right: Line = [_cell(_("in hand"), COUNT, "dim")]
        if width >= ROOMY - 3:
            right += [_cell(words[kind], KIND, "dim") for kind in kinds]
        right += [
            _cell(_("parked"), COUNT, "dim"),
            _cell(_("late"), LATE, "dim"),
            _cell(_("oldest"), AGE, "dim"),
        ]
        return spread([(Content(_("People")), "name")], right, width)
    heads = (_("closed"), _("none"), _("one"), _("more"), _("declined"))
    return spread([(Content(_("Hand-overs")), "name")], [_cell(text, 10, "dim") for text in heads], width)


def _queue(one: QueueFigure, overview: Overview, clock: Clock, width: int, *, selected: bool) -> Line:
    left: Line = [
        (safe_line(one.mark or " ", after=" "), "mark"),
        (safe_line(said_by_server(one.title)), "strong" if selected else "base"),
    ]
    if one.handed:
        left.append((safe_line(_("handed to {team}").format(team=one.team_title), before="  "), "note"))
    elif one.team:
        left.append((safe_line(one.team_title, before="  "), "dim"))
    right = [
        _cell("" if one.handed else _number(one.open), COUNT, "base"),
        _cell(_number(one.unassigned), COUNT, "strong" if one.unassigned else "dim"),
        _cell("" if one.oldest_at is None else clock.age(one.oldest_at), AGE, "base"),
    ]
    return spread(left, right, width)


def _load(load: OperatorLoad, kinds: list[str], clock: Clock, width: int, *, selected: bool) -> Line:
    who, roomy = load.operator, width >= ROOMY - 3
    there = who.presence in ("available", "pause")
    left: Line = [
        (Content("● " if who.presence == "available" else "○ "), "accent" if there else "dim"),
        (safe_line(who.name), "strong" if selected else "base" if there else "dim"),
    ]
    full = bool(who.room) and load.held >= who.room
    in_hand = f"{load.held}/{who.room}" if who.room else _number(load.held)
    right = [
        _cell("" if who.presence is None else presence_word(who.presence), STATE, "dim"),
        _cell(in_hand, COUNT, "note" if full else "strong" if load.held else "dim"),
    ]
    if roomy:
        held = {figure.medium: figure for figure in load.media}
        right += [_kind(held.get(kind)) for kind in kinds]
    right += [
        _cell(_number(load.waiting), COUNT, "dim"),
        _cell(_number(load.late), LATE, "bad" if load.late else "dim"),
        _cell("" if load.oldest_at is None else clock.age(load.oldest_at), AGE, "base"),
    ]
    return spread(left, right, width)


def _kind(figure: HeldFigure | None) -> Piece:
    if figure is None:
        return _cell("·", KIND, "dim")
    full = bool(figure.room) and figure.held >= figure.room
    text = f"{figure.held}/{figure.room}" if figure.room else str(figure.held)
    return _cell(text, KIND, "note" if full else "base" if figure.held else "dim")


def _transfers(label: str, figures: TransferFigures, width: int) -> Line:
    def share(count: int) -> str:
        if not figures.closed:
            return "·"
        return f"{count} ({round(100 * count / figures.closed)}%)" if count else "0"

    cells = [
        _number(figures.closed),
        share(figures.none),
        share(figures.once),
        share(figures.more),
        _number(figures.declined),
    ]
    return spread([(safe_line(label), "base")], [_cell(text, 10, "base") for text in cells], width)


def _number(count: int) -> str:
    return str(count) if count else "·"


def _cell(text: str, cells: int, role: str) -> Piece:
    """Right-aligned in a column of `cells`, at least one of them a space."""
    content = safe_line(text)
    room = cells - 1
    cut = content if cell_len(content.plain) <= room else fit(content, room)
    return Content(" " * (cells - cell_len(cut.plain))) + cut, role
