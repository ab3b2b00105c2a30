"""What a lead sees at a glance, and work moved between colleagues."""

from __future__ import annotations

from typing import Annotated

import msgspec

from server.protocol.base import Number
from server.protocol.conversations import Conversation
from server.protocol.service import OperatorInfo


class QueueFigure(msgspec.Struct, kw_only=True):
    """One channel's queue; or the part of it that was handed to another team."""

    channel_id: str
    title: str
    mark: str = ""
    team: str = ""  # whose work it is; "": no team serves it
    team_title: str = ""
    handed: bool = False  # to this team by hand; the channel itself is another one's
    unassigned: int = 0  # nobody has them
    open: int = 0  # in which the ball is with us: nobody's and somebody's
    oldest_at: int | None = None  # since when the longest-waiting of nobody's waits


class HeldFigure(msgspec.Struct, kw_only=True):
    medium: str  # chat | messenger | email | call
    held: int
    room: int  # so many he holds at most


class OperatorLoad(msgspec.Struct, kw_only=True):
    """`operator.room`: of all kinds together; 0: he is in no team, and nobody said how much he holds."""

    operator: OperatorInfo
    teams: list[str] = []
    media: list[HeldFigure] = []  # of those that he has room for, or holds
    held: int = 0  # in which the ball is with us
    waiting: int = 0  # in which it is with the customer, snoozed ones too; 1000 means "at least"
    oldest_at: int | None = None  # since when the longest-waiting of his waits for an answer
    at_risk: int = 0
    late: int = 0


class TransferFigures(msgspec.Struct, kw_only=True):
    """Hand-overs from one operator or team to another. `none` + `once` + `more` = `closed`.

    Not among them: what was taken from the queue, given by rules, or moved before anybody had begun it.
    """

    since: int
    closed: int = 0  # conversations closed since then (no spam)
    none: int = 0  # of these: that went through one pair of hands
    once: int = 0
    more: int = 0
    handed_over: int = 0  # hand-overs since then that were not declined
    between_teams: int = 0  # of these
    declined: int = 0  # hand-overs since then that came back


class Overview(msgspec.Struct, kw_only=True):
    at: int
    seq: int
    queue: int  # in all, nobody's
    queues: list[QueueFigure] = []  # by team
    loads: list[OperatorLoad] = []  # who is there first, by load
    late: int = 0  # deadlines that have passed, of everybody; 1000 means "at least"
    at_risk: int = 0
    broken: int = 0  # promises whose time has come; 1000 means "at least"
    promised: int = 0  # promises that come due within the hour
    forgotten: int = (
        0  # closed without an answer (GET /v1/forgotten); 0 at the end of a day. 1000: "at least"
    )
    day: TransferFigures
    week: TransferFigures


class OverviewList(msgspec.Struct, kw_only=True):
    """Conversations behind one figure, the most pressing first."""

    items: list[Conversation]
    more: bool = False


class Move(msgspec.Struct, kw_only=True):
    """`from_id`, `to_id`: operators; None: the queue."""

    conversation_id: Number
    from_id: Number | None = None
    to_id: Number | None = None


class ProposedMove(msgspec.Struct, kw_only=True):
    conversation: Conversation
    to_id: int | None = None
    to: str = ""
    why: str = ""  # "skill refunds; least in hand"


class Proposal(msgspec.Struct, kw_only=True):
    """Nothing is done yet. `untouched`: how many could be moved at all."""

    moves: list[ProposedMove] = []
    untouched: int = 0


class MovesCommand(msgspec.Struct, kw_only=True):
    """`back`: these take back what was moved a moment ago; then nobody asks for room."""

    moves: Annotated[list[Move], msgspec.Meta(max_length=50)]
    back: bool = False


class Skipped(msgspec.Struct, kw_only=True):
    conversation_id: int
    why: str  # elsewhere | begun | gone | full


class Moved(msgspec.Struct, kw_only=True):
    """Each move is done, or skipped with its reason: the world may have gone on meanwhile."""

    moved: list[Move]
    skipped: list[Skipped] = []
