"""Waiting for what must come, with an end that is no figure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(true: Callable[[], Awaitable[bool]], what: str, seconds: float = 40.0) -> None:
    """Look until it is so. Raises AssertionError naming `what` when it never is."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if await true():
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"in vain: {what}") from None
