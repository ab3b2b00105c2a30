"""Which conversation comes next, and why."""

from __future__ import annotations

from typing import Literal

import msgspec

from server.protocol.base import Number
from server.protocol.conversations import Conversation
from server.protocol.deadlines import DeadlineFigure


class UrgencyPart(msgspec.Struct, kw_only=True):
    """A term of the sum by which the next conversation is chosen. `at`: the moment it counts from, or to."""

    name: Literal["deadline", "waiting", "window", "priority", "own"]
    points: int
    at: int | None = None


class NextCommand(msgspec.Struct, kw_only=True):
    skip: list[Number] = []  # what I look at already: conversations that are not to be given


class Urgency(msgspec.Struct, kw_only=True):
    """Why this one, now and for who asks."""

    conversation: Conversation | None = None  # None: nobody waits
    points: int = 0  # the sum of the parts
    parts: list[UrgencyPart] = []  # the largest first
    deadlines: list[DeadlineFigure] = []  # that run
