"""Outbound: the body of a reply, and what an answer to it means. Pure functions."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
from yarl import URL

from channels.base import BadCredentials, Failed, Outbound, Retry, SendResult, Sent
from channels.loopback import is_loopback

RETRY_AFTER_MAX_S = 86_400.0


def check_url(text: str) -> str | None:
    """Why this is no address to deliver to, or None."""
    try:
        url = URL(text)
        host = url.host or ""
    except ValueError as error:
        return str(error)
    if url.scheme not in {"http", "https"} or not host:
        return "it must begin with https:// and name a host"
    if url.user is not None or url.password is not None or url.fragment:
        return "it must hold no user name, password or fragment"
    if url.scheme == "http" and not is_loopback(host):
        return "http is for loopback only; use https"
    return None


def body(message: Outbound, contents: Sequence[bytes]) -> bytes:
    """The JSON of a reply: the same bytes at every attempt. `contents`: the files', in order.

    Its type is `reply`, never `message`: a request that comes back to our own hook is no customer's.
    """
    written = datetime.fromtimestamp(message.written_at / 1000, UTC)
    return msgspec.json.encode(
        {
            "type": "reply",
            "timestamp": written.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": {
                "message_id": message.key,
                "conversation_key": message.thread,
                "recipient": {"id": message.to, "name": message.to_name},
                "author": message.author,
                "text": message.text,
                "subject": message.subject,
                "reply_to": message.references[-1] if message.references else None,
                "attachments": [
                    {
                        "name": file.name,
                        "content_type": file.content_type,
                        "base64": base64.b64encode(content).decode(),
                    }
                    for file, content in zip(message.files, contents, strict=True)
                ],
            },
        }
    )


def retry_after(header: str | None, now_ms: int) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 10.2.3), or None where it says nothing usable."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), RETRY_AFTER_MAX_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, moment.timestamp() - now_ms / 1000), RETRY_AFTER_MAX_S)


def judge(status: int, wait: str | None, key: str, now_ms: int) -> SendResult:
    """What the receiver's status means. `wait` is its Retry-After header."""
    if 200 <= status < 300:
        return Sent(remote_id=key)
    if status in {401, 403}:
        return BadCredentials(reason=f"the receiver refuses our signature ({status})")
    if status == 410:
        return Failed(reason="the receiver says that it takes no more webhooks (410)")
    if status in {408, 425, 429} or status >= 500:
        return Retry(reason=f"the receiver answered {status}", after=retry_after(wait, now_ms))
    if 300 <= status < 400:
        return Failed(
            reason=f"the receiver redirects ({status}); redirects are not followed: set deliver_url"
        )
    return Failed(reason=f"the receiver answered {status}")
