"""Whatever is in a card, a suggestion or a promise: what is painted of it is plain text, one line a line."""

from __future__ import annotations

from datetime import UTC
from typing import get_args

import pytest
from msgspec.structs import replace

from omni_console.desk import Desk
from omni_console.screens.identity_screen import HEIGHT, InboxRows
from omni_console.screens.things_screen import FileRows, NoteRows
from omni_console.timing import Clock
from omni_console.widgets.card.sections import Context, card_sections
from omni_console.widgets.paint import Line, width_of
from omni_console.widgets.where_stopped import stopped_briefly, stopped_lines
from server import protocol as wire
from tests.fakes.operator_api_books import NOW
from tests.fakes.operator_world import HOSTILE

CLOCK = Clock(lambda: NOW, UTC)


def card(text: str) -> wire.Customer:
    """A customer of whom everything is `text`."""
    address = wire.Address(
        id=1, scheme=text, external_id=text, label=text, verified=False, evidence=text, barred=True
    )
    origin = wire.Origin(
        at=NOW, channel_id=text, conversation_id=1, page=text, title=text, referrer=text,
        campaign={"source": text, "medium": text, "campaign": text},
    )  # fmt: skip
    return wire.Customer(
        id=1,
        name=text,
        created_at=NOW,
        addresses=[address, replace(address, id=2, verified=True, blocked=True)],
        tags=[text],
        language=text,
        time_zone=text,
        preferred=wire.Preference(channel_id=text, channel_title=text, mark=text, why=text),
        fields=[wire.Field(id=1, name=text, value=text, source="operator", at=NOW, by=text)],
        consents=[wire.Consent(purpose=text, scheme=text, granted=True, source="operator", at=NOW, by=text)],
        records=[
            wire.Record(
                id=1,
                kind=text,
                external_id=text,
                title=text,
                state=text,
                amount=text,
                currency=text,
                url=text,
            )
        ],
        origin=origin,
        origins=[replace(origin, at=NOW - 1)],
        promises=[wire.Promise(conversation_id=1, next_step=text, due_at=NOW)],
        linked=[wire.LinkedPerson(id=1, customer_id=2, name=text, relation=text)],
        merges=[wire.MergeInfo(id=1, at=NOW, name=text, evidence=text, by=text)],
        findings=[wire.Finding(message_id=1, scheme="phone", external_id=text, shown=text)],
        conversations=[case(text, 2)],
        suggestions=1,
        notes=1,
        files=1,
    )


def case(text: str, key: int = 1) -> wire.Conversation:
    return wire.Conversation(
        id=key, seq=1, customer_id=1, customer=text, state="open", mark=text, topic=text, result=text,
        subject=text, preview=text, assignee_id=2, assignee=text, summary=text, next_step=text, due_at=NOW,
        tags=[text], priority_why=text,
    )  # fmt: skip


def suggestion(text: str) -> wire.Suggestion:
    return wire.Suggestion(
        id=1,
        one=card(text),
        other=replace(card(text), id=3),
        reasons=[wire.Reason(kind=kind, text=text, weight=1) for kind in get_args(wire.ReasonKind)],
        score=1,
        created_at=NOW,
    )


def check(line: Line, width: int) -> None:
    painted = "".join(content.plain for content, _role in line)
    assert painted.isprintable(), repr(painted)
    assert all(not content.spans for content, _role in line), "nothing of it is styled by what was written"
    assert width_of(line) <= width, repr(painted)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [24, 36, 78])
def test_a_card_is_plain_text(text: str, width: int) -> None:
    desk = Desk()
    desk.suggestions[1] = [suggestion(text)]
    for section in card_sections(card(text), Context(desk, case(text), CLOCK, width)):
        for entry in section:
            check(entry.line, width)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [40, 78])
def test_where_it_stopped_is_plain_text(text: str, width: int) -> None:
    desk = Desk()
    desk.customers[1] = card(text)
    desk.stopped[1] = wire.Stopped(
        wants=text, wants_from="message", acted=text, acted_by=text, acted_at=NOW,
        known_by=text, known_until=NOW + 1,
    )  # fmt: skip
    way = wire.ReplyWay(
        channel_id="x", channel_title=text, mark=text, address_id=1, label=text, why=text, window_until=NOW
    )
    desk.ways[1] = [way]
    for state in ("open", "closed"):
        row = replace(case(text), state=state)
        for line in [*stopped_lines(row, desk, CLOCK, width), *stopped_briefly(row, desk, CLOCK, width)]:
            check(line, width)


@pytest.mark.parametrize("text", HOSTILE)
def test_windows_show_plain_text(text: str) -> None:
    inbox = InboxRows(CLOCK)
    inbox.items = [suggestion(text)]
    for line in range(HEIGHT):
        check(inbox.row_line(0, line, 70, selected=True), 70)
    notes = NoteRows(CLOCK)
    notes.notes = [
        wire.Message(id=1, seq=1, conversation_id=1, customer_id=1, kind="note", author=text, text=text)
    ]
    for line in range(3):
        check(notes.row_line(0, line, 70, selected=False), 72)
    files = FileRows(CLOCK)
    files.files = [
        wire.CustomerFile(
            id=1, name=text, content_type=text, size=1, kind=text, problem=text, message_id=1,
            conversation_id=1, at=NOW, mark=text,
        )
    ]  # fmt: skip
    check(files.row_line(0, 0, 90, selected=False), 90)
