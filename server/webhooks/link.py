"""One request to a receiver, signed, and what its answer means."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec

from channels import dialling
from channels.webhook import deliver, standard
from server.webhooks.body import Body
from server.webhooks.webhook import Webhook

CONNECT_S = 10.0
REACH_S = 10.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request. `problem` "": the receiver took it."""

    status: int | None = None
    problem: str = ""
    wait_s: float = 0.0  # that the receiver asks for


def session(webhook: Webhook) -> aiohttp.ClientSession:
    """Dials the internet, and of everything else what its configuration names. Needs a running loop."""
    return aiohttp.ClientSession(
        connector=dialling.connector(webhook.allowed, limit=2),
        timeout=aiohttp.ClientTimeout(total=webhook.timeout_s, connect=CONNECT_S),
        headers={"User-Agent": "omni-console-webhook/1"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def post(link: aiohttp.ClientSession, webhook: Webhook, body: Body[Any], now: int) -> Answer:
    """Tell the receiver. `now`: UTC milliseconds, for the signature."""
    data = body.encoded()
    headers = {
        "Content-Type": "application/json",
        **standard.headers(webhook.keys, body.id, now // 1000, data),
    }
    try:
        async with link.post(webhook.url, data=data, headers=headers, allow_redirects=False) as response:
            return judge(response.status, response.headers.get("Retry-After"), now)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Answer(problem=_no_answer(error))


def judge(status: int, retry_after: str | None, now: int) -> Answer:
    """Pure. Only a 2xx ends an event: whatever else is said may be a mistake at the other end that somebody
    mends, and nothing is lost meanwhile."""
    if 200 <= status < 300:
        return Answer(status=status)
    if 300 <= status < 400:
        problem = f"the receiver redirects ({status}); redirects are not followed: set url"
    else:
        problem = f"the receiver answered {status}"
    return Answer(status=status, problem=problem, wait_s=deliver.retry_after(retry_after, now) or 0.0)


async def reach(webhook: Webhook) -> Answer:
    """Whether anybody is there, whatever he says: for `omni doctor`. Nothing is told."""
    try:
        async with (
            session(webhook) as link,
            link.options(
                webhook.url, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=REACH_S)
            ) as response,
        ):
            return Answer(status=response.status)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Answer(problem=_no_answer(error))


def _no_answer(error: Exception) -> str:
    return f"no answer: {type(error).__name__}: {error}".rstrip(": ")
