"""A marketplace that repeats itself, as providers do, and that says how often it was answered."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from typing import Any

import aiohttp

from channels.webhook import standard
from omni_console.demo.customers import RETRY_S, Market


class ImpatientMarket(Market):
    """Delivers every webhook `again` more times under the same id, after it was acknowledged.

    Answers come to `market`, which is the one that the server knows.
    """

    def __init__(
        self, market: Market, http: aiohttp.ClientSession, secret: str, seed: int = 0, again: int = 1
    ) -> None:
        super().__init__(http, secret)
        self.base_url = market.base_url
        self.customers = market.customers
        self._session = http
        self._signing = standard.read_secret(secret)
        self._again = again
        self._random = random.Random(seed)
        self._repeats: set[asyncio.Task[None]] = set()
        self.repeated = 0
        self.refusals: list[int] = []

    async def send(self, webhook_id: str, raw: bytes) -> int:
        """One request; its status, 0 where nobody answered."""
        headers = standard.headers([self._signing], webhook_id, int(time.time()), raw)
        try:
            async with self._session.post(
                f"{self.base_url}/hooks/market",
                data=raw,
                headers={**headers, "Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=15),
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return 0

    async def post(self, body: dict[str, Any]) -> None:
        raw = json.dumps(body, ensure_ascii=False).encode()
        webhook_id = f"msg_{uuid.uuid4().hex}"
        while (status := await self.send(webhook_id, raw)) >= 300 or status == 0:
            if 400 <= status < 500 and status != 429:
                self.refusals.append(status)
            await asyncio.sleep(RETRY_S)
        for _ in range(self._again):
            task = asyncio.create_task(self._repeat(webhook_id, raw))
            self._repeats.add(task)
            task.add_done_callback(self._repeats.discard)

    async def _repeat(self, webhook_id: str, raw: bytes) -> None:
        await asyncio.sleep(self._random.uniform(0.0, 1.5))
        await self.send(webhook_id, raw)
        self.repeated += 1

    async def until_repeated(self) -> None:
        """Wait for the repeats that are still to come."""
        await asyncio.gather(*self._repeats)
