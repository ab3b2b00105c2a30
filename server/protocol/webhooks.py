"""Outgoing webhooks, as operators see them."""

from __future__ import annotations

from typing import Annotated

import msgspec


class WebhookInfo(msgspec.Struct, kw_only=True):
    """How one does. Counts are since the server started."""

    name: str
    receiver: str  # scheme, host and port: the rest of its address may be secret
    events: list[str]  # patterns of the kinds that it asks for
    owner: str = ""
    state: str = "connected"  # connected | retrying
    detail: str = ""  # why it retries
    tries: int = 0  # in vain, of the event that is told now
    stuck: str = ""  # the webhook-id of that event, which can be skipped
    seq: int = 0  # every event up to here was taken, or is none that it asks for
    waiting: int = 0  # events that it asks for and has not taken; of more than 100,000 "at least"
    oldest_at: int | None = None  # when the first of them happened
    answered_at: int | None = None  # the last attempt
    delivered_at: int | None = None  # the last that was taken
    delivered: int = 0
    failed: int = 0  # attempts


class SkipCommand(msgspec.Struct, kw_only=True):
    """`id`: the webhook-id of the event that the receiver does not take."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class WebhookTested(msgspec.Struct, kw_only=True):
    """What came of a `ping`, or of the "gap" that stands for an event which is skipped."""

    webhook: str
    id: str
    ok: bool
    status: int | None = None  # None: no answer
    problem: str = ""
    ms: int = 0
