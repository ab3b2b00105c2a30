"""Where a conversation stopped, in a few lines, or in one where there is room for little: pure layout.

What they want; what was promised and until when; who did what last; who has it, how it can be answered and
for how long, from which page it began. The promise and the last action stay where there is room for little.
"""

from __future__ import annotations

import msgspec
from textual.content import Content

from omni_console.desk import Desk
from omni_console.i18n import _, ngettext
from omni_console.keymap import key_for
from omni_console.server_words import assigned_words, said_by_server
from omni_console.text import fit, safe_line, short_name
from omni_console.timing import Clock
from omni_console.widgets.card.words import bare
from omni_console.widgets.paint import Line, balanced, cut, spread, width_of
from server.protocol import Conversation, Message, Stopped

LABEL_CELLS = 11
NAME_CELLS = 16
TITLE_CELLS, ADDRESS_CELLS = 24, 32  # of a page
NARROW = 64  # cells of a pane below which a promise and the last action do not fit on one line
DOT: Line = [(Content(" · "), "dim")]


def stopped_lines(row: Conversation, desk: Desk, clock: Clock, width: int) -> list[Line]:
    """One to five lines; the fifth only where what is said last is too much for the fourth."""
    stopped = desk.stopped.get(row.id) or Stopped()
    lines: list[Line] = []
    # A subject may have come with a later letter: what was said first says what he wants.
    wants = _wants(row, row.summary or stopped.wants or row.subject)
    ending = _ending(row)
    if ending:
        lines.append(_labelled(_("closed"), [(safe_line(ending), "base")], width))
    elif wants:
        lines.append(_labelled(_("wants"), [(safe_line(wants), "base")], width))
    promise, silence = _promise(row, clock), _silence(row, desk, clock)
    if promise or silence:
        label = _("promised") if promise else _("silence")
        room = width - LABEL_CELLS - 3
        lines.append(_labelled(label, _both(promise, silence, room), width))
    last = _last(row, desk, stopped)
    if last is not None:
        lines.append(_labelled(_("last"), [(safe_line(last.told(clock)), "base")], width))
    window = _window(row, desk, clock)
    about = _about(row, desk, clock)
    first = _fitting(about, width - width_of(window))
    rest = about[len(first) :]
    lines.append(balanced(_dotted(first), [] if rest else window, width))
    return [*lines, balanced(_dotted(rest), window, width)] if rest else lines


def stopped_briefly(row: Conversation, desk: Desk, clock: Clock, width: int) -> list[Line]:
    """One line: what was promised, what is wanted, and of the rest whatever fits whole; at its right end who
    did what last, and when. In a narrow pane that has a line of its own."""
    left: Line = [(Content("   "), "base")]
    promise, silence = _promise(row, clock), _silence(row, desk, clock)
    last = _last(row, desk, desk.stopped.get(row.id) or Stopped())
    below = last is not None and width < NARROW
    right: Line = []
    if last is not None and not below:
        right = last.beside(clock, width - width_of([*left, *_both(promise, silence)]), width)
    room = width - width_of(right)
    left += _both(promise, silence, room - width_of(left))
    ending = _ending(row)
    wants = ending or _wants(row, row.summary or row.subject)
    if wants:
        left += [*(DOT if len(left) > 1 else []), (safe_line(wants), "dim" if ending else "base")]
    for fact in _about(row, desk, clock):
        piece: Line = [*(DOT if len(left) > 1 else []), (safe_line(fact), "dim")]
        if len(left) == 1 or width_of(left) + width_of(piece) <= room:
            left += piece
    lines = [spread(cut(left, room), right, width)]
    if last is not None and below:
        lines.append(spread([(safe_line(last.told(clock), before="   "), "dim")], [], width))
    return lines


def _fitting(facts: list[str], width: int) -> list[str]:
    """As many as fit whole on a line; the first one always."""
    count = 1
    while count < len(facts) and width_of(_dotted(facts[: count + 1])) <= width:
        count += 1
    return facts[:count]


def _dotted(facts: list[str]) -> Line:
    return [(Content("   "), "base"), (safe_line(" · ".join(facts)), "dim")]


