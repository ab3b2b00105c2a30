"""How a message looks: pure layout, from a message and a width to lines of pieces.

Wide enough, a line is time, channel, author and text in columns; in a narrow pane the text goes under its
author.
"""

from __future__ import annotations

import msgspec
from textual.content import Content

from omni_console.i18n import N_, _, ngettext
from omni_console.keymap import key_for
from omni_console.outgoing import is_held
from omni_console.server_words import said_by_server
from omni_console.text import fit, safe_line, safe_text, short_name
from omni_console.timing import Clock
from omni_console.widgets import letter_lines
from omni_console.widgets.file_lines import file_lines
from omni_console.widgets.paint import Line, spread, width_of
from omni_console.widgets.spoken_lines import spoken
from server.protocol import Conversation, Message

COLUMNS_FROM = 58  # cells from which the text has its own column

# Every state has a sign of its own: colour says nothing that the sign does not.
SIGNS = {
    "scheduled": ("→", "note"),
    "queued": ("↑", "dim"),  # an ellipsis would say that the text is cut
    "sending": ("↑", "dim"),
    "retrying": ("↻", "note"),
    "sent": ("✓", "dim"),
    "delivered": ("✓✓", "dim"),
    "read": ("✓✓", "accent"),
    "failed": ("✗", "bad"),
    "unknown": ("?", "bad"),
}

_LEAVES = N_("leaves in {n} s")
# What is no reply, in its hold.
BECOMES = {
    "first": N_("first message, leaves in {n} s"),
    "forward": N_("forward, leaves in {n} s, to {whom}"),
}
# What came back, by what it was to be.
CAME_BACK = {
    "": N_("{author}'s reply for later did not leave: {why}; it is a draft again"),
    "first": N_("{author}'s first message did not leave: {why}; it is a draft again"),
    "forward": N_("{author}'s forward did not leave: {why}; it is a draft again"),
}


class Context(msgspec.Struct, frozen=True):
    """What surrounds a message on the screen."""

    width: int
    unread: bool = False
    subject: bool = False  # show the subject: it is new here
    hit: bool = False  # a search led here
    opened: bool = False  # what it quotes is shown
    sign: str = ""  # marked, or under the cursor


def message_lines(message: Message, clock: Clock, context: Context) -> list[Line]:
    if message.kind == "system" and message.kind_of_event != "scheduled":
        return _system(message, clock, context)
    wide = context.width >= COLUMNS_FROM
    indent = 10 + author_cells(context.width) if wide else 1
    room = max(8, context.width - indent - 2)
    body = _body(message, context, room)
    body = _signed(body, _sign(message, clock), room)
    body.extend(_afterwards(message, room))
    body.extend(letter_lines.consequences(message, room, whole=bool(context.sign)))
    head = _head(message, clock, context, wide=wide)
    lines: list[Line] = []
    gutter = _gutter(message, context)
    if context.sign:
        gutter = (safe_line(context.sign), "strong")
    if wide:
        for number, line in enumerate(body):
            lead = head if number == 0 else [(Content(" " * indent), "base")]
            lines.append([gutter, *lead, *line])
    else:
        lines.append([gutter, *head])
        lines.extend([gutter, (Content(" "), "base"), *line] for line in body)
    return lines


def separator(row: Conversation | None, title: str, at: int, clock: Clock, width: int) -> Line:
    """The thin line over each case: channel, day, and how it ended."""
    words = [clean for clean in (title, clock.day(at)) if clean]
    text = safe_line(" · ".join(words))
    pieces: Line = [(Content("─ "), "turn"), (text, "dim")]
    if row is not None and row.spam:
        pieces.append((Content(" · " + _("spam")), "note"))
    elif row is not None and row.state == "closed":
        ending = " — ".join(part for part in (row.topic, row.result) if part)
        pieces.append((Content(" · " + _("closed") + (": " if ending else "")), "dim"))
        if ending:
            pieces.append((safe_line(ending), "dim"))
    used = width_of(pieces) + 1
    if used >= width - 2:
        return spread(pieces, [], width)
    return [*pieces, (Content(" " + "─" * (width - used)), "turn")]


def day_line(at: int, clock: Clock, width: int) -> Line:
    text = Content(f"  {clock.day(at)}")
    return [(fit(text, width), "dim")]


def author_cells(width: int) -> int:
    return 14 if width >= 84 else 9


def _gutter(message: Message, context: Context) -> tuple[Content, str]:
    if message.kind == "note":
        return (Content("┃"), "note")
    if context.hit:
        return (Content("»"), "accent")
    if context.unread:
        return (Content("●"), "accent")
    return (Content(" "), "base")


def _head(message: Message, clock: Clock, context: Context, *, wide: bool) -> Line:
    mark = message.mark or ("#" if message.kind == "note" else " ")
    role = {"in": "strong", "note": "note"}.get(message.kind, "accent")
    head: Line = [
        (Content(clock.hour(message.at) + " "), "dim"),
        (fit(safe_line(mark), 1), "note" if message.kind == "note" else "mark"),
        (Content(" "), "base"),
    ]
    cells = author_cells(context.width) if wide else context.width - 9
    # Colleagues know each other by first names; that also tells them from customers.
    name = message.author if message.kind == "in" else message.author.split(" ")[0]
    author = short_name(name, cells) if name.strip() else Content("·")
    if wide:
        return [*head, (fit(author, cells), role), (Content("  "), "base")]
    left: Line = [*head, (author, role)]
    return spread(left, [], context.width - 1)


