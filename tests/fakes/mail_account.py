"""The channel under test with a host in memory, and patience for what happens in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from channels.email import EmailChannel, EmailSettings
from channels.email.pace import Pace
from channels.email.settings import ImapServer, SmtpServer
from channels.secret import Secret
from channels.testkit import MemoryHost

PASSWORD = "secret"

# Everything that waits for a dead peer waits this long at most.
QUICK = Pace(
    connect=3.0,
    command=3.0,
    idle_min=20.0,
    idle_max=25.0,
    backoff_first=0.05,
    backoff_max=0.3,
    host_backoff_max=0.1,
    refused=30.0,
    smtp_connect=2.0,
    smtp_command=2.0,
    smtp_data=2.0,
)


def settings(
    imap_port: int = 1,
    smtp_port: int = 1,
    *,
    username: str = "support",
    password: str | None = PASSWORD,
    **more: Any,
) -> EmailSettings:
    values: dict[str, Any] = {
        "kind": "email",
        "address": "support@shop.example",
        "from_name": "Shop",
        "username": username,
        "password": None if password is None else Secret(password),
        "imap": ImapServer(host="127.0.0.1", port=imap_port, tls="none"),
        "smtp": SmtpServer(host="127.0.0.1", port=smtp_port, tls="none"),
        "poll_seconds": 0.1,
        "sent_seconds": 0.1,
    }
    return EmailSettings(**(values | more))


def host() -> MemoryHost:
    """With the real time of day: bookmarks compare it with the mail server's dates."""
    made = MemoryHost("mail")
    made.clock = int(time.time() * 1000)
    return made


def channel(given: EmailSettings, pace: Pace = QUICK) -> EmailChannel:
    made = EmailChannel("mail", given)
    made.pace = pace
    return made


async def until(condition: Callable[[], bool], what: str, timeout: float = 15.0) -> None:
    """Wait for something to become true; fails with `what` when it does not."""
    try:
        async with asyncio.timeout(timeout):
            while not condition():  # noqa: ASYNC110 - conditions of other tasks' data have no event
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"did not happen: {what}") from None


async def connected(of: MemoryHost) -> None:
    await until(lambda: any(health.state == "connected" for health in of.health), "connected")


def texts(of: MemoryHost) -> list[str]:
    """Last lines of what was delivered, sorted: which mails, whatever their order."""
    return sorted(one.raw.decode("utf-8", "replace").rstrip().rpartition("\n")[2] for one in of.deliveries)
