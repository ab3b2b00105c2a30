"""What a figure of the lead's screen is about."""

from __future__ import annotations

import msgspec


class Subject(msgspec.Struct, frozen=True):
    """An operator, a channel's queue, who was left without an answer, or, with none of them, what presses."""

    operator_id: int | None = None
    channel_id: str | None = None
    team: str = ""  # with a channel: what of it was handed to this team
    forgotten: bool = False
