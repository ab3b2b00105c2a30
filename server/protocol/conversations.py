"""Conversations, their messages, and what operators do to them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from server.protocol.base import MessageKind, Number, Priority, State, Status, Tag
from server.protocol.deadlines import Deadline
from server.protocol.recipients import Addressee, Recipient


class File(msgspec.Struct, kw_only=True):
    id: int
    name: str  # the sender's: text to show, never a path
    content_type: str  # by its bytes, where they tell it; else what its sender says
    size: int
    kind: str = "file"
    problem: str = ""
    stated: str = ""  # the type that its sender or its name gave it, where the bytes contradict that
    width: int | None = None  # pixels, of pictures and films whose header tells them
    height: int | None = None


class Fold(msgspec.Struct, kw_only=True):
    """A range of a message's text that says nothing new: shown as one line until somebody opens it."""

    kind: Literal["quoted", "signature"]
    start: int  # Unicode code points of the text, start included
    end: int  # end not included


class Upload(msgspec.Struct, kw_only=True):
    """A file put up to be sent with a reply; kept for a week where it is not sent."""

    id: int
    name: str
    content_type: str
    size: int
    width: int | None = None  # pixels
    height: int | None = None


class Message(msgspec.Struct, kw_only=True):
    id: int
    seq: int  # of the event that brought it: unread marks and staleness go by this
    conversation_id: int
    customer_id: int
    kind: MessageKind
    channel_id: str = ""
    mark: str = ""  # the channel's one-cell mark, "#" for a note, "" for a system line
    address_id: int | None = None
    author_id: int | None = None  # operator
    author: str = ""  # who to show: the customer's or the operator's name
    text: str = ""
    subject: str | None = None
    status: Status = "received"
    error: str = ""  # why it failed, is unknown, waits or was withdrawn
    leaves_at: int | None = None  # of a queued or scheduled one: not before; until then it can be taken back
    at: int = 0  # sorts the river, with id
    received_at: int = 0
    reason: str = ""  # why an inbound message landed in this conversation
    stranger: bool = False  # written by somebody who is not this conversation's customer
    automatic: bool = False
    # "unsupported", "call", … shown as such. Of a reply that is not said: "scheduled", "cancelled" (it comes
    # back as a draft, and `error` says why), "withdrawn" (taken back in its hold: shown to nobody)
    kind_of_event: str = "message"
    edited_at: int | None = None
    deleted: bool = False
    files: list[File] = []
    detail: dict[str, str] = {}  # small facts that came with it: page, forwarded_from, duration, …
    folds: list[Fold] = []  # sorted, disjoint
    recipients: list[Recipient] = []  # of its address lines, where the channel has such
    suggest_id: int | None = None  # a conversation that it may belong to; nobody but an operator joins them
    suggest_why: str = ""


class Silence(msgspec.Struct, kw_only=True):
    """What comes of it that the customer has not answered yet."""

    proposed: bool = False  # he is silent for so long that another channel may reach him better
    announced_at: int | None = None  # he was told that the conversation will be closed
    closes_at: int | None = None  # and then it is
    obstacle: str = ""  # why nothing closes by itself


class Conversation(msgspec.Struct, kw_only=True):
    """A row of the list; the event stream carries it whole after every change."""

    id: int
    seq: int  # newest event of this conversation: an older copy never replaces a newer one
    customer_id: int
    customer: str  # name to show
    state: State
    assignee_id: int | None = None
    assignee: str = ""
    channel_id: str = ""  # of the customer's latest message
    mark: str = ""
    marks: list[str] = []  # all channels of this conversation
    subject: str | None = None
    preview: str = ""  # beginning of the latest message, one line
    preview_kind: MessageKind = "in"
    preview_files: int = 0
    last_at: int = 0
    waiting_since: int | None = None  # since when the customer waits for us
    customer_seq: int = 0  # seq of the customer's latest message: unread where > seen_seq
    reply_seq: int = 0  # seq of our latest reply
    snooze_until: int | None = None
    opened_at: int = 0
    closed_at: int | None = None
    topic: str = ""  # of a closed conversation what it was closed with
    result: str = ""
    unsettled: int = 0  # replies that failed or whose result is unknown
    seen_seq: int = 0  # of the asking operator; filled in lists and details, 0 in event frames
    sort_at: int = 0  # its place in the lists, which page by (sort_at, id), work by (priority, sort_at, id)
    priority: Priority = "normal"
    priority_why: str = ""  # why it is so, where a rule says it: "urgent word: blocked"
    summary: str = ""  # what the customer wants, in a colleague's words
    next_step: str = ""  # what was promised
    due_at: int | None = None  # until when
    due: bool = False  # that time has come; nothing else moves by it
    tags: list[str] = []
    spam: bool = False  # closed, and kept apart
    parent_id: int | None = None  # a message of that conversation was forwarded, and began this one
    deadline: Deadline | None = None  # None: nothing is due, or nobody knows when
    # The rule by which it has its operator, or has none any more: "skill refunds; spoke with him last"
    assigned_why: str = ""
    decline_until: int | None = None  # it was handed over, and its operator may decline it until then
    shared_with: list[int] = []  # collaborators, who see nothing else
    silence: Silence | None = None  # None: nothing, or the ball is not with the customer
    reopened: int = 0  # how often it was opened again after it was closed
    team: str = ""  # that somebody handed it to; "": the one that serves its channel
    transfers: int = 0  # hand-overs from one operator or team to another that nobody declined
    doubted: bool = False  # the provider holds the customer's latest message for spam


