"""When a reply or a resolution is due."""

from __future__ import annotations

from typing import Literal

import msgspec

DeadlineKind = Literal["first_reply", "next_reply", "resolution"]
# risk: three quarters of the time are gone. late: all of it.
DeadlineLevel = Literal["running", "risk", "late"]


class Deadline(msgspec.Struct, kw_only=True):
    """The nearest of those of a conversation whose clock runs."""

    kind: DeadlineKind
    due_at: int
    level: DeadlineLevel = "running"


class DeadlineFigure(msgspec.Struct, kw_only=True):
    """A deadline of a conversation, running or over. Lengths are business milliseconds.

    `status`: running; paused (the ball is not with us); done; dropped (nothing was owed any more).
    `spent_ms`: None while it runs, and where no hours are set.
    """

    kind: DeadlineKind
    since: int
    target_ms: int
    status: Literal["running", "paused", "done", "dropped"]
    due_at: int | None = None
    ended_at: int | None = None
    spent_ms: int | None = None
    late: bool = False


class Recomputed(msgspec.Struct, kw_only=True):
    conversations: int  # that were looked at
    changed: int  # whose deadlines are others now