def _wants(row: Conversation, said: str | None) -> str:
    return " — ".join(part for part in (row.topic, said) if part)


def _ending(row: Conversation) -> str:
    return " — ".join(part for part in (row.topic, row.result) if part) if row.state == "closed" else ""


def _labelled(label: str, said: Line, width: int) -> Line:
    lead: Line = [(fit(safe_line(label, before="   "), LABEL_CELLS + 3), "dim")]
    return spread([*lead, *said], [], width)


def _both(promise: Line, silence: Line, room: int | None = None) -> Line:
    """On one line; what was promised gives way where there is no room for all of it."""
    if not promise or not silence:
        return [*promise, *silence]
    if room is not None:
        promise = cut(promise, max(room // 3, room - width_of(DOT) - width_of(silence)))
    return [*promise, *DOT, *silence]


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
    parts += [_began_at(row, desk), _identified(row, desk, clock)]
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


def _began_at(row: Conversation, desk: Desk) -> str:
    """The page from which this conversation began: its title, and its address without what nobody reads."""
    customer = desk.customers.get(row.customer_id)
    origins = customer.origins if customer else []
    origin = next((one for one in origins if one.conversation_id == row.id), None)
    if origin is None or not origin.page:
        return ""
    page = safe_line(bare(origin.page)).truncate(ADDRESS_CELLS, ellipsis=True).plain
    if origin.title.strip():
        page = f"{safe_line(origin.title).truncate(TITLE_CELLS, ellipsis=True).plain} ({page})"
    return _("from {page}").format(page=page)


def _identified(row: Conversation, desk: Desk, clock: Clock) -> str:
    """For how long nobody needs to ask who this is."""
    stopped = desk.stopped.get(row.id)
    if stopped is None or (stopped.known_until or 0) <= clock.now():
        return ""
    day = clock.day(stopped.known_until or 0)
    return _("identified by {channel} until {day}").format(channel=said_by_server(stopped.known_by), day=day)


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


class Act(msgspec.Struct, frozen=True):
    """What one of us did last."""

    who: str
    what: str
    at: int
    text: str = ""  # what he wrote

    def told(self, clock: Clock) -> str:
        words = _("{who} {what}, {age} ago: {text}") if self.text else _("{who} {what}, {age} ago")
        return words.format(who=self.who, what=self.what, age=clock.age(self.at), text=self.text)

    def beside(self, clock: Clock, room: int, width: int) -> Line:
        """Without the text, at the right end of a line; shorter where it does not fit into `room` cells."""
        facts = {"who": short_name(self.who, NAME_CELLS).plain, "what": self.what, "age": clock.age(self.at)}
        for words in (_("{who} {what}, {age} ago"), _("{who} {what}, {age}")):
            said: Line = [(safe_line(words.format(**facts), before="  ", after=" "), "dim")]
            if width_of(said) <= room:
                break
        return cut(said, width * 2 // 3)


def _last(row: Conversation, desk: Desk, stopped: Stopped) -> Act | None:
    newest = _last_words(row, desk)
    if newest is not None and newest.at >= (stopped.acted_at or 0):
        what = _("made a note") if newest.kind == "note" else _("replied")
        return Act(newest.author.split(" ")[0], what, newest.at, newest.text)
    if not stopped.acted or stopped.acted_at is None:
        return None
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
        "woken": _("woke it"),
        "changed": _("edited it"),
        "spam": _("marked it as spam"),
        "not_spam": _("took it out of spam"),
        "wrote_first": _("wrote first"),
    }.get(stopped.acted, said_by_server(stopped.acted))
    return Act(stopped.acted_by.split(" ")[0], what, stopped.acted_at)


def _last_words(row: Conversation, desk: Desk) -> Message | None:
    river = desk.rivers.get(row.customer_id)
    if river is None:
        return None
    for index in range(len(river) - 1, max(-1, len(river) - 60), -1):
        message = river.at(index)
        if message.conversation_id == row.id and message.kind in ("out", "note") and message.author_id:
            return message
    return None
