"""What a messenger's API answered, and what each answer means for the message that was sent. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from channels.base import BadCredentials, Failed, Retry, SendResult, Sent, Unknown
from channels.messenger.link import UnreachedError


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform (`spoken`) or something in between answered. `raw`: the JSON of the result."""

    status: int
    spoken: bool
    ok: bool = False
    raw: bytes = b"null"
    description: str = ""
    retry_after: float | None = None

    @property
    def good(self) -> bool:
        return self.ok and self.spoken and 200 <= self.status < 300

    def result(self) -> Any:
        try:
            return msgspec.json.decode(self.raw)
        except msgspec.MsgspecError:
            return None


def judge(answer: Answer, platform: str, name: Callable[[Any], str | None]) -> SendResult:
    """`name`: the remote id out of the result of a good answer."""
    status, told = answer.status, answer.description or f"status {answer.status}"
    if 200 <= status < 300:
        if not answer.good:
            return Unknown(f"an answer came that is not {platform}'s")
        return Sent(remote_id=name(answer.result()))
    if status in (401, 404):
        return BadCredentials(f"{platform} does not know this bot ({told}): is the token right?")
    if status == 429:
        return Retry(f"{platform} asks to wait ({told})", after=answer.retry_after)
    if status == 504 and not answer.spoken:
        return Unknown(f"a server in between gave up waiting for {platform}")
    if status >= 500 or status in (408, 409, 425):
        return Retry(f"{platform} answers {status}", after=answer.retry_after)
    if 300 <= status < 400:
        return Failed(f"api_base redirects ({status}): set it to where the API is")
    return Failed(f"{platform} refuses it: {told}")


def lost(error: UnreachedError, platform: str) -> SendResult:
    """What no answer means: only what did not begin was surely not delivered."""
    if error.begun:
        return Unknown(f"{platform} may have taken it: {error.reason}")
    return Retry(f"{platform} cannot be reached: {error.reason}")


def partly(result: SendResult, noted: bool) -> SendResult:
    """The result of a reply whose text arrived and whose files did not. `noted`: a further attempt knows."""
    if isinstance(result, Sent):
        return result
    if isinstance(result, Unknown):
        return Unknown(f"the text arrived; of the files nobody knows: {result.reason}")
    told = f"the text arrived, the files did not: {result.reason}"
    if isinstance(result, Failed) or noted:
        return msgspec.structs.replace(result, reason=told)
    return Unknown(told)
