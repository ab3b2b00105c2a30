"""What the result of an attempt means: for the row, for the message shown, for each recipient. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from channels.base import (
    BadCredentials,
    Failed,
    Fate,
    Paused,
    Retry,
    SendResult,
    Sent,
    Unknown,
    WindowClosed,
)
from server import failpoints
from server.protocol import Recipient, Status
from server.store.outbox import Leased

BACKOFF_S = (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200)
JITTER = 0.2
CREDENTIALS_PAUSE_S = 900.0
AFTER_MAX_S = 30 * 86_400.0  # an adapter may be anybody's: no wait is longer than this


def backoff_ms(attempt: int, jitter: float) -> int:
    """Milliseconds before the try after attempt number `attempt`; jitter in -1..1 moves it by up to 20 %."""
    base = BACKOFF_S[min(attempt, len(BACKOFF_S)) - 1]
    return int(base * 1000 * (1 + JITTER * jitter) * failpoints.number("outbox.backoff", 1.0))


class Verdict(msgspec.Struct, frozen=True):
    """What a result means for the outbox row and for the message shown."""

    state: str
    status: Status
    error: str = ""
    due_at: int | None = None


def judge(result: SendResult, item: Leased, now: int, give_up_after_s: float, jitter: float) -> Verdict:
    """Turn a channel's result into the row's next state. `now` in milliseconds."""
    if isinstance(result, Sent):
        return Verdict("sent", "sent")
    if isinstance(result, Unknown):
        return Verdict("unknown", "unknown", result.reason)
    if isinstance(result, WindowClosed):
        return Verdict("failed", "failed", result.reason)
    if isinstance(result, Failed):
        return Verdict("failed", "failed", result.reason)
    if isinstance(result, BadCredentials):
        wait = int(CREDENTIALS_PAUSE_S * 1000)
        return Verdict("retrying", "retrying", f"the channel's credentials: {result.reason}", now + wait)
    if isinstance(result, Paused):
        return Verdict("retrying", "retrying", f"the channel pauses: {result.reason}", now + pause_ms(result))
    wait = backoff_ms(item.attempt, jitter)
    if result.after is not None and math.isfinite(result.after):
        named = int(min(max(result.after, 0.0), AFTER_MAX_S) * 1000)
        wait = max(wait, named) if item.attempt > 1 else named
    if now + wait - (item.tried_at or item.created_at) > give_up_after_s * 1000:
        return Verdict("failed", "failed", f"given up after {item.attempt} attempts: {result.reason}")
    return Verdict("retrying", "retrying", result.reason, now + wait)


def fates_of(result: SendResult) -> tuple[Fate, ...]:
    return result.fates if isinstance(result, Sent | Retry | Failed | Unknown) else ()


def summed(verdict: Verdict, named: Sequence[Recipient]) -> Verdict:
    """What an attempt means for a message with several recipients, of whom some may have it already.

    It has failed when it reached not everybody and nobody is left to try; an operator decides what then.
    """
    ours = [one for one in named if one.role != "reply_to"]
    if len(ours) < 2 or verdict.state == "retrying":
        return verdict if len(ours) < 2 else replace(verdict, error=words_of(ours) or verdict.error)
    if verdict.state == "unknown" or any(one.state == "unknown" for one in ours):
        return Verdict("unknown", "unknown", words_of(ours))
    if any(one.state == "failed" for one in ours):
        return Verdict("failed", "failed", words_of(ours))
    return Verdict("sent", "sent")


def words_of(named: Sequence[Recipient]) -> str:
    """Who has it and who has not, in words; those that have not come first."""
    said = {
        "failed": "not delivered to",
        "retry": "not yet to",
        "delayed": "delayed to",
        "unknown": "maybe to",
    }
    ours = [one for one in named if one.role != "reply_to"]
    parts = [
        f"{said[one.state]} {one.address}" + (f" ({one.detail})" if one.detail else "")
        for one in sorted(ours, key=lambda one: list(said).index(one.state) if one.state in said else 9)
        if one.state in said
    ]
    reached = [one.address for one in ours if one.state in ("sent", "delivered")]
    if reached and parts:
        parts.append(f"delivered to {', '.join(reached)}")
    return "; ".join(parts)[:2000]


def pause_ms(result: Paused) -> int:
    seconds = result.after if math.isfinite(result.after) else AFTER_MAX_S
    return int(min(max(seconds, 1.0), AFTER_MAX_S) * 1000)
