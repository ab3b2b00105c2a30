"""What a figure of the lead's screen is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """An operator, a channel's queue, who was left without an answer, or, with none of them, what presses."""

    operator_id: int | None = None
    channel_id: str | None = None
    team: str = ""  # with a channel: what of it was handed to this team
    forgotten: bool = False
