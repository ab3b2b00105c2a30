"""What was committed for the parser is parsed, also where nobody came to tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.base import Delivery
from server import failpoints
from server.store import journal
from tests.fakes.in_process_world import InProcessWorld
from tests.fakes.patience import until

MAIL = b"From: anna@example.org\r\nTo: support@shop.example\r\nSubject: Hello\r\n\r\nhello\r\n"


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.arm({})


@pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "failed"])
async def test_a_raw_item_is_parsed_whatever_became_of_its_sender(
    cancelled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled while its commit is under way, or failing right after it."""
    monkeypatch.setattr("server.apart.LOOK_AGAIN_S", 0.1, raising=False)
    async with InProcessWorld(tmp_path) as world:
        assert world.server is not None
        rule = "intake.before_commit=sleep:0.4" if cancelled else "intake.after_commit=error@1"
        failpoints.arm({"OMNI_TESTING": "1", "OMNI_FAILPOINTS": rule})
        host = world.server.channels["mail"].host
        raw = Delivery(dedupe_key="imap:1", raw=MAIL, event=None, meta={"folder": "INBOX"})
        submitting = asyncio.create_task(host.submit([raw]))
        if cancelled:
            await asyncio.sleep(0.1)
            submitting.cancel()
        [end] = await asyncio.gather(submitting, return_exceptions=True)
        assert isinstance(end, asyncio.CancelledError if cancelled else OSError)
        database = world.server.database

        async def taken() -> bool:
            # The parser's own question, so that what is not committed yet does not count as done.
            known = await database.read(lambda tx: journal.has(tx, "mail", "imap:1"))
            return known and not await database.read(lambda tx: journal.unfinished(tx, ["mail"], 1))

        await until(taken, "the mail is taken in")
