"""What the tests of outgoing webhooks share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from server import failpoints
from tests.fakes.event_receiver import EventReceiver
from tests.fakes.webhook_world import HASTY


@pytest.fixture
async def crm() -> AsyncIterator[EventReceiver]:
    receiver = EventReceiver()
    async with receiver.served():
        yield receiver


@pytest.fixture
def hasty() -> Iterator[None]:
    """What is tried again is tried again within the test."""
    failpoints.arm(HASTY)
    yield
    failpoints.arm({})
