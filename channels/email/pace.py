"""How long things may take and how often they are tried; one place, in seconds."""

from __future__ import annotations

import random

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults suit real providers; tests make them short."""

    connect: float = 30.0
    command: float = 60.0
    # RFC 2177 allows 29 minutes; NATs and providers cut idle links earlier.
    idle_min: float = 240.0
    idle_max: float = 300.0
    after_send: float = 5.0  # until what we sent lies in the Sent folder, where the provider files it
    # A server that came back is noticed within a minute, and one that is away sees one login a minute.
    backoff_first: float = 1.0
    backoff_max: float = 60.0
    healthy_after: float = 60.0
    # Wrong passwords are tried rarely: providers lock accounts.
    refused: float = 900.0
    # Without a token nobody was asked yet; what is wrong may be on our side and pass soon.
    token_first: float = 30.0
    host_backoff_max: float = 30.0
    smtp_connect: float = 30.0
    smtp_command: float = 60.0
    smtp_data: float = 300.0


class Backoff:
    """Exponential, with full jitter: many clients of one server do not come back all at once."""

    def __init__(self, first: float, most: float, chance: random.Random | None = None) -> None:
        self._first = first
        self._most = most
        self._failures = 0
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing

    def next(self) -> float:
        """Seconds until the next attempt; at least a tenth of the step, so that it never spins."""
        step = min(self._most, self._first * 2 ** min(self._failures, 20))
        self._failures += 1
        return self._chance.uniform(step / 10, step)

    def reset(self) -> None:
        self._failures = 0
