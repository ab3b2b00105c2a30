"""Where a conversation stopped, in as many lines as there is room for: pure layout.

What they want; what was promised and until when; who did what last; who has it, how it can be answered and
for how long. What is promised comes first when there is room for little.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from omni_console.desk import Desk
from omni_console.i18n import _, ngettext
from omni_console.keymap import key_for
from omni_console.server_words import assigned_words, said_by_server
from omni_console.text import fit, safe_line
from omni_console.timing import Clock
from omni_console.widgets.paint import Line, balanced, spread, width_of
from server.protocol import Conversation, Message, Stopped

LABEL_CELLS = 11


@dataclass(frozen=True)
class Room:
    width: int
    lines: int  # at most


def stopped_lines(row: Conversation, desk: Desk, clock: Clock, room: Room) -> list[Line]:
    """At least one line."""
    stopped = desk.stopped.get(row.id) or Stopped()
    promise = _promise(row, clock)
    facts = _about(row, desk, clock)
    about = " · ".join(facts)
    silence = _silence(row, desk, clock)
    if room.lines <= 1:
        first: Line = [*promise, *([(Content(" · "), "dim")] if promise and silence else []), *silence]
        return [_together(row, first, facts, room.width)]
    lines: list[Line] = []
    # A subject may have come with a later letter: what was said first says what he wants.
    wants = row.summary or (stopped.wants if room.lines > 2 else "") or row.subject
    ending = " — ".join(part for part in (row.topic, row.result) if part)
    if row.state == "closed" and ending:
        lines.append(_labelled(_("closed"), safe_line(ending), room.width))
    elif wants:
        lines.append(_labelled(_("wants"), safe_line(wants), room.width))
    if promise:
        lead: Line = [(fit(safe_line(_("promised"), before="   "), LABEL_CELLS + 3), "dim")]
        lines.append(spread([*lead, *promise], [], room.width))
    if silence and len(lines) < room.lines:
        lead = [(fit(safe_line(_("silence"), before="   "), LABEL_CELLS + 3), "dim")]
        lines.append(spread([*lead, *silence], [], room.width))
    last = _last(row, desk, stopped, clock)
    if last and len(lines) + 1 < room.lines:
        lines.append(_labelled(_("last"), safe_line(last), room.width))
    right = _window(row, desk, clock)
    left: Line = [(Content("   "), "base"), (safe_line(about), "dim")]
    if len(lines) < room.lines:
        lines.append(balanced(left, right, room.width))
    return lines[: room.lines]


def _labelled(label: str, text: Content, width: int) -> Line:
    lead: Line = [(fit(safe_line(label, before="   "), LABEL_CELLS + 3), "dim")]
    return spread([*lead, (text, "base")], [], width)


def _promise(row: Conversation, clock: Clock) -> Line:
    """What was promised and until when; nothing where nothing was."""
    if row.state == "closed" or (not row.next_step and row.due_at is None):
        return []
    out: Line = []
    if row.due_at is not None:
        late = row.due_at < clock.now()
        text = (
            _("late {age}").format(age=clock.age(row.due_at))
            if late
            else _("by {when}").format(when=clock.moment(row.due_at))
        )
        out.append((safe_line(text, after="  "), "bad" if late else "note"))
    return [*out, (safe_line(row.next_step or _("an answer")), "base")]


def _silence(row: Conversation, desk: Desk, clock: Clock) -> Line:
    """What comes, or could come, of it that the customer does not answer."""
    silence = row.silence
    if silence is None or row.state != "waiting":
        return []
    if silence.obstacle:
        why = said_by_server(silence.obstacle)
        return [(safe_line(_("is not closed by itself: {why}").format(why=why)), "bad")]
    if silence.closes_at is not None:
        when = clock.moment(silence.closes_at)
        return [(safe_line(_("they were told: closes {when} unless they write").format(when=when)), "note")]
    elsewhere = _elsewhere(row, desk) if silence.proposed else ""
    if not elsewhere:
        return []
    text = _("continue in {channel}? {key}").format(channel=elsewhere, key=key_for("thread.continue"))
    return [(safe_line(text), "note")]


def _elsewhere(row: Conversation, desk: Desk) -> str:
    """The channel that `thread.continue` can lead to first; "" where there is none."""
    for way in desk.ways.get(row.id, []):
        if way.channel_id != row.channel_id:
            return said_by_server(way.channel_title)
    customer = desk.customers.get(row.customer_id)
    named = {one.scheme for one in customer.addresses if not one.blocked} if customer else set()
    for channel in desk.channels.values():
        if channel.id != row.channel_id and (channel.continues or channel.begins in named):
            return said_by_server(channel.title)
    return ""


def _together(row: Conversation, promise: Line, about: list[str], width: int) -> Line:
    """Everything on one line: the promise, what is wanted, and of the rest whatever fits whole."""
    left: Line = [(Content("   "), "base")]
    dot: Line = [(Content(" · "), "dim")]
    if promise:
        left += promise
    ending = " — ".join(part for part in (row.topic, row.result) if part)
    if row.state == "closed" and ending:
        left += [*(dot if promise else []), (safe_line(ending), "dim")]
    elif row.summary or row.subject:
        left += [*(dot if promise else []), (safe_line(row.summary or row.subject or ""), "base")]
    for fact in about:
        piece: Line = [*(dot if len(left) > 1 else []), (safe_line(fact), "dim")]
        if len(left) == 1 or width_of(left) + width_of(piece) <= width:
            left += piece
    return spread(left, [], width)


def _about(row: Conversation, desk: Desk, clock: Clock) -> list[str]:
    parts: list[str] = []
    if row.assignee_id is None:
        parts.append(_("nobody's") if row.state != "closed" else "")
    elif row.assignee_id == desk.me:
        parts.append(_("yours"))
    else:
        parts.append(_("{name} has it").format(name=row.assignee))
    if row.assignee_id in (None, desk.me) and (row.decline_until or 0) > clock.now():
        handed = _("handed to you: {key} declines")
        if row.assignee_id is None:
            handed = _("handed to a team: {key} declines")
        parts.append(handed.format(key=key_for("thread.decline")))
    if row.state != "closed":
        parts.append(assigned_words(row.assigned_why))
    customer = desk.customers.get(row.customer_id)
    earlier = len(customer.conversations) - 1 if customer else 0
    if earlier > 0:
        parts.append(ngettext("{n} other case", "{n} other cases", earlier).format(n=earlier))
    parts += [f"#{tag}" for tag in row.tags]
    if row.priority_why:
        parts.append(said_by_server(row.priority_why))
    return [part for part in parts if part]


def _window(row: Conversation, desk: Desk, clock: Clock) -> Line:
    """Until when the channel lets us write, where it closes at all."""
    ways = desk.ways.get(row.id, [])
    if not ways or ways[0].window_until is None:
        return []
    until = ways[0].window_until
    if until < clock.now():
        return [
            (
                safe_line(
                    _("{channel} is closed for us").format(channel=said_by_server(ways[0].channel_title)),
                    after=" ",
                ),
                "bad",
            )
        ]
    text = _("{channel} open until {when}").format(
        channel=said_by_server(ways[0].channel_title), when=clock.moment(until)
    )
    return [(safe_line(text, after=" "), "note")]


def _last(row: Conversation, desk: Desk, stopped: Stopped, clock: Clock) -> str:
    """Who of us did what last, and how long ago."""
    newest = _last_words(row, desk)
    if newest is not None and newest.at >= (stopped.acted_at or 0):
        who = newest.author.split(" ")[0]
        what = _("made a note") if newest.kind == "note" else _("replied")
        age = clock.age(newest.at)
        return _("{who} {what}, {age} ago: {text}").format(who=who, what=what, age=age, text=newest.text)
    if not stopped.acted or stopped.acted_at is None:
        return ""
    what = {
        "replied": _("replied"),
        "noted": _("made a note"),
        "contact": _("logged a contact"),
        "claimed": _("took it"),
        "released": _("gave it back"),
        "assigned": _("assigned it"),
        "declined": _("declined it"),
        "closed": _("closed it"),
        "reopened": _("opened it again"),
        "snoozed": _("put it away"),
        "changed": _("changed what it is about"),
        "spam": _("marked it as spam"),
        "not_spam": _("took it out of spam"),
        "wrote_first": _("wrote first"),
    }.get(stopped.acted, said_by_server(stopped.acted))
    who = stopped.acted_by.split(" ")[0]
    return _("{who} {what}, {age} ago").format(who=who, what=what, age=clock.age(stopped.acted_at))


def _last_words(row: Conversation, desk: Desk) -> Message | None:
    river = desk.rivers.get(row.customer_id)
    if river is None:
        return None
    for index in range(len(river) - 1, max(-1, len(river) - 60), -1):
        message = river.at(index)
        if message.conversation_id == row.id and message.kind in ("out", "note") and message.author_id:
            return message
    return None
