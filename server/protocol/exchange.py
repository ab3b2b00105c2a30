"""People and their history, brought in and taken out; segments."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from server.protocol.base import ONE_LINE, Name, Tag
from server.protocol.conversations import Conversation, Message
from server.protocol.people import Customer, CustomerFile, Field, Origin, Record

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=ONE_LINE)]
Line = Annotated[int, msgspec.Meta(ge=0)]


class Segment(msgspec.Struct, kw_only=True):
    """A saved filter over cards; `people` is counted up to 10,000."""

    name: str
    title: str
    people: int


class ImportPerson(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A person of another system. `id` is his number there: the same number again is the same card.

    E-mail addresses and telephone numbers are claims unless the whole import vouches for them.
    """

    id: Key
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    emails: Annotated[list[Annotated[str, msgspec.Meta(max_length=320)]], msgspec.Meta(max_length=50)] = []
    phones: Annotated[list[Annotated[str, msgspec.Meta(max_length=60)]], msgspec.Meta(max_length=50)] = []
    language: str = ""
    time_zone: str = ""
    tags: Annotated[list[Tag], msgspec.Meta(max_length=100)] = []
    fields: dict[Name, Annotated[str, msgspec.Meta(max_length=4000)]] = {}
    consents: dict[str, bool] = {}  # "PURPOSE" or "PURPOSE:SCHEME"


class ImportMessage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something said in another system. `person` is the `id` of an ImportPerson; `id` its own number there.

    `conversation` keeps together what belonged together there; without it one a person.
    """

    person: Key
    id: Key
    at: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]  # UTC ms
    text: Annotated[str, msgspec.Meta(max_length=100_000)]
    who: Literal["customer", "us", "note"] = "customer"
    author: Annotated[str, msgspec.Meta(max_length=200)] = ""
    channel: Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,30})?$")] = ""
    subject: Annotated[str, msgspec.Meta(max_length=998)] = ""
    conversation: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ImportLine(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One line of a file: a person or a message."""

    line: Line
    person: ImportPerson | None = None
    message: ImportMessage | None = None


class ImportCommand(msgspec.Struct, kw_only=True):
    """A part of a file, taken in as a whole or, where a line is wrong, not at all.

    `dry_run`: say what would happen. `earlier`: people whom earlier parts of the same dry run would make;
    `taken`: addresses ("SCHEME:ADDRESS") that they would have verified.
    `vouch`: the addresses are known to be right, as if a colleague vouched for each.
    """

    lines: Annotated[list[ImportLine], msgspec.Meta(max_length=1000)]
    dry_run: bool = False
    vouch: bool = False
    earlier: list[str] = []
    taken: list[str] = []


class ImportProblem(msgspec.Struct, kw_only=True):
    line: int
    problem: str


class ImportDone(msgspec.Struct, kw_only=True):
    """With `problems` nothing was done. `held`: addresses that stay claims as another card has them;
    `taken`: those that are vouched for now."""

    people_new: int = 0
    people_changed: int = 0
    people_same: int = 0
    messages_new: int = 0
    messages_same: int = 0
    held: int = 0
    new: list[str] = []  # ids of the people that are new
    taken: list[str] = []
    problems: list[ImportProblem] = []


class PersonExport(msgspec.Struct, kw_only=True):
    """Everything that is known of one person, and everything that was said."""

    format: Literal["omni-person-1"] = "omni-person-1"
    site: str
    made_at: int
    customer: Customer
    field_history: list[Field]
    records: list[Record]
    origins: list[Origin]
    conversations: list[Conversation]
    messages: list[Message]
    files: list[CustomerFile]
