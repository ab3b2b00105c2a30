"""Conversations, messages and events as lines of text, for pipes and screen readers. Nothing that a customer
wrote reaches the terminal as anything but text."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from omni_console.cleaning import clean
from omni_console.commands.errors import plain
from omni_console.commands.output import moment
from server.protocol import Conversation, ConversationDetail, Envelope, EventBody, Message

_WHO = {"in": "from", "out": "to", "note": "note by", "system": "system"}


def row(conversation: Conversation) -> tuple[str, ...]:
    """Number, state, since when, who has it, whose it is, by which channel, and its latest words."""
    unread = conversation.customer_seq > conversation.seen_seq
    since = conversation.waiting_since or conversation.last_at
    return (
        str(conversation.id),
        conversation.state + (" unread" if unread else ""),
        "" if conversation.priority == "normal" else conversation.priority,
        moment(since) if since else "-",
        conversation.assignee or "-",
        conversation.customer or "(no name)",
        conversation.channel_id or "-",
        conversation.preview,
    )


HEAD = ("ID", "STATE", "PRIORITY", "SINCE", "HELD BY", "CUSTOMER", "CHANNEL", "LATEST")


def message(said: Message) -> Iterator[str]:
    """A line that says who, when and where; then the words, indented, so that none of them looks like one."""
    who = f"{_WHO[said.kind]} {said.author}".strip() if said.kind != "out" else f"{said.author} answered"
    by = f" by {said.channel_id}" if said.channel_id else ""
    state = f", {said.status}" if said.kind == "out" else ""
    error = f" ({said.error})" if said.error else ""
    yield plain(f"{moment(said.at)} {who}{by}{state}{error}, message {said.id}")
    if said.subject:
        yield plain(f"    subject: {said.subject}")
    if said.deleted:
        yield "    (deleted by its author)"
    for line in clean(said.text).split("\n") if said.text else ():
        yield f"    {line}".rstrip()
    for file in said.files:
        stated = f", though sent as {file.stated}" if file.stated else ""
        nature = f"{file.content_type}{stated}" + (f", {file.width}×{file.height}" if file.width else "")
        yield plain(f"    file {file.id}: {file.name}, {nature}, {file.size} bytes")


def head(detail: ConversationDetail) -> Iterator[str]:
    found = detail.conversation
    held = f"held by {found.assignee}" if found.assignee else "held by nobody"
    yield plain(f"conversation {found.id}: {found.customer or '(no name)'}, {found.state}, {held}")
    if found.subject:
        yield plain(f"subject: {found.subject}")
    if found.state == "closed":
        yield plain(f"closed: {found.topic}, {found.result}")
    elif found.topic:
        yield plain(f"topic: {found.topic}")
    if found.summary:
        yield plain(f"summary: {found.summary}")
    if found.next_step:
        until = f" until {moment(found.due_at)}" if found.due_at else ""
        yield plain(f"promised: {found.next_step}{until}")
    if found.tags:
        yield plain(f"tags: {' '.join(found.tags)}")
    for way in detail.ways:
        label = f", {way.label}" if way.label != way.channel_title else ""
        yield plain(f"can be answered by {way.channel_id}{label} ({way.why})")


def event(envelope: Envelope) -> str:
    """One line: number, time, kind, whose, what was said."""
    body = msgspec.json.decode(envelope.body, type=EventBody)
    parts = [str(envelope.seq), moment(envelope.at), envelope.kind]
    if body.conversation_id is not None:
        parts.append(f"#{body.conversation_id}")
    if body.conversation is not None:
        parts.append(body.conversation.customer or "(no name)")
    if body.message is not None:
        said = " ".join(body.message.text.split()) or ", ".join(file.name for file in body.message.files)
        parts.append(f"{body.message.author}: {said}".strip(": "))
    elif body.conversation is not None and envelope.kind.startswith("conversation."):
        parts.append(f"{body.conversation.state}, {body.conversation.assignee or 'nobody'}")
    return clean("  ".join(parts).replace("\n", " "))