def _body(message: Message, context: Context, room: int) -> list[Line]:
    role = "strong" if context.unread else "note" if message.kind == "note" else "base"
    lines: list[Line] = []
    if message.stranger:
        lines.append([(Content(_("(not written by this customer)")), "bad")])
    lines.extend(letter_lines.credentials(message, room, whole=bool(context.sign)))
    if context.subject and message.subject:
        lines.extend([(part, "strong")] for part in safe_line(message.subject).wrap(room))
    if message.deleted:
        lines.append([(Content(_("(deleted by the sender)")), "dim")])
        return lines
    lines.extend(spoken(message, room))
    lines.extend(_text(message, context, room, role))
    for file in message.files:
        lines.extend(file_lines(file, room, whole=bool(context.sign)))
    return lines or [[(Content(_("(no text)")), "dim")]]


def _text(message: Message, context: Context, room: int, role: str) -> list[Line]:
    """The text; what is folded in it is one line, with the key that opens it."""
    lines: list[Line] = []
    position = 0
    for fold in message.folds:
        lines.extend(_wrapped(message.text[position : fold.start], room, role))
        position = max(position, fold.end)
        inside = message.text[fold.start : position]
        count = sum(1 for line in inside.split("\n") if line.strip())
        lines.append(_fold_line(fold.kind, count, context.opened, room))
        if context.opened:
            lines.extend(_wrapped(inside, room, "dim"))
    lines.extend(_wrapped(message.text[position:], room, role))
    return lines


def _wrapped(text: str, room: int, role: str) -> list[Line]:
    if not text.strip():
        return []
    return [[(part, role)] for part in safe_text(text.strip("\n")).wrap(room)]


def _fold_line(kind: str, count: int, opened: bool, room: int) -> Line:
    if kind == "signature":
        words = _("signature")
    else:
        words = ngettext("{n} quoted line", "{n} quoted lines", count).format(n=count)
    sign = "▾" if opened else "▸"
    hint = "" if opened else f" ({key_for('history.folds')})"
    return [(safe_line(f"{sign} {words}{hint}").truncate(room, ellipsis=True), "dim")]


def seconds_left(message: Message, clock: Clock) -> int:
    """For how long the server still holds a message of ours; 0: it does not."""
    if not is_held(message) or message.leaves_at is None:
        return 0
    left = message.leaves_at - clock.now()
    return max(1, round(left / 1000)) if left > 0 else 0


def _sign(message: Message, clock: Clock) -> Line:
    if message.kind not in ("out", "system") or message.status not in SIGNS:
        return []
    sign, role = SIGNS[message.status]
    left = seconds_left(message, clock)
    words = {
        "queued": _(_LEAVES).format(n=left) if left else _("queued"),
        "sending": _("sending"),
        "retrying": _("trying again"),
        "failed": _("failed"),
        "unknown": _("maybe delivered"),
    }.get(message.status)
    if message.status == "scheduled" and message.leaves_at is not None:
        words = _("leaves {when}").format(when=clock.moment(message.leaves_at))
        if is_held(message):
            sign, role = SIGNS["queued"]
            whom = ", ".join(one.address for one in message.recipients)
            words = _(BECOMES.get(message.detail["becomes"], _LEAVES)).format(n=max(1, left), whom=whom)
    if message.status == "read":
        words = _("read")
    return [(safe_line(sign if words is None else f"{sign} {words}"), role)]


def _signed(body: list[Line], sign: Line, room: int) -> list[Line]:
    """The sign behind the last word. Where it has no room there the word comes along: alone on its line a
    sign looks like a message of its own."""
    if not sign:
        return body
    behind: Line = [(Content(" "), "base"), *sign]
    *before, last = body
    if width_of(last) + width_of(behind) <= room:
        return [*before, [*last, *behind]]
    if len(last) == 1:
        [(text, role)] = last
        at = text.plain.rstrip().rfind(" ") + 1
        word: Line = [(text[at:].rstrip(), role), *behind]
        if text.plain[:at].strip() and width_of(word) <= room:
            return [*before, [(text[:at].rstrip(), role)], word]
    return [*body, sign]


def _afterwards(message: Message, room: int) -> list[Line]:
    lines: list[Line] = []
    if message.error and message.status in ("failed", "unknown", "retrying"):
        lines.extend([(part, "bad")] for part in safe_line(said_by_server(message.error)).wrap(room))
    if message.status in ("failed", "unknown") and message.kind == "out":
        lines.append([(Content(_("{key}: decide what to do").format(key=key_for("outbox.open"))), "dim")])
    if message.edited_at is not None and not message.deleted:
        lines.append([(Content(_("(edited)")), "dim")])
    if message.automatic:
        lines.append([(Content(_("(sent automatically)")), "dim")])
    return lines


def _system_words(message: Message) -> str:
    if message.kind_of_event == "closed" and message.detail.get("by") == "silence":
        return _("closed by term: {how}").format(how=message.text)
    if message.kind_of_event == "cancelled":
        words = _(CAME_BACK.get(message.detail.get("becomes", ""), CAME_BACK[""]))
        return words.format(author=message.author.split(" ")[0], why=said_by_server(message.error))
    return message.text


def _system(message: Message, clock: Clock, context: Context) -> list[Line]:
    lead = Content(" " + clock.hour(message.at) + " · ")
    room = max(8, context.width - 10)
    parts = safe_text(_system_words(message)).wrap(room)
    return [
        [(lead if number == 0 else Content(" " * 9), "dim"), (part, "dim")]
        for number, part in enumerate(parts)
    ]