class Counts(msgspec.Struct, kw_only=True):
    mine: int = 0
    queue: int = 0
    waiting: int = 0  # mine, the ball being with the customer (snoozed ones too)
    unsettled: int = 0
    oldest_queued_at: int | None = None  # waiting_since of the longest-waiting queued conversation
    due: int = 0  # mine, not closed, whose promise has come due
    spam: int = 0  # conversations kept apart; 1000 means "at least"
    at_risk: int = 0  # open, mine or nobody's, whose deadline comes near; 1000 means "at least"
    late: int = 0  # the same, whose deadline has passed


class Stopped(msgspec.Struct, kw_only=True):
    """Where a conversation stopped, as far as its row and the ways to answer do not say it already.

    `acted`: what a colleague did last: "replied", "noted", "contact" (logged by hand), "claimed", "released",
    "declined", "assigned", "closed", "reopened", "snoozed", "woken", "changed" (priority, topic, summary,
    promise, tags), "spam", "not_spam", "wrote_first"; "" nobody did anything yet.
    """

    wants: str = ""  # the summary, else the beginning of the first message of this spell
    wants_from: Literal["summary", "message", ""] = ""
    wants_at: int | None = None  # of that message
    acted: str = ""
    acted_by: str = ""
    acted_at: int | None = None
    known_by: str = ""  # the channel that shows who this is; "" nothing proves it
    known_until: int | None = None  # until then nobody needs to ask him who he is


class ConversationPage(msgspec.Struct, kw_only=True):
    items: list[Conversation]
    next: str | None  # opaque key of the next page
    seq: int  # newest event the page reflects
    counts: Counts


class Forwarded(msgspec.Struct, kw_only=True):
    """What a forward is of; `file_ids` as in ForwardCommand."""

    message_id: Number
    file_ids: list[Number] | None = None


DraftKind = Literal["reply", "note", "first", "forward"]


class Draft(msgspec.Struct, kw_only=True):
    """`kind` first: to this customer, in a conversation that is not begun yet. forward: of `forwards`."""

    conversation_id: Number
    kind: DraftKind = "reply"
    text: str = ""
    subject: str | None = None
    channel_id: str = ""
    address_id: Number | None = None
    to: list[Addressee] = []  # as in ReplyCommand
    cc: list[Addressee] = []
    bcc: list[Addressee] = []
    files: list[Upload] = []  # put up for it; of those that are saved only their numbers count
    forwards: Forwarded | None = None
    updated_at: Number = 0


class ClaimCommand(msgspec.Struct, kw_only=True):
    expect: Number | None = None  # the assignee that the caller sees; anybody else there: 409 "taken"


class AssignCommand(msgspec.Struct, kw_only=True):
    """To a colleague, or into the queue of another team. `note`: what they must know; without one nothing is
    handed over."""

    operator_id: Number | None = None
    team: Annotated[str, msgspec.Meta(max_length=31)] = ""  # instead of an operator
    note: str = ""


class ShareCommand(msgspec.Struct, kw_only=True):
    operator_id: Number  # a collaborator


class DeclineCommand(msgspec.Struct, kw_only=True):
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""  # kept as a private note


class ReplyCommand(msgspec.Struct, kw_only=True):
    """`client_id` (a UUID made once per reply) makes a repeat harmless: the same answer comes again.

    `after_seq`: newest event painted in the writer's pane. What came to this conversation after it may
    hold the reply (409 "stale" with what is new); sending again with the new `after_seq` is the consent.
    `to`, `cc`, `bcc`: where the channel takes several recipients; an empty `to` is the address of the way.
    It leaves after the channel's hold, in which it can be taken back; `hold` false: at once. `at`: it leaves
    then, unless the customer writes before; `keep`: even so.
    """

    client_id: str
    text: str
    channel_id: str
    address_id: Number
    after_seq: Number
    subject: str | None = None
    file_ids: list[Number] = []  # files of this customer's history, to be sent (once more)
    upload_ids: list[Number] = []
    to: list[Addressee] = []
    cc: list[Addressee] = []
    bcc: list[Addressee] = []
    hold: bool = True
    at: Number | None = None
    keep: bool = False


class LeaveCommand(msgspec.Struct, kw_only=True):
    """When a reply leaves that is held or scheduled: `at` None: now. `keep` None: as it was."""

    at: Number | None = None
    keep: bool | None = None


class Withdrawn(msgspec.Struct, kw_only=True):
    """A reply that did not leave; its words, files and recipients are in the draft of its author, before
    what was in it already."""

    message: Message
    draft: Draft


class CaseCommand(msgspec.Struct, kw_only=True):
    """What is not given stays as it is; `due_at` 0: no time any more."""

    priority: Priority | None = None
    topic: Annotated[str, msgspec.Meta(max_length=120)] | None = None  # of an open conversation
    summary: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    next_step: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    due_at: Number | None = None
    tags: list[Tag] | None = None


class NoteCommand(msgspec.Struct, kw_only=True):
    client_id: str
    text: str


class CloseCommand(msgspec.Struct, kw_only=True):
    topic: str
    result: str


class SnoozeCommand(msgspec.Struct, kw_only=True):
    until: Number


class UndoCommand(msgspec.Struct, kw_only=True):
    seq: Number  # of the conversation in the answer to what is taken back


class SeenCommand(msgspec.Struct, kw_only=True):
    seq: Number
